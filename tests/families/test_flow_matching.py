"""Laws of flow matching, against closed forms: the solver, the trace, the density."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from toys import POINTS, build

from pipeline.contract import Condition, Event, Task
from pipeline.families.diffusion.flow_matching import (
    HutchinsonFlowMatching,
    PointFlowMatching,
    random_sign_probe,
    solve,
    unit_probes,
    with_trace,
)
from pipeline.networks.condition import Context, encoder


class GaussianVelocity(nn.Module):
    """The best velocity when the data are N(m, v): E[x - eps | x_t], affine in x_t; sees s and turns it into t."""

    def __init__(self, mean: float, variance: float, power: float) -> None:
        super().__init__()
        self.mean, self.variance, self.power = mean, variance, power

    def forward(self, x: Tensor, s: Tensor, context: Context) -> Tensor:
        t = 1 - (1 - s[:, None]) ** self.power
        slope = (t * self.variance - (1 - t)) / (t**2 * self.variance + (1 - t) ** 2)
        return self.mean + slope * (x - t * self.mean)


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_the_flow_of_a_gaussians_velocity_has_its_density_and_moments(power: float) -> None:
    mean, variance = 0.7, 0.09
    velocity = GaussianVelocity(mean, variance, power)
    model = PointFlowMatching(POINTS, encoder(Condition(), POINTS), velocity, steps=40, power=power, drop=0.1).eval()
    truth = Normal(mean, math.sqrt(variance))
    x = mean + 0.6 * torch.randn(200, 2, dtype=torch.float64)
    log_p = model.log_prob(x, torch.empty(200, 0))
    assert torch.allclose(log_p, truth.log_prob(x).sum(-1), atol=1e-4)
    drawn = model.sample(torch.empty(20000, 0))
    assert torch.allclose(drawn.mean(0), torch.full((2,), mean), atol=0.01)
    assert torch.allclose(drawn.T.cov(), variance * torch.eye(2), atol=0.005)


def test_probes_give_the_trace() -> None:
    """The unit vectors exactly, random signs on average; the Jacobian is autograd's."""
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4)).double()
    x, s = torch.randn(3, 4, dtype=torch.float64), torch.tensor(0.5)
    exact = torch.stack([torch.autograd.functional.jacobian(net, row).trace() for row in x])
    assert torch.allclose(with_trace(lambda x, s: net(x), unit_probes(x))(x, s)[1], exact)
    rows = x.repeat_interleave(20000, 0)
    _, draws = with_trace(lambda x, s: net(x), random_sign_probe(rows))(rows, s)
    error = draws.view(3, -1).std(1) / math.sqrt(20000)
    assert ((draws.view(3, -1).mean(1) - exact).abs() < 4 * error).all()


def test_the_solver_is_of_fourth_order_and_runs_both_ways() -> None:
    def flow(x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        return x * s.cos(), s.cos().expand(len(x))

    x = torch.ones(1, 1, dtype=torch.float64)
    errors = [abs(solve(flow, x, 0.0, 2.0, steps)[0].item() - math.exp(math.sin(2))) for steps in (10, 20)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.2)
    there, change = solve(flow, x, 0.0, 2.0, 200)
    assert change.item() == pytest.approx(math.sin(2), abs=1e-8)
    assert solve(flow, there, 2.0, 0.0, 200)[0].item() == pytest.approx(1, abs=1e-8)


class Still(nn.Module):
    def forward(self, x: Tensor, s: Tensor, context: Context) -> Tensor:
        return 0 * x


def test_the_bound_of_dequantised_levels_is_below_their_mass() -> None:
    """Without any motion v is standard normal, and the mass of a bin is the normal's between its ends."""
    event = Event((1, 1, 1), levels=4)
    model = HutchinsonFlowMatching(event, encoder(Condition(), event), Still(), steps=1, power=1.0, drop=0.1).eval()
    ends = (0.05 + 0.9 * torch.arange(5) / 4).logit()
    ends[0], ends[-1] = -math.inf, math.inf  # the outermost bins have no end
    log_mass = Normal(0.0, 1.0).cdf(ends).diff().log()
    x = event.value(torch.arange(4)).view(4, 1, 1, 1).repeat_interleave(20000, 0)
    log_w = model.elbo(x, torch.empty(len(x), 0)).view(4, -1)
    assert (log_w.mean(1) < log_mass).all()
    assert torch.allclose(log_w.mean(1)[1:3], log_mass[1:3], atol=0.01)  # the normal is nearly flat there
    assert torch.allclose(log_w.exp().mean(1).log(), log_mass, atol=0.03)


def test_the_density_of_a_sequence_is_drawn_without_bias() -> None:
    """The Jacobian of an isotropic Gaussian's velocity is a multiple of I, of which one probe gives the trace."""
    event, variance = Event((1, 4)), 0.09
    velocity = GaussianVelocity(0.7, variance, 1.0)

    class Flattened(nn.Module):
        def forward(self, x: Tensor, s: Tensor, context: Context) -> Tensor:
            return velocity(x.flatten(1), s, context).view_as(x)

    model = HutchinsonFlowMatching(event, encoder(Condition(), event), Flattened(), steps=40, power=1.0, drop=0.1)
    x = 0.7 + 0.6 * torch.randn(50, 1, 4, dtype=torch.float64)
    log_p = model.eval().elbo(x, torch.empty(50, 0))
    expected = Normal(0.7, math.sqrt(variance)).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(log_p, expected, atol=1e-3)


@pytest.mark.slow
def test_a_learned_density_integrates_to_one() -> None:
    model = build("diffusion", "flow_matching", Task("t", POINTS), width=32, depth=2, steps=12).train()
    adam = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(300):
        corner = torch.randint(0, 2, (256, 2)) * 2.0 - 1
        adam.zero_grad()
        model.loss(corner + 0.2 * torch.randn(256, 2), torch.empty(256, 0)).total.backward()
        adam.step()
    line = torch.linspace(-3, 3, 101)
    plane = torch.cartesian_prod(line, line)
    mass = model.eval().log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-2)
