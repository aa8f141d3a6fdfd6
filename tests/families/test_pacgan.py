"""Laws of PacGAN's networks and game."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from toys import POINTS, condition

from pipeline.contract import Event, Task
from pipeline.errors import UserError
from pipeline.families.pacgan.networks import Maxout, sides
from pipeline.families.pacgan.recipe import pacgan_images, pacgan_points

POINT, STACKED = Task("points", POINTS), Task("stacked", Event((3, 28, 28), levels=256))


def small(task: Task, **changes: Any) -> Any:
    recipe = pacgan_points if task is POINT else pacgan_images
    sizes = {"width": 8, "critic_width": 8} if task is POINT else {"channels": 2}
    return recipe(task, **sizes | changes)


def test_a_maxout_unit_is_the_largest_of_its_linear_maps() -> None:
    layer, h = Maxout(3, 2, pieces=5), torch.randn(7, 3)
    maps = F.linear(h, layer.linear.weight, layer.linear.bias).view(7, 2, 5)
    assert torch.equal(layer(h), maps.max(2).values)


def test_a_stride_of_two_halves_and_rounds_up() -> None:
    assert sides(28, 4) == [28, 14, 7, 4, 2]


@pytest.mark.parametrize("pack", [1, 2, 3])
def test_images_of_any_pack_have_their_size_and_one_score_for_each_pack(pack: int) -> None:
    model, c = small(STACKED, pack=pack), torch.empty(6, 0)
    x = model.sample(c)
    assert x.shape == (6, 3, 28, 28)
    assert model.critic(model._packs(x)).shape == (6 // pack, 1)


def test_the_networks_are_those_of_the_authors() -> None:
    model = pacgan_points(POINT, pack=2)
    hidden, norms = 2 * 400 + 3 * 400 * 400, 4 * 2 * 400
    assert sum(p.numel() for p in model.generator.parameters()) == hidden + norms + 400 * 2 + 2
    maxout = (4 + 1) * 1000 + 2 * (200 + 1) * 1000
    assert sum(p.numel() for p in model.critic.parameters()) == maxout + 201
    images = pacgan_images(STACKED, pack=2)
    convolutions = 25 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 128 + 256 + 512
    assert sum(p.numel() for p in images.critic.parameters()) == convolutions + 2 * (128 + 256 + 512) + 4 * 512 + 1


def test_weights_start_from_a_normal_of_deviation_002() -> None:
    generator: Any = pacgan_points(POINT).generator
    assert generator[3].weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_a_pack_of_one_is_the_nonsaturating_game_of_single_items() -> None:
    model, x, c = small(POINT, pack=1).eval(), torch.randn(16, 2), torch.empty(16, 0)
    torch.manual_seed(0)
    fake = model.generator(torch.randn(16, 2))
    torch.manual_seed(0)
    critic = model.critic_loss(x, c).total
    expected = F.softplus(-model.critic(x)).mean() + F.softplus(model.critic(fake)).mean()
    assert torch.allclose(critic, expected)
    torch.manual_seed(0)
    assert torch.allclose(model.generator_loss(x, c).total, F.softplus(-model.critic(fake)).mean())


def test_uniform_noise_is_within_the_cube_and_scaled_by_truncation() -> None:
    z = small(STACKED)._latents(torch.empty(500, 0))
    assert z.abs().max() <= 1
    assert z.abs().max() > 0.99


def test_the_generator_steps_twice_in_a_round_on_images() -> None:
    assert [player.steps_per_round for player in small(STACKED).players()] == [1, 2]
    assert [player.steps_per_round for player in small(POINT).players()] == [1, 1]


def test_a_batch_smaller_than_a_pack_and_a_condition_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fill a pack of 4"):
        small(POINT, pack=4).critic_loss(torch.randn(3, 2), torch.empty(3, 0))
    with pytest.raises(UserError, match="no model of condition class; allowed: none"):
        pacgan_points(Task("t", POINTS, condition("class", POINTS)))
