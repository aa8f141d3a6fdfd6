"""Laws of adversarial games."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import GREY, POINTS, batch, build, condition

from pipeline.contract import GenerativeModel, Task
from pipeline.objectives.adversarial import GRADIENT, OBJECTIVES, R1
from pipeline.training.optimiser import MovingAverage

POINT, IMAGE = Task("points", POINTS), Task("images", GREY)
EITHER = pytest.mark.parametrize("task", [POINT, IMAGE], ids=["points", "images"])


def gan(recipe: str, task: Task = POINT, **changes: Any) -> Any:
    return build("gan", recipe, task, **changes)


def slope(loss: Tensor, scores: Tensor) -> Tensor:
    return torch.autograd.grad(loss, scores)[0]


def play(model: GenerativeModel, task: Task, rounds: int, rate: float = 0.01) -> None:
    """Plain gradient descent of both players."""
    for _ in range(rounds):
        for player in [one for one in model.players() for _ in range(one.steps_per_round)]:
            loss = player.loss(*batch(task, 16)).total
            for parameter, step in zip(player.params, torch.autograd.grad(loss, player.params), strict=True):
                parameter.data.sub_(rate * step)


def test_minimax_and_nonsaturating_share_the_critic_and_differ_in_the_generator() -> None:
    real, fake = torch.randn(8, requires_grad=True), torch.randn(8, requires_grad=True)
    one, two = OBJECTIVES["minimax"], OBJECTIVES["nonsaturating"]
    for scores in (real, fake):
        assert torch.equal(slope(one.critic(real, fake), scores), slope(two.critic(real, fake), scores))
    first, second = slope(one.generator(fake), fake), slope(two.generator(fake), fake)
    assert (first * second > 0).all()  # the same direction
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_critic_raises_real_and_lowers_fake_and_the_generator_raises_fake(name: str) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    objective = OBJECTIVES[name]
    assert (slope(objective.critic(real, fake), real) < 0).all()
    if name != "least_squares":  # its fakes are already at their target of 0
        assert (slope(objective.critic(real, fake), fake) > 0).all()
    assert (slope(objective.generator(fake), fake) < 0).all()


def test_a_saturated_minimax_generator_has_no_gradient_and_a_nonsaturating_one_has() -> None:
    fake = torch.full((4,), -20.0, requires_grad=True)
    assert slope(OBJECTIVES["minimax"].generator(fake), fake).abs().max() < 1e-6
    assert slope(OBJECTIVES["nonsaturating"].generator(fake), fake).abs().min() > 0.2


@pytest.mark.parametrize(("penalty", "expected"), [(GRADIENT, (5.0 - 1) ** 2), (R1, 5.0**2 / 2)])
def test_the_penalty_of_a_linear_critic_is_its_price_at_its_known_slope(penalty: Any, expected: float) -> None:
    w = torch.tensor([3.0, 4.0], dtype=torch.float64)
    real, fake = torch.randn(2, 16, 2, dtype=torch.float64)
    assert penalty(lambda x: x @ w, real, fake).item() == pytest.approx(expected)


def test_r1_is_the_slope_at_the_real_points_and_the_gradient_penalty_between_the_two() -> None:
    """By finite differences of a critic that is no line."""
    real, fake = torch.randn(2, 64, 3, dtype=torch.float64)
    seen: list[Tensor] = []

    def score(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.sin().prod(-1)

    def squared_slope(x: Tensor, step: float = 1e-5) -> Tensor:
        moves = step * torch.eye(3, dtype=torch.float64)
        sides = [((x + m).sin().prod(-1) - (x - m).sin().prod(-1)) / (2 * step) for m in moves]
        return torch.stack(sides).square().sum(0)

    assert R1(score, real, fake).item() == pytest.approx(squared_slope(real).mean().item() / 2)
    found = GRADIENT(score, real, fake).item()
    share = ((seen[-1] - fake) / (real - fake)).clone()
    assert torch.allclose(share, share[:, :1].expand(-1, 3))
    assert ((share >= 0) & (share < 1)).all()
    assert found == pytest.approx((squared_slope(seen[-1]).sqrt() - 1).square().mean().item(), rel=1e-5)


def test_a_penalty_that_is_paid_in_a_share_of_the_steps_is_divided_by_that_share() -> None:
    model, steps = gan("gan_nonsaturating", r1=4.0, r1_share=0.25), 300
    losses = [model.critic_loss(*batch(POINT, 4)) for _ in range(steps)]
    paid = [loss for loss in losses if "penalty" in loss.parts]
    assert 0.15 < len(paid) / steps < 0.35
    for loss in paid:
        assert loss.total.item() == pytest.approx((loss.parts["game"] + 4.0 / 0.25 * loss.parts["penalty"]).item())


@EITHER
def test_clipped_weights_are_in_their_box_whenever_the_critic_scores(task: Task) -> None:
    model = gan("wgan_clip", task, box=0.05)
    largest: list[float] = []
    model.critic.register_forward_pre_hook(
        lambda critic, _: largest.append(max(p.abs().max().item() for p in critic.parameters()))
    )
    play(model, task, rounds=3, rate=10.0)
    assert len(largest) == 3 * (5 + 1)
    assert max(largest) == pytest.approx(0.05)


@EITHER
def test_each_layer_of_a_spectral_critic_has_a_largest_singular_value_of_one(task: Task) -> None:
    model = gan("sngan_hinge", task)
    play(model, task, rounds=20, rate=0.001)
    with torch.no_grad():
        for _ in range(100):  # power iterations, one for each pass
            model.critic(*batch(task, 2))
    layers = [m for m in model.critic.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert len(layers) >= 2
    for layer in layers:
        assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1.0, abs=1e-3)


@EITHER
def test_a_spectral_critic_survives_a_copy_the_average_and_its_state(task: Task) -> None:
    model = gan("sngan_hinge", task)
    average = MovingAverage(model, 0.9)
    play(model, task, rounds=3)
    average.update()
    again = gan("sngan_hinge", task)
    again.load_state_dict(average.weights(), assign=True)
    items = batch(task, 4)
    pairs: list[tuple[Any, Any]] = [(again, average.model), (copy.deepcopy(model), model)]
    with torch.no_grad():
        for ours, theirs in pairs:
            assert torch.equal(ours.eval().critic(*items), theirs.eval().critic(*items))


@pytest.mark.parametrize("kind", ["none", "class", "box", "segmentation"])
def test_a_packed_critic_judges_several_items_each_with_its_own_condition(kind: str) -> None:
    task = Task("packs", GREY, condition(kind, GREY))
    model, (x, c) = gan("pacgan", task, pack=3), batch(task, 6)
    score = model.critic(x, c)
    assert score.shape == (2, 1)
    for values in (x, c) if kind in ("box", "class") else (x,):
        for item in range(6):  # of two packs only the one that holds the item changes
            other = values.clone()
            other[item] = (other[item] + 1) % 3 if kind == "class" and values is c else other[item] + 1
            moved = model.critic(*((other, c) if values is x else (x, other))) != score
            assert moved[:, 0].tolist() == [item < 3, item >= 3]


def test_packs_are_all_real_or_all_fake_and_what_fills_none_is_left_out() -> None:
    model, (x, c) = gan("pacgan", pack=4, r1=0.0), batch(POINT, 11)
    seen: list[Tensor] = []
    model.critic.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    loss = model.critic_loss(x, c)
    real, fake = seen[0].chunk(2)
    assert torch.equal(real, x[:8] / POINTS.scale)
    assert not torch.isin(fake, real).any()
    assert torch.isfinite(loss.total)
    with pytest.raises(ValueError, match="pack of 4"):
        model.critic_loss(x[:3], c[:3])


@EITHER
def test_a_pack_of_one_is_no_pack(task: Task) -> None:
    one, plain = gan("pacgan", task, pack=1), gan("gan_nonsaturating", task)
    one.load_state_dict(plain.state_dict())
    items = batch(task, 4)
    assert torch.equal(one.critic(*items), plain.critic(*items))


def test_truncation_shrinks_the_latent_and_one_changes_nothing() -> None:
    model, c = gan("gan_minimax").eval(), torch.empty(500, 0)

    def draw(setting: float) -> Tensor:
        torch.manual_seed(0)
        model.setting = setting
        return model.sample(c)

    trained = draw(1.0)
    torch.manual_seed(0)
    with torch.no_grad():
        assert torch.equal(trained, POINTS.scale * model.generator(torch.randn(500, model.latent), c))
    assert draw(0.0).std(0).max() < 1e-6
    assert draw(0.5).std(0).max() < trained.std(0).max()


def test_a_real_image_is_jittered_within_its_bins() -> None:
    model, (x, c) = gan("lsgan", IMAGE), batch(IMAGE, 16)
    seen: list[Tensor] = []
    model.critic.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model.critic_loss(x, c)
    real = seen[0][:16] * GREY.scale
    assert not torch.equal(real, x)
    assert torch.equal(GREY.quantise(real), x)
