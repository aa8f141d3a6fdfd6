"""Sliced Wasserstein distance: SciPy's on a line, closed forms, and the spread of resampled distances."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.metrics.evaluation.bootstrap import Bootstrap
from pipeline.metrics.sliced_wasserstein import coupling, resampled, sliced


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def assignment(x: Tensor, y: Tensor) -> float:
    """The squared Wasserstein distance of samples of any sizes on a line, by repeating items to a common size."""
    x, y = x.repeat_interleave(len(y)), y.repeat_interleave(len(x))
    return float((x.sort().values - y.sort().values).square().mean())


@pytest.mark.parametrize(("n", "m"), [(7, 7), (6, 9), (5, 13), (1, 4)])
def test_on_a_line_it_is_the_optimal_matching(n: int, m: int) -> None:
    x, y = torch.randn(n).double(), torch.randn(m).double() + 1
    assert sliced(real=x[:, None], fake=y[:, None]).distance == pytest.approx(assignment(x, y))
    pairs = coupling(n, m)
    assert float(pairs.weight.sum()) == pytest.approx(1)
    assert pairs.real.bincount(pairs.weight).tolist() == pytest.approx([1 / n] * n)
    assert pairs.fake.bincount(pairs.weight).tolist() == pytest.approx([1 / m] * m)


def test_a_shift_costs_its_squared_length_over_the_dimensions() -> None:
    x, shift = torch.randn(300, 8), torch.randn(8)
    found = sliced(real=x, fake=x[torch.randperm(300)] + shift, directions=4000).distance
    assert found == pytest.approx(float(shift.square().sum()) / 8, rel=0.1)


def test_gaussians_of_two_widths() -> None:
    """(s - 1)² for N(0, I) and N(0, s² I), in each direction."""
    found = sliced(real=torch.randn(4000, 3), fake=1.5 * torch.randn(3000, 3), directions=50).distance
    assert found == pytest.approx(0.25, rel=0.1)


def test_it_is_a_distance() -> None:
    x, y = torch.randn(40, 5), torch.randn(30, 5) + 0.3
    there, back = sliced(real=x, fake=y), sliced(real=y, fake=x)
    assert there.distance == pytest.approx(back.distance)
    assert torch.allclose(there.real, back.fake)
    assert sliced(real=x, fake=x[torch.randperm(40)]).distance == pytest.approx(0, abs=1e-12)
    assert sliced(real=x.repeat(3, 1), fake=y).distance == pytest.approx(there.distance)
    assert sliced(real=3 * x + 100, fake=3 * y + 100).distance == pytest.approx(9 * there.distance, rel=1e-4)


@pytest.mark.parametrize("side", ["real", "fake"])
def test_the_influence_is_the_derivative_by_the_weight_of_an_item(side: str) -> None:
    """k copies of the sample and one more of an item move the weight 1 / (k n + 1) to it, which is less than what any
    two items exchange: the optimum is linear in it."""
    sides, k = {"real": torch.randn(9, 3).double(), "fake": torch.randn(7, 3).double() + 0.5}, 40
    whole = sliced(**sides)
    for item in (0, 4):
        x = sides[side]
        more = sides | {side: torch.cat([x.repeat(k, 1), x[item][None]])}
        derivative = (sliced(**more).distance - whole.distance) * (k * len(x) + 1)
        expected = getattr(whole, side)[item] - getattr(whole, side).mean()
        assert derivative == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_distance_between_resamples_spreads_as_between_samples(shift: float) -> None:
    def pair() -> dict[str, Tensor]:
        return {"real": torch.randn(200, 4), "fake": torch.randn(200, 4) + shift}

    true = torch.tensor([sliced(**pair()).distance for _ in range(100)]).std().item()
    spreads = [resampled(Bootstrap(seed, 300), sliced(**pair())).std().item() for seed in range(20)]
    assert 0.8 < sum(spreads) / 20 / true < (1.25 if shift else 2.5)
