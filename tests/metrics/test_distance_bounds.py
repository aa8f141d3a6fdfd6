"""Bounds of distances: what they enclose, whichever way this CPU computes them, and what is asked of them."""

import pytest
import torch
from torch import Tensor

from pipeline.metrics.neighbours import distance_bounds
from pipeline.metrics.neighbours.distance_bounds import BoundedBlock, all_pairs, centered
from pipeline.metrics.neighbours.int8 import digits, multiplied_fast
from pipeline.metrics.neighbours.nearest import nearest_others


@pytest.fixture(params=[False, True], ids=["floats", "integers"])
def _products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not multiplied_fast():
        pytest.skip("this CPU has no fast products of integers")
    monkeypatch.setattr(distance_bounds, "multiplied_fast", lambda: request.param)


def white(dims: int) -> tuple[Tensor, Tensor]:
    return torch.randn(40, dims), 3 * torch.randn(70, dims)


def spikes(dims: int) -> tuple[Tensor, Tensor]:
    """Few large values: nearly all of the digits are 0."""
    a, b = (100 * (torch.rand(count, dims) < 0.01) + 0.3 * torch.rand(count, dims) for count in (40, 70))
    return a, b


def pixels(dims: int) -> tuple[Tensor, Tensor]:
    """Of two values: rounding to the nearest would put all products off by the same sign."""
    x = torch.randint(2, (110, dims)).float()
    return x[:40], torch.cat([x[:30], x[40:80]])


def copies(dims: int) -> tuple[Tensor, Tensor]:
    """Of the noise that a generator of the same seed would round by."""
    x = torch.rand(70, dims)
    return x[:40], x.clone()


def outlier(dims: int) -> tuple[Tensor, Tensor]:
    a, b = white(dims)
    a[3] *= 1000
    return a, b


@pytest.mark.usefixtures("_products")
@pytest.mark.parametrize("data", [white, spikes, pixels, copies, outlier])
@pytest.mark.parametrize("dims", [2, 17, 300, 2048])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_no_squared_distance_is_outside_of_its_bounds(data, dims: int, far: float) -> None:
    torch.manual_seed(0)
    a, b = centered(*(far + x for x in data(dims)))
    exact = (a.x.double()[:, None] - b.x.double()).square().sum(dim=-1)
    for found in all_pairs(a, b, block=13):
        part: BoundedBlock | None = found
        while part is not None:
            d2 = exact[part.rows, part.columns]
            assert (part.least <= d2 * (1 + 1e-12)).all()
            assert (d2 <= (part.least + part.slack) * (1 + 1e-12)).all()
            part = part.finer() if part.finer else None


def test_each_finer_bound_comes_closer() -> None:
    torch.manual_seed(0)
    (block,) = all_pairs(*centered(*white(2048)))
    while block.finer is not None:
        slack, block = block.slack.max(), block.finer()
        assert block.slack.max() < slack / 20


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
@pytest.mark.parametrize("dims", [2, 17, 300])
@pytest.mark.parametrize("count", [4, 1025, 1100])
def test_the_nearest_others_are_those_of_all_distances(dims: int, count: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(count, dims)
    (sample,) = centered(x)
    expected = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(
        torch.inf
    )
    found = sample.restored(nearest_others(sample, count=3))
    assert torch.allclose(found.sqrt(), expected.topk(3, dim=1, largest=False).values, rtol=1e-9)


@pytest.mark.parametrize("dims", [17, 300])
def test_a_sample_of_one_point_alone_is_searched_with_few_pairs_computed(dims: int) -> None:
    """Every pair is as near as every other: bounds tell nothing until the first are computed."""
    (sample,) = centered(torch.randn(1, dims).repeat(2500, 1))
    assert nearest_others(sample, count=5).eq(0).all()


def test_what_is_not_finite_is_an_error() -> None:
    for value in (torch.nan, torch.inf):
        with pytest.raises(FloatingPointError, match="not finite"):
            centered(torch.randn(5, 20), torch.full((4, 20), value))
