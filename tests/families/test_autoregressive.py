"""Laws of autoregressive models."""

from __future__ import annotations

import itertools

import pytest
import torch
from toys import COLOUR, GREY, POINTS, build

from pipeline.contract import Event, Task


def logits_of_first_row(event: Event) -> tuple[torch.Tensor, torch.Tensor]:
    model = build("autoregressive", "pixelcnn", Task("t", event), channels=48).eval()  # few units may all be off
    x = torch.randn(1, *event.shape, requires_grad=True)
    logits = model.logits(x, torch.empty(1, 0)).unflatten(1, (event.levels, -1))  # (1, L, C, H, W)
    return x, logits[0]


@pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
def test_pixelcnn_is_causal_by_gradient(event: Event) -> None:
    """Sub-pixel (row, column, channel) depends on no later one, and on its own past."""
    x, logits = logits_of_first_row(event)
    channels, height, width = event.shape
    order = torch.arange(height * width * channels).view(height, width, channels).permute(2, 0, 1)  # raster, then C
    for row, column, channel in itertools.product((0, 3, 7), (0, 4, 7), range(channels)):
        (slope,) = torch.autograd.grad(logits[:, channel, row, column].square().sum(), x, retain_graph=True)
        later = order >= order[channel, row, column]
        assert (slope[0][later] == 0).all()
        if order[channel, row, column] > 0:
            assert (slope[0][~later] != 0).any()


def test_pixelcnn_sums_to_one_over_all_tiny_images() -> None:
    event = Event((1, 2, 2), levels=2)
    model = build("autoregressive", "pixelcnn", Task("t", event)).eval()
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    with torch.no_grad():
        assert model.log_prob(every, torch.empty(16, 0)).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_pixelcnn_samples_have_the_likelihood_that_it_states() -> None:
    """The frequency of each 2x2 binary image among the samples is its probability."""
    event = Event((1, 2, 2), levels=2)
    model = build("autoregressive", "pixelcnn", Task("t", event)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    with torch.no_grad():
        p = model.log_prob(every, torch.empty(16, 0)).exp()
    bits = (model.sample(torch.empty(20_000, 0)) > 0).long().flatten(1) @ torch.tensor([8, 4, 2, 1])
    frequency = torch.bincount(bits, minlength=16) / 20_000
    assert (frequency - p).abs().max() < 0.02


def test_ar_mixture_integrates_to_one() -> None:
    model = build("autoregressive", "ar_mixture", Task("t", POINTS)).eval()
    line = torch.linspace(-8, 8, 641)
    plane = torch.cartesian_prod(line, line)
    with torch.no_grad():
        mass = model.log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)
