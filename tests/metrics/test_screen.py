"""Bounds of distances: what they enclose, whichever way this CPU computes them, and what is asked of them."""

import pytest
import torch
from torch import Tensor

from pipeline.metrics import screen
from pipeline.metrics.candidates import candidates
from pipeline.metrics.fixed_point import digits
from pipeline.metrics.screen import halved, prepared, screened


@pytest.fixture(params=[False, True], ids=["floats", "integers"])
def _products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "multiplied_fast", lambda: request.param)


def white(dims: int) -> tuple[Tensor, Tensor]:
    return torch.randn(40, dims), 3 * torch.randn(70, dims)


def spikes(dims: int) -> tuple[Tensor, Tensor]:
    """Few large values: nearly all of the digits are 0."""
    return (100 * (torch.rand(count, dims) < 0.01) + 0.3 * torch.rand(count, dims) for count in (40, 70))


def pixels(dims: int) -> tuple[Tensor, Tensor]:
    """Of two values: rounding to the nearest would put all products off by the same sign."""
    x = torch.randint(2, (110, dims)).float()
    return x[:40], torch.cat([x[:30], x[40:80]])


@pytest.mark.usefixtures("_products")
@pytest.mark.parametrize("data", [white, spikes, pixels])
@pytest.mark.parametrize("dims", [2, 17, 300, 2048])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_no_squared_distance_is_outside_of_its_bounds(data, dims: int, far: float) -> None:
    torch.manual_seed(0)
    a, b = (far + x for x in data(dims))
    exact = (a.double()[:, None] - b.double()).square().sum(dim=-1)
    left, right = prepared(b, a)[::-1]
    for found in screened(left, right, block=33):
        for part in (found, found.finer and found.finer()):
            if part is not None:
                d2 = exact[part.rows, part.columns]
                assert (part.least <= d2).all()
                assert (d2 <= part.least + part.slack).all()
                assert part.slack.max() <= 0.3 * exact.max()


def test_a_second_digit_comes_closer() -> None:
    torch.manual_seed(0)
    a, b = white(2048)
    first = digits(a, torch.zeros(2048), seed=0).product(digits(b, torch.zeros(2048), seed=1))
    assert first.finer is not None
    second = first.finer()
    exact = a.double() @ b.double().T
    assert (first.value - exact).abs().max() <= first.error.max()
    assert (second.value - exact).abs().max() <= second.error.max() < first.error.max() / 25


@pytest.mark.usefixtures("_products")
@pytest.mark.parametrize("dims", [17, 300])
def test_halved_screens_see_each_pair_once_and_miss_no_neighbour(dims: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(90, dims)
    (sample,) = prepared(x)
    i, j = candidates(halved(sample, block=20), 90, 3, halved=True)
    pairs = set(zip(i.tolist(), j.tolist(), strict=True))
    assert len(pairs) == len(i)
    assert all(a < b for a, b in pairs)
    nearest = torch.cdist(x.double(), x.double()).topk(4, dim=1, largest=False).indices[:, 1:]
    assert {tuple(sorted((k, int(n)))) for k in range(90) for n in nearest[k]} <= pairs
