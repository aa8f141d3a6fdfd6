"""Laws of flows, in float64: the inverse is the inverse, the log-determinant is the Jacobian's, mass is one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from scipy.stats import chi2
from torch import Tensor
from toys import COLOUR, GREY, POINTS, SERIES, SYMBOLS, batch, build, condition, conditions, recipes

from pipeline.contract import Event, Task
from pipeline.distributions.bijection import (
    ActNorm,
    Bijection,
    Chain,
    Convolution,
    EveryOther,
    Flatten,
    MultiScale,
    Scale,
    Squeeze,
)
from pipeline.distributions.coupling import (
    Additive,
    Affine,
    ChannelHalves,
    Checkerboard,
    Coupling,
    Monotone,
    Partition,
)
from pipeline.distributions.dequantisation import Uniform
from pipeline.distributions.spline import Spline
from pipeline.families.flow.networks.conditioners import MapConditioner
from pipeline.families.flow.networks.wavenet_conditioner import WaveNetConditioner
from pipeline.networks.layers import VectorConditioner

SMALL = Event((1, 4, 4), levels=4)
POINT_FLOWS = [recipe for family, recipe in recipes("points") if family == "flow"]
IMAGE_FLOWS = [recipe for family, recipe in recipes("images") if family == "flow"]
SEQUENCE_FLOWS = [recipe for family, recipe in recipes("sequences") if family == "flow"]
FLOWS = [
    *((recipe, POINTS) for recipe in POINT_FLOWS),
    *((recipe, SMALL) for recipe in IMAGE_FLOWS),
    *((recipe, event) for recipe in SEQUENCE_FLOWS for event in (SERIES, SYMBOLS)),
]


def awake(module: Any, std: float = 0.3) -> Any:
    """Random weights: what starts as the identity would pass any test."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return module.eval()


def vector(function: Monotone, split: Partition) -> Callable[[int], Bijection]:
    return lambda context: Coupling(
        split, function, VectorConditioner(split.seen, context, function.width * split.moving, 8, 1, 2, 1.0)
    )


def image(function: Monotone, split: Partition) -> Callable[[int], Bijection]:
    shape = (split.seen, *split.shape[1:])
    return lambda context: Coupling(
        split, function, MapConditioner(shape, context, function.width * split.moving, 8, 1)
    )


def sequence(function: Monotone, split: Partition) -> Callable[[int], Bijection]:
    shape = (split.seen, *split.shape[1:])
    return lambda context: Coupling(
        split, function, WaveNetConditioner(shape, context, function.width * split.moving, 8, 2)
    )


Law = tuple[Callable[[int], Bijection], tuple[int, ...]]
"""What makes the bijection for so many channels of context, and the shape of one x."""

LAYERS: dict[str, Law] = {
    "additive": (vector(Additive(), ChannelHalves((2,))), (2,)),
    "affine": (vector(Affine(), ChannelHalves((5,), swap=True)), (5,)),
    "spline": (vector(Spline(5, 2.0), ChannelHalves((3,))), (3,)),
    "additive checkerboard": (image(Additive(), Checkerboard((2, 4, 4), 1)), (2, 4, 4)),
    "affine checkerboard": (image(Affine(), Checkerboard((1, 4, 4), 0)), (1, 4, 4)),
    "affine channels": (image(Affine(), ChannelHalves((4, 2, 2), swap=True)), (4, 2, 2)),
    "spline channels": (image(Spline(3, 1.5), ChannelHalves((4, 2, 2))), (4, 2, 2)),
    "scale": (lambda context: Scale((3, 2)), (3, 2)),
    "actnorm": (lambda context: ActNorm((3, 2, 2)), (3, 2, 2)),
    "actnorm of a vector": (lambda context: ActNorm((3,)), (3,)),
    "convolution": (lambda context: Convolution(4), (4, 2, 2)),
    "convolution of a sequence": (lambda context: Convolution(4), (4, 6)),
    "affine channels of a sequence": (sequence(Affine(), ChannelHalves((4, 6))), (4, 6)),
    "squeeze": (lambda context: Squeeze(), (3, 4, 4)),
    "squeeze of a sequence": (lambda context: Squeeze(), (3, 4)),
    "every other": (lambda context: EveryOther(), (5,)),
    "flatten": (lambda context: Flatten((2, 2, 2)), (2, 2, 2)),
    "chain": (lambda context: Chain([ActNorm((4, 2, 2)), Convolution(4)]), (4, 2, 2)),
    "multi-scale": (lambda context: MultiScale(Squeeze(), (4, 2, 2), Flatten((2, 2, 2))), (1, 4, 4)),
}


def check(bijection: Bijection, x: Tensor, h: Tensor) -> None:
    """inverse(forward) is the identity and the log-determinant that of autograd's Jacobian."""
    z, log_det = bijection(x, h)
    assert torch.allclose(bijection.inverse(z, h), x, atol=1e-9)
    for i in range(len(x)):
        flat = partial(one, bijection, x.shape[1:], h[i : i + 1])
        jacobian = torch.autograd.functional.jacobian(flat, x[i].flatten())
        assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(log_det[i].item())


def one(bijection: Bijection, shape: tuple[int, ...], h: Tensor, x: Tensor) -> Tensor:
    return bijection(x.view(1, *shape), h)[0].flatten()


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layers_inverse_and_log_determinant(name: str, context: int) -> None:
    make, shape = LAYERS[name]
    h = torch.randn(2, context, *shape[1:], dtype=torch.float64)
    check(awake(make(context)).double(), torch.randn(2, *shape, dtype=torch.float64), h)


@pytest.mark.parametrize(
    "split", [ChannelHalves((5, 2, 3)), ChannelHalves((5, 2, 3), swap=True), Checkerboard((5, 2, 3), 1)]
)
def test_a_split_parts_what_it_joins(split: Partition) -> None:
    x = torch.randn(2, 5, 2, 3)
    shown, moving = split.part(x)
    assert (shown.shape[1], moving.shape[1]) == (split.seen, split.moving)
    assert torch.equal(split.join(shown, moving), x)


@pytest.mark.parametrize("kind", ["none", "class"])
@pytest.mark.parametrize(("recipe", "event"), FLOWS, ids=lambda v: v if isinstance(v, str) else v.kind)
def test_a_models_inverse_and_log_determinant(recipe: str, event: Event, kind: str) -> None:
    model = awake(build("flow", recipe, Task("t", event, condition(kind, event))), std=0.2).double()  # steeper, no
    c = conditions(Task("t", event, condition(kind, event)), 2)  # digit of an inverse through all couplings is left
    context = model.condition(c)
    h = context.flat() if event.kind == "points" else model.features(context)
    check(model.bijection, torch.randn(2, *event.shape, dtype=torch.float64), h.double())


def test_a_waveglow_leaves_with_half_of_its_channels_after_each_stage() -> None:
    model = build("flow", "waveglow", Task("t", SERIES), squeezes=3, stages=2, couplings=1)
    channels = [len(layer.sign) for layer in model.modules() if isinstance(layer, Convolution)]
    assert channels == [8, 4]


@pytest.mark.parametrize(("squeezes", "stages"), [(4, 1), (1, 2)])
def test_a_waveglow_refuses_a_length_or_stages_that_cannot_be_halved(squeezes: int, stages: int) -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        build("flow", "waveglow", Task("t", SERIES), squeezes=squeezes, stages=stages)


@torch.no_grad()
def test_a_coupling_of_waveglow_sees_both_ways_as_far_as_its_dilations_reach() -> None:
    network, x = awake(WaveNetConditioner((1, 16), 0, 1, channels=4, layers=2)), torch.randn(1, 1, 16)
    before, place, reach = network(x, torch.empty(1, 0, 16)), 8, 3  # 1 + 2 places of the two layers
    for changed in range(16):
        other = x.clone()
        other[..., changed] += 1
        differs = network(other, torch.empty(1, 0, 16))[..., place] != before[..., place]
        assert bool(differs) == (abs(changed - place) <= reach)


@pytest.mark.parametrize("kind", ["none", "class"])
def test_the_dequantising_flows_inverse_and_log_determinant(kind: str) -> None:
    task = Task("t", SMALL, condition(kind, SMALL))
    model = awake(build("flow", "glow", task, dequantisation="variational")).double()
    x, c = batch(task, 2)
    h = torch.cat([x, model.condition(c).everywhere()], dim=1).double()
    check(model.dequantise.flow, torch.randn(2, *SMALL.shape, dtype=torch.float64), h)


def test_the_convolutions_log_determinant_is_that_of_its_weight() -> None:
    layer = awake(Convolution(6)).double()
    _, log_det = layer(torch.randn(2, 6, 3, 5, dtype=torch.float64), torch.empty(2, 0, 3, 5))
    expected = 15 * torch.linalg.slogdet(layer.weight())[1]
    assert torch.allclose(log_det, expected.expand(2))


def test_the_convolution_starts_as_a_rotation() -> None:
    weight = Convolution(6).weight()
    assert torch.allclose(weight @ weight.T, torch.eye(6), atol=1e-5)


def test_a_spline_is_the_identity_outside_its_box_and_meets_it_smoothly() -> None:
    spline, box = Spline(5, 2.0), 2.0
    theta = torch.randn(1, spline.width, 1, dtype=torch.float64)
    outside = torch.tensor([[-7.0], [-2.5], [2.5], [7.0]], dtype=torch.float64)
    z, log_slope = spline(outside, theta.expand(4, -1, -1))
    assert torch.equal(z, outside)
    assert not log_slope.any()
    edge = torch.tensor([[-box], [box]], dtype=torch.float64) * (1 - 1e-9)
    z, log_slope = spline(edge, theta.expand(2, -1, -1))
    assert torch.allclose(z, edge, atol=1e-7)
    assert torch.allclose(log_slope, torch.zeros(2, 1, dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("function", [Additive(), Affine(), Spline(6, 3.0)], ids=lambda f: type(f).__name__)
def test_zero_parameters_are_the_identity(function: Monotone) -> None:
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)[None]
    z, log_slope = function(x, torch.zeros(1, function.width, 33, dtype=torch.float64))
    assert torch.allclose(z, x)
    assert torch.allclose(log_slope, torch.zeros_like(x), atol=1e-12)


@pytest.mark.parametrize("recipe", POINT_FLOWS)
def test_a_flow_on_points_integrates_to_one(recipe: str) -> None:
    model = awake(build("flow", recipe, Task("t", POINTS), bins=4), std=0.2)
    line = torch.linspace(-8, 8, 321)
    plane = torch.cartesian_prod(line, line)
    with torch.no_grad():
        mass = model.log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("dequantisation", ["uniform", "variational"])
@pytest.mark.parametrize("recipe", IMAGE_FLOWS)
def test_a_dequantised_flow_sums_to_one_over_all_tiny_images(recipe: str, dequantisation: str) -> None:
    """E_u[w] is the bin's mass: logit scaling, bin volume and dequantisation are all undone.

    Also where much of the density lies beyond the ends of [a, 1 - a], which belong to the outermost bins.
    """
    event = Event((1, 2, 2), levels=2)
    model = awake(build("flow", recipe, Task("t", event), scales=1, dequantisation=dequantisation), std=0.1)
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    with torch.no_grad():
        log_w = model.log_weight(every.repeat(16_000, 1, 1, 1), torch.empty(256_000, 0))
    total = log_w.double().exp().view(16_000, 16).sum(1)
    error = total.std().item() / math.sqrt(len(total))
    assert error < 0.03
    assert total.mean().item() == pytest.approx(1, abs=4 * error)


@pytest.mark.parametrize("recipe", IMAGE_FLOWS)
def test_samples_of_a_dequantised_flow_have_the_masses_that_it_scores(recipe: str) -> None:
    """By chi-square over all images of two levels."""
    torch.manual_seed(0)
    event, count = Event((1, 2, 2), levels=2), 20_000
    model = awake(build("flow", recipe, Task("t", event), scales=1), std=0.1)
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    with torch.no_grad():
        log_w = model.log_weight(every.repeat(16_000, 1, 1, 1), torch.empty(256_000, 0))
        x = model.sample(torch.empty(count, 0))
    w = log_w.double().exp().view(16_000, 16)
    mass, error = w.mean(0), w.std(0) / math.sqrt(len(w))
    places = event.index(x).flatten(1) @ torch.tensor([8, 4, 2, 1])
    share = torch.bincount(places, minlength=16) / count
    spread = (mass * (1 - mass) / count + error.square()).sqrt()
    assert ((share - mass) / spread).square().sum().item() < chi2.ppf(0.9999, 16)


def test_every_dequantisation_gives_an_image_the_same_mass() -> None:
    """E_q[p / q] = P(k), whatever q is."""
    event, count = Event((1, 2, 2), levels=3), 20_000
    model = awake(build("flow", "glow", Task("t", event), scales=1, dequantisation="variational"), std=0.2)
    x = event.value(torch.tensor([0, 1, 2, 1])).view(1, 1, 2, 2).expand(count, -1, -1, -1)
    means, errors = [], []
    for dequantise in (model.dequantise, Uniform(event)):
        model.dequantise = dequantise
        with torch.no_grad():
            w = model.log_weight(x, torch.empty(count, 0)).double().exp()
        means.append(w.mean().item())
        errors.append(w.std().item() / math.sqrt(count))
    assert max(errors) < 0.05 * min(means)
    assert means[0] == pytest.approx(means[1], abs=4 * math.hypot(*errors))


@pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
def test_the_first_batch_normalises(event: Event) -> None:
    layer = ActNorm(event.shape).train()
    z, _ = layer(torch.randn(64, *event.shape) * 5 + 3, torch.empty(64, 0, 8, 8))
    values = z.transpose(0, 1).flatten(1)
    assert torch.allclose(values.mean(1), torch.zeros(event.shape[0]), atol=1e-4)
    assert torch.allclose(values.std(1), torch.ones(event.shape[0]), atol=1e-3)


def test_a_normalisation_that_the_first_batch_set_is_restored_with_its_state() -> None:
    """Whatever holds the state, training goes on from it; without one the next batch sets it."""
    first, batches = ActNorm((3, 4, 4)).train(), torch.randn(2, 8, 3, 4, 4) + 5
    first(batches[0], batches[0])
    expected = first.shift.detach().clone()
    for assign in (False, True):
        restored = ActNorm((3, 4, 4)).train()
        restored.load_state_dict(first.state_dict(), assign=assign)
        restored(2 * batches[1], batches[1])
        assert torch.equal(restored.shift, expected)
    fresh = ActNorm((3, 4, 4)).train()
    fresh.load_state_dict(ActNorm((3, 4, 4)).state_dict())
    fresh(2 * batches[1], batches[1])
    assert not torch.equal(fresh.shift, torch.zeros_like(fresh.shift))


@pytest.mark.parametrize(("recipe", "event"), FLOWS, ids=lambda v: v if isinstance(v, str) else v.kind)
def test_temperature_scales_the_base_noise(recipe: str, event: Event) -> None:
    """At temperature 0 each row is the same: the image of the base's mode."""
    model, c = awake(build("flow", recipe, Task("t", event)), std=0.1), torch.empty(8, 0)
    model.setting = 0.0
    cold = model.sample(c)
    assert torch.equal(cold, cold[:1].expand_as(cold))
