"""Promises of classifier-free guidance."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from toys import COLOUR, GREY, POINTS, build, condition, conditions

from pipeline.contract import Condition, Event, Task
from pipeline.families.diffusion.ddpm import DDPM, clearance, cosine
from pipeline.families.diffusion.guidance import Guided
from pipeline.networks.condition import Context, encoder

MODELS = [("ddpm", POINTS), ("ddpm", GREY), ("flow_matching", POINTS), ("flow_matching", GREY)]


def awake(recipe: str, event: Event, kind: str) -> tuple[Guided, Tensor]:
    """A model whose condition matters, and c for 8 items."""
    task = Task("t", event, condition(kind, event))
    model = build("diffusion", recipe, task).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model, conditions(task, 8)


def draw(model: Guided, c: Tensor, setting: float) -> Tensor:
    torch.manual_seed(1)
    model.setting = setting
    return model.sample(c)


@pytest.mark.parametrize(("recipe", "event"), MODELS)
def test_guidance(recipe: str, event: Event) -> None:
    """1 is the conditional model itself, 0 forgets the condition, and no setting moves a score."""
    model, c = awake(recipe, event, "class")
    x, scores = event.scale * torch.ones(8, *event.shape), []
    assert not torch.equal(draw(model, c, 1.0), draw(model, c, 3.0))
    assert torch.equal(draw(model, c, 0.0), draw(model, (c + 1) % 3, 0.0))
    for setting in (1.0, 3.0):
        torch.manual_seed(1)
        model.setting = setting
        scores.append(model.elbo(x, c))
    assert torch.equal(*scores)


@pytest.mark.parametrize(("recipe", "event"), MODELS)
def test_guidance_costs_a_pass_only_where_it_does_something(recipe: str, event: Event) -> None:
    passes = {}
    for kind, setting in itertools.product(("none", "class"), (1.0, 3.0)):
        model, c = awake(recipe, event, kind)
        calls: list[int] = []
        model.network.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        draw(model, c, setting)
        passes[kind, setting] = len(calls)
    plain = passes["none", 1.0]
    assert passes == {("none", 1.0): plain, ("none", 3.0): plain, ("class", 1.0): plain, ("class", 3.0): 2 * plain}


def test_the_context_is_dropped_in_training_only() -> None:
    task = Task("t", COLOUR, condition("box", COLOUR))
    model, c = build("diffusion", "ddpm", task, drop=0.25).train(), torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 4000)
    context = model.context(c)
    gone = (context.vector == 0).all(1)
    assert torch.equal(gone, (context.map == 0).flatten(1).all(1))
    assert gone.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert not (model.eval().context(c).vector == 0).all(1).any()


@pytest.mark.parametrize(("recipe", "event"), MODELS)
def test_the_unconditional_view_sees_no_condition_and_shares_the_weights(recipe: str, event: Event) -> None:
    model, c = awake(recipe, event, "class")
    view, x, scores = model.unconditional(), event.scale * torch.ones(8, *event.shape), []
    for one, given in ((view, c), (view, (c + 1) % 3), (model, c)):
        torch.manual_seed(1)
        scores.append(one.elbo(x, given))
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])
    assert all(ours is theirs for ours, theirs in zip(view.parameters(), model.parameters(), strict=True))


def calibrated(kind: str, shift: int = 0) -> DDPM:
    """Of a model that drops its condition: its variances under c, moved on by `shift` items."""
    task = Task("t", GREY, condition(kind, GREY))
    model = build("diffusion", "ddpm", task, drop=0.25).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    x, c = GREY.value(torch.randint(5, (16, *GREY.shape))), conditions(task, 16)
    torch.manual_seed(1)
    model.calibrate([(x, c.roll(shift, 0))], [])
    return model


@pytest.mark.parametrize("kind", ["class", "segmentation"])
def test_calibration_measures_the_unconditional_view_by_itself(kind: str) -> None:
    torch.manual_seed(0)
    given, blind = calibrated(kind).noise_error
    torch.manual_seed(0)
    other_given, other_blind = calibrated(kind, shift=1).noise_error
    assert not torch.equal(given[1:], blind[1:])
    assert not torch.equal(given[1:], other_given[1:])
    assert torch.equal(blind, other_blind)


def test_without_a_condition_both_views_have_the_same_variances() -> None:
    assert torch.equal(*calibrated("none").noise_error)


class CoinNoise(nn.Module):
    """The best noise prediction for a coin of -1 or 1 that the context shows, and that is fair where it shows none."""

    def __init__(self, gamma: Tensor) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        gamma = (self.gamma[0] + t * (self.gamma[-1] - self.gamma[0])).view(-1, 1, 1, 1)
        alpha, sigma = (-gamma).sigmoid().sqrt(), gamma.sigmoid().sqrt()
        shown = context.vector[:, :1, None, None]
        return (z - alpha * torch.where(shown == 0, (alpha * z / sigma**2).tanh(), shown)) / sigma


def coin() -> tuple[DDPM, Tensor, Tensor]:
    """The calibrated model of a coin whose class is its face, with 4,000 throws: in 20 steps variances matter."""
    event = Event((1, 1, 1), levels=2)
    condition, gamma = encoder(Condition("class", (), 2), event), cosine(clearance(event, 5), 5, 20)
    condition.table.weight.data = torch.tensor([[-1.0], [1.0]])
    model = DDPM(event, condition, CoinNoise(gamma), gamma, drop=0.25, weighting="vlb").eval()
    c = torch.arange(4000) % 2
    x = event.value(c).view(-1, 1, 1, 1)
    model.calibrate([(x, c)], [])
    return model, x, c


@torch.no_grad()
def bound(model: DDPM, x: Tensor, c: Tensor) -> Tensor:
    """With the same noise at each call."""
    torch.manual_seed(1)
    return model.elbo(x, c)


def test_the_unconditional_bound_is_on_a_mass_whatever_the_condition() -> None:
    """exp(mean bound) sums to no more than one over both faces, comes close to it, and is the same under every c."""
    model, x, c = coin()
    view = model.unconditional()
    told, lied_to = bound(view, x, c), bound(view, x, 1 - c)
    assert torch.equal(told, lied_to)
    assert 0.9 < sum(told[c == face].mean().exp().item() for face in (0, 1)) <= 1


def test_the_bounds_of_both_views_differ_by_what_the_condition_explains() -> None:
    """One bit of a coin; each view needs its own variances."""
    model, x, c = coin()
    blind = bound(model.unconditional(), x, c).mean().item()
    assert bound(model, x, c).mean().item() - blind == pytest.approx(math.log(2), abs=0.1)
    model.noise_error[1] = model.noise_error[0]
    assert bound(model.unconditional(), x, c).mean().item() < blind - 0.02


def test_mid_grey_is_not_the_absence_of_a_condition() -> None:
    model, _ = awake("ddpm", COLOUR, "grayscale")
    x, c = torch.ones(4, *COLOUR.shape), torch.zeros(4, 1, *COLOUR.shape[1:])
    scores = []
    for one in (model, model.unconditional()):
        torch.manual_seed(1)
        scores.append(one.elbo(x, c))
    assert not torch.equal(*scores)
