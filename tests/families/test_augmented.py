"""Promises of distribution augmentation."""

from __future__ import annotations

import pytest
import torch
from toys import COLOUR, GREY, batch, build, condition

from pipeline.contract import Event, Exact, Task
from pipeline.families.autoregressive import augmentation
from pipeline.families.autoregressive.augmentation import (
    SPREAD,
    AugmentedImages,
    Transformation,
    identity,
    random_transformation,
    symmetries,
    transformation_width,
)
from pipeline.families.autoregressive.image import sample_naively

RECIPES = ["pixelcnn", "gated_pixelcnn", "pixelcnn_pp", "row_lstm", "diagonal_bilstm", "image_transformer"]
OBLONG = Event((1, 4, 6), levels=5)
TINY = Event((1, 2, 2), levels=2)
events = pytest.mark.parametrize("event", [GREY, COLOUR, OBLONG], ids=["grey", "colour", "oblong"])


def augmented(recipe: str, event: Event, kind: str = "none") -> AugmentedImages:
    made = build("autoregressive", recipe, Task("t", event, condition(kind, event)), augmented=True).eval()
    assert isinstance(made, AugmentedImages)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_scored_is_a_distribution_of_plain_images(recipe: str) -> None:
    made: Exact = augmented(recipe, TINY)
    images = TINY.value(torch.cartesian_prod(*[torch.arange(2)] * 4)).view(-1, 1, 2, 2)
    with torch.no_grad():
        assert made.log_prob(images, torch.empty(16, 0)).exp().sum().item() == pytest.approx(1, abs=1e-5)


@events
def test_the_identity_leaves_an_image_as_it_is(event: Event) -> None:
    x, _ = batch(Task("t", event), 5)
    assert torch.equal(event.quantise(identity(5).apply(x)), x)


@events
def test_symmetries_are_different_permutations_of_the_pixels(event: Event) -> None:
    x = torch.arange(event.dims, dtype=torch.float32).view(1, *event.shape)
    turned = [symmetry(x) for symmetry in symmetries(event)]
    assert torch.equal(turned[0], x)
    assert len({tuple(one.flatten().tolist()) for one in turned}) == len(turned) == (4 if event is OBLONG else 8)
    assert all(one.shape == x.shape and torch.equal(one.flatten().sort().values, x.flatten()) for one in turned)


def test_a_shift_by_a_whole_pixel_moves_every_pixel() -> None:
    x, _ = batch(Task("t", GREY), 3)
    noise = torch.zeros(3, len(SPREAD))
    noise[:, 4] = 2 / 8 / SPREAD[4]  # two half sides are eight pixels
    moved = GREY.quantise(Transformation(noise, torch.zeros(3, dtype=torch.long)).apply(x))
    assert torch.equal(moved[..., :-1], x[..., 1:])


@events
def test_the_network_is_told_which_transformation_it_is(event: Event) -> None:
    t = random_transformation(event, 400)
    told = t.features(event)
    assert told.shape == (400, transformation_width(event))
    assert torch.equal(told[:, len(SPREAD) :].argmax(1), t.symmetry)
    plain = identity(1).features(event)
    assert plain[0].tolist() == [0.0] * len(SPREAD) + [1.0] + [0.0] * (len(symmetries(event)) - 1)


@events
def test_each_image_is_transformed_as_if_it_were_alone(event: Event) -> None:
    t, x = random_transformation(event, 20), torch.randn(20, *event.shape)
    alone = [Transformation(t.noise[i : i + 1], t.symmetry[i : i + 1]).apply(x[i : i + 1]) for i in range(20)]
    assert torch.allclose(t.apply(x), torch.cat(alone), atol=1e-6)


@pytest.mark.parametrize("kind", ["none", "class", "box", "segmentation", "grayscale"])
def test_a_dense_condition_moves_with_its_image(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained under one fixed symmetry it descends what it scores for turned images under turned maps."""
    made, task = augmented("pixelcnn", GREY, kind), Task("t", GREY, condition(kind, GREY))
    x, c = batch(task, 6)
    turn = Transformation(torch.zeros(6, len(SPREAD)), torch.full((6,), 1))
    monkeypatch.setattr(augmentation, "random_transformation", lambda event, count, device: turn)
    seen = made.condition(c)
    context = seen._replace(map=turn.apply(seen.map)).everywhere() if seen.map.shape[1] else seen.everywhere()
    told = turn.features(GREY)[:, :, None, None].expand(-1, -1, 8, 8)
    parameters = made.network(torch.rot90(x, 1, (-2, -1)), torch.cat([context, told], dim=1))
    expected = -made.pixels.log_prob(torch.rot90(x, 1, (-2, -1)), parameters).mean()
    assert made.loss(x, c).total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_plain_images_are_seen_often() -> None:
    t = random_transformation(GREY, 4000)
    plain = (t.noise == 0).all(1) & (t.symmetry == 0)
    assert plain.float().mean().item() == pytest.approx(0.3 * (0.5 + 0.5 / 8), abs=0.03)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_cached_sampler_draws_what_the_naive_one_draws(recipe: str) -> None:
    made, c = augmented(recipe, OBLONG, "box"), torch.rand(3, 4)
    draws = []
    for sampler in (made.sample, lambda c: sample_naively(made, c)):
        torch.manual_seed(1)
        draws.append(sampler(c))
    assert torch.equal(*draws)
