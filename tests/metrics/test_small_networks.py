"""Extractors that are small networks: what each learns from and tells apart, and that its features are standard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from verdicts import failures

from pipeline.conformance import inspection
from pipeline.errors import UserError
from pipeline.metrics.extractors.classifier import ChannelClassifier, channel_classifier, classifier
from pipeline.metrics.extractors.contrastive import contrastive, nt_xent, view
from pipeline.metrics.extractors.corruption import blurred, corrupted, shuffled, uniform
from pipeline.metrics.extractors.extractor import Extractor
from pipeline.metrics.extractors.lookup import EXTRACTORS
from pipeline.metrics.extractors.network import weights
from pipeline.metrics.extractors.untrained import untrained
from pipeline.metrics.prdc import prdc

TOY = {"width": 8, "features": 6, "steps": 60}
SMALL: dict[str, Callable[..., Extractor]] = {
    "noise class": lambda *data: classifier(*data, **TOY, noise_class=True),
    "contrastive": lambda *data: contrastive(*data, **TOY),
    "untrained": lambda *data: untrained(*data, width=8, features=6),
}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def bars(count: int, channels: int = 1) -> tuple[Tensor, Tensor]:
    """Noisy 8x8 images (N, C, 8, 8) with one of four bright bars in each channel, and which, (N, C)."""
    label = torch.randint(4, (count, channels))
    bar = torch.eye(4)[label].repeat_interleave(2, dim=2)[..., None]  # (N, C, 8, 1)
    return 2 * bar - 1 + 0.3 * torch.randn(count, channels, 8, 8), label


@pytest.mark.parametrize("name", SMALL)
def test_features_are_standard_and_the_same_seed_gives_the_same_bytes(name: str) -> None:
    x, label = bars(120)
    first, again = (SMALL[name]("bars", x, label[:, 0]) for _ in range(2))
    assert weights(first) == weights(again)
    features = first.extract(x)
    assert torch.allclose(features.mean(dim=0), torch.zeros(6), atol=1e-4)
    assert float(features.var(dim=0).mean()) == pytest.approx(1, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrastive", "untrained"])
def test_the_laws_of_extractors_hold(name: str) -> None:
    assert not failures(inspection.inspect_extractor(EXTRACTORS[name]))


@pytest.mark.slow
def test_a_noise_class_is_told_from_the_data_and_the_classes_are_still_read() -> None:
    x, label = bars(400)
    model = classifier("bars", x, label[:, 0], width=8, features=8, steps=200, noise_class=True)
    assert model.accuracy(x, label[:, 0]) > 0.95
    assert model.head.out_features == 5
    noise = torch.full((400,), 4)
    assert model.accuracy(uniform(x), noise) > 0.95
    assert model.accuracy(shuffled(x), noise) > 0.8
    assert model.accuracy(blurred(x), noise) > 0.8
    fake = uniform(x[:200])
    found = prdc(real=model.extract(x[:200]), fake=model.extract(fake))
    assert found.precision < 0.1


def test_a_channel_has_the_same_features_in_each_place() -> None:
    x, label = bars(150, channels=3)
    model = channel_classifier("bars", x, label, width=4, features=5, steps=20)
    assert model.size == 15
    moved = model.extract(x.roll(1, dims=1)) * model.scale + model.centre
    assert torch.allclose(moved, (model.extract(x) * model.scale + model.centre).roll(5, dims=1), atol=1e-5)
    assert isinstance(model, ChannelClassifier)
    assert model.logits(x[:4]).shape == (4, 3, 4)


@pytest.mark.slow
def test_a_channel_classifier_reads_each_channel() -> None:
    x, label = bars(400, channels=3)
    model = channel_classifier("bars", x, label, width=8, features=8, steps=150, noise_class=True)
    assert model.accuracy(x, label) > 0.95
    assert model.accuracy(uniform(x), torch.full((400, 3), 4)) > 0.9


def test_shuffled_pixels_keep_the_colours_of_each_image() -> None:
    x = torch.randn(5, 3, 4, 6)
    mixed = shuffled(x)

    def colours(image: Tensor) -> list[list[float]]:
        return sorted(image.flatten(1).T.tolist())

    assert all(colours(a) == colours(b) for a, b in zip(mixed, x, strict=True))
    assert not torch.equal(mixed, x)


def test_blur_keeps_constant_images_and_halves_a_checkerboard() -> None:
    flat = torch.full((2, 1, 8, 8), 0.7)
    assert torch.allclose(blurred(flat), flat)
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert float(blurred(board[None, None]).abs().max()) < 0.4


def test_a_third_of_the_corrupted_images_is_of_each_kind() -> None:
    x = torch.zeros(9, 1, 4, 4)
    found = corrupted(x)
    assert found.shape == x.shape
    assert bool((found[:3] != 0).any())
    assert bool((found[3:] == 0).all())


def test_the_contrastive_loss_is_that_of_its_formula() -> None:
    a, b = (torch.nn.functional.normalize(torch.randn(4, 3), dim=1) for _ in range(2))
    z, total = torch.cat([a, b]), 0.0
    for i in range(8):
        similar = (z[i] @ z.T / 0.5).exp()
        total -= float((similar[(i + 4) % 8] / (similar.sum() - similar[i])).log())
    assert float(nt_xent(a, b, 0.5)) == pytest.approx(total / 8, rel=1e-5)


def test_a_view_differs_from_its_image_in_place_contrast_and_one_hole() -> None:
    x = torch.rand(20, 3, 16, 16) + 1
    seen = view(x)
    assert seen.shape == x.shape
    holes = (seen == 0).all(dim=1).sum(dim=(1, 2))
    assert holes.tolist() == [16] * 20
    assert not torch.equal(view(x), seen)


@pytest.mark.parametrize("make", [contrastive, untrained])
def test_points_are_refused(make: Callable[..., Extractor]) -> None:
    with pytest.raises(UserError, match="toy has no images"):
        make("toy", torch.rand(4, 2), None)


def test_one_label_for_an_image_is_refused_where_each_channel_needs_one_and_the_other_way_round() -> None:
    x, label = bars(20, channels=3)
    with pytest.raises(UserError, match="has not one label for each channel"):
        channel_classifier("bars", x, label[:, 0])
    with pytest.raises(UserError, match="bars has no labelled images"):
        classifier("bars", x, label)
