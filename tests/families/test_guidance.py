"""Promises of classifier-free guidance."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from toys import COLOUR, GREY, POINTS, build, condition, conditions

from pipeline.contract import Event, Task
from pipeline.families.diffusion.guidance import Guided

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


def test_the_unconditional_variances_are_measured_without_the_condition() -> None:
    model, c = awake("ddpm", GREY, "class")
    x = GREY.value(torch.randint(GREY.grid, (8, *GREY.shape)))
    errors = []
    for given in (c, (c + 1) % 3):
        torch.manual_seed(1)
        model.calibrate([(x, given)] * 32, [])
        errors.append(model.noise_error[:, 1:].clone())
    assert not torch.equal(errors[0][0], errors[1][0])
    assert torch.equal(errors[0][1], errors[1][1])
    assert not torch.equal(errors[0][0], errors[0][1])


def test_mid_grey_is_not_the_absence_of_a_condition() -> None:
    model, _ = awake("ddpm", COLOUR, "grayscale")
    x, c = torch.ones(4, *COLOUR.shape), torch.zeros(4, 1, *COLOUR.shape[1:])
    scores = []
    for one in (model, model.unconditional()):
        torch.manual_seed(1)
        scores.append(one.elbo(x, c))
    assert not torch.equal(*scores)
