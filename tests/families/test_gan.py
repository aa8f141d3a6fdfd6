"""Laws of adversarial games."""

from __future__ import annotations

import pytest
import torch
from toys import POINTS, build

from pipeline.contract import Task
from pipeline.families.gan.objectives import OBJECTIVES


def slope(loss: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss, scores)[0]


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


def test_r1_is_the_squared_slope_of_the_critic() -> None:
    model = build("gan", "gan", Task("t", POINTS), r1=1.0, r1_share=1.0)
    x, c = torch.randn(16, 2), torch.empty(16, 0)
    each = torch.stack(
        [
            torch.autograd.functional.jacobian(lambda v, i=i: model.score(v[None], c[i : i + 1])[0], x[i])
            for i in range(16)
        ]
    )
    assert model.critic_loss(x, c).parts["r1"].item() == pytest.approx(each.square().sum(-1).mean().item(), rel=1e-4)
