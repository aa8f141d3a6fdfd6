"""Laws of flows, in float64: the inverse is the inverse, and the log-determinant is the Jacobian's."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from toys import COLOUR, GREY, POINTS, build

from pipeline.contract import Event, Task
from pipeline.families.flow.bijection import ActNorm, AffineCoupling, Bijection, Squeeze
from pipeline.families.flow.recipe import checkerboard, halves
from pipeline.networks.conditioner import MapConditioner, VectorConditioner


def awake(bijection: Bijection) -> Bijection:
    """Random weights: what starts as the identity would pass any test."""
    for parameter in bijection.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return bijection.double().eval()


def whole(recipe: str, event: Event) -> Bijection:
    return build("flow", recipe, Task("t", event)).bijection


LAYERS: dict[str, tuple[Callable[[], Bijection], tuple[int, ...]]] = {
    "coupling": (lambda: AffineCoupling(torch.tensor([1.0, 0.0]), 2, VectorConditioner(2, 0, 4, 8, 1, 2)), (2,)),
    "checkerboard": (lambda: AffineCoupling(checkerboard(4, 4, 0), 1, MapConditioner(1, 0, 2, 8, 1)), (1, 4, 4)),
    "channels": (lambda: AffineCoupling(halves(4, 1), 4, MapConditioner(4, 0, 8, 8, 1)), (4, 2, 2)),
    "actnorm": (lambda: ActNorm(3, 3), (3, 2, 2)),
    "squeeze": (Squeeze, (1, 4, 4)),
    "realnvp on points": (lambda: whole("realnvp", POINTS), (2,)),
    "realnvp on images": (lambda: whole("realnvp", Event((1, 4, 4), levels=4)), (1, 4, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_inverse_and_log_determinant(name: str) -> None:
    make, shape = LAYERS[name]
    bijection, x = awake(make()), torch.randn(2, *shape, dtype=torch.float64)
    h = torch.empty(2, 0, *shape[1:], dtype=torch.float64)
    z, log_det = bijection(x, h)
    assert torch.allclose(bijection.inverse(z, h), x, atol=1e-9)
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda v: bijection(v[None], h[:1])[0].flatten(), x[i])
        dims = x[i].numel()
        assert torch.linalg.slogdet(jacobian.reshape(dims, dims))[1].item() == pytest.approx(log_det[i].item())


def test_a_flow_on_points_integrates_to_one() -> None:
    model = build("flow", "realnvp", Task("t", POINTS)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    line = torch.linspace(-10, 10, 801)
    plane = torch.cartesian_prod(line, line)
    with torch.no_grad():
        mass = model.log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=2e-3)


def test_a_dequantised_flow_sums_to_one_over_all_tiny_images() -> None:
    """E_u[w] is the bin's mass: logit scaling, bin volume and dequantisation are all undone."""
    event = Event((1, 2, 2), levels=2)
    model = build("flow", "realnvp", Task("t", event), scales=1).eval()
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    with torch.no_grad():
        w = torch.stack([model.log_weight(every, torch.empty(16, 0)) for _ in range(4000)]).exp()
    assert w.mean(0).sum().item() == pytest.approx(1, abs=0.1)  # the logit's tails beyond the outermost bins are lost


@pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
def test_the_first_batch_normalises(event: Event) -> None:
    layer = ActNorm(event.shape[0], 3).train()
    z, _ = layer(torch.randn(64, *event.shape) * 5 + 3, torch.empty(64, 0, 8, 8))
    values = z.transpose(0, 1).flatten(1)
    assert torch.allclose(values.mean(1), torch.zeros(event.shape[0]), atol=1e-4)
    assert torch.allclose(values.std(1), torch.ones(event.shape[0]), atol=1e-3)
