"""Precision, recall, density, coverage: prdc on the same features, and what each is there to tell apart."""

import math

import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from pipeline.metrics.neighbours import distance_bounds, distances, memberships, nearest, squared, squared_radii
from pipeline.metrics.prdc import PRDC, means, prdc


def ring(count: int, sigma: float = 0.01) -> Tensor:
    angle = 2 * math.pi / 8 * torch.randint(8, (count,))
    return torch.stack([angle.cos(), angle.sin()], dim=1) + sigma * torch.randn(count, 2)


def reference(real: Tensor, fake: Tensor) -> PRDC:
    """prdc in float64, with the k that is published for each. Its balls are open: only distances that tie differ."""
    three, five = (compute_prdc(real.double().numpy(), fake.double().numpy(), k) for k in (3, 5))
    return PRDC(three["precision"], three["recall"], five["density"], five["coverage"])


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (lambda: ring(700), lambda: ring(600)),
        (lambda: ring(700), lambda: ring(600, sigma=0.03)),
        (lambda: 1000 + ring(500).double(), lambda: 1000 + ring(500).double()),
        (lambda: torch.randn(500, 16), lambda: torch.randn(400, 16)),
        (lambda: torch.randn(500, 64), lambda: 0.8 * torch.randn(400, 64)),
        (lambda: 50 + torch.randn(300, 128), lambda: 50 + torch.randn(300, 128)),
        (lambda: torch.randn(1100, 256).relu(), lambda: torch.randn(1050, 256).relu()),
        (lambda: torch.randn(400, 2048), lambda: 0.9 * torch.randn(300, 2048)),
    ],
    ids=["ring", "wider ring", "far ring", "16-d", "64-d", "128-d off centre", "256-d in blocks", "2048-d, open"],
)
def test_equals_prdc(real, fake) -> None:
    a, b = real(), fake()
    assert prdc(real=a, fake=b) == pytest.approx(reference(a, b), abs=1e-6)


def test_block_size_does_not_matter() -> None:
    real, fake = torch.randn(333, 20), torch.randn(222, 20)
    assert len({means(memberships(real=real, fake=fake, block=block), 5) for block in (7, 100, 5000)}) == 1


def test_a_collapsed_sample_has_precision_and_no_recall() -> None:
    real = torch.randn(500, 8)
    near = (real - real[0]).norm(dim=1).topk(25, largest=False).indices
    found = prdc(real=real, fake=real[near].repeat(20, 1) + 0.05 * torch.randn(500, 8))
    assert found.precision > 0.95
    assert found.recall < 0.1
    assert found.coverage < 0.3


def test_a_spread_sample_has_recall_and_no_precision() -> None:
    found = prdc(real=torch.randn(500, 4), fake=6 * torch.randn(500, 4))
    assert found.recall > 0.9 > 0.4 > found.precision


def test_one_distribution_has_coverage_and_density_of_theory() -> None:
    found = prdc(real=torch.randn(1500, 2), fake=torch.randn(1500, 2))
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.015)
    assert found.density == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("n", "m"), [(400, 400), (400, 100), (100, 400)])
def test_coverage_of_identical_distributions_depends_on_both_counts(n: int, m: int) -> None:
    """1 - prod (N - j) / (N + M - j): 1 - 2^-5 holds for N = M alone."""
    torch.manual_seed(0)
    found = [prdc(real=torch.randn(n, 3), fake=torch.randn(m, 3)).coverage for _ in range(40)]
    expected = 1 - math.prod((n - j) / (n + m - j) for j in range(1, 6))
    assert sum(found) / 40 == pytest.approx(expected, abs=0.01)


def test_repeated_points_far_from_the_others_reach_nothing() -> None:
    real, fake = 1 + torch.rand(50, 2), torch.zeros(50, 2)
    assert prdc(real=real, fake=fake).recall == 0


def by_definition(real: Tensor, fake: Tensor) -> PRDC:
    """Closed balls, from the matrix of all pairs in float64."""

    def squares(a: Tensor, b: Tensor) -> Tensor:
        return (a.double()[:, None] - b.double()).square().sum(dim=-1)

    def radii(x: Tensor, k: int) -> Tensor:
        return squares(x, x).fill_diagonal_(math.inf).kthvalue(k, dim=1).values

    pairs = squares(real, fake)
    inner, outer = pairs <= radii(real, 3)[:, None], pairs <= radii(real, 5)[:, None]
    found = inner.any(dim=0), (pairs <= radii(fake, 3)).any(dim=1), outer.sum(dim=0).double() / 5, outer.any(dim=1)
    return PRDC(*(part.double().mean().item() for part in found))


def lattice(count: int, dims: int, side: int = 3) -> Tensor:
    return torch.randint(side, (count, dims)).float()


@pytest.mark.parametrize("fast", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (lambda: lattice(150, 2), lambda: lattice(120, 2)),
        (lambda: lattice(150, 5), lambda: lattice(120, 5)),
        (lambda: lattice(300, 40, 2), lambda: lattice(200, 40, 2)),
        (lambda: lattice(300, 300, 2), lambda: lattice(200, 300, 2)),
        (lambda: 1e6 + lattice(300, 300, 2), lambda: 1e6 + lattice(200, 300, 2)),
        (lambda: torch.randn(20, 300).repeat(7, 1), lambda: torch.randn(30, 300).repeat(5, 1)),
    ],
    ids=["lattice 2-d", "lattice 5-d", "bits 40-d", "bits 300-d", "bits far off", "repeated 300-d"],
)
def test_ties_are_decided_as_by_definition(real, fake, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance_bounds, "multiplied_fast", lambda: fast)
    a, b = real(), fake()
    assert prdc(real=a, fake=b) == pytest.approx(by_definition(a, b), abs=1e-12)


@pytest.mark.parametrize("dims", [2, 17, 300])
@pytest.mark.parametrize("copies", [2, 4, 8])
def test_a_set_of_duplicates_covers_its_copy(dims: int, copies: int) -> None:
    x = torch.randn(20, dims).repeat(copies, 1)
    found = prdc(real=x, fake=x[torch.randperm(len(x))])
    assert found.precision == found.recall == found.coverage == 1
    assert found.density >= copies / 5


@pytest.mark.parametrize("dims", [1, 2, 3, 17, 100, 300, 40_000])
def test_a_copy_of_the_kth_neighbour_lies_in_the_ball(dims: int) -> None:
    """Radius and distance come out equal though they are computed in different calls."""
    real = torch.randn(30, dims) + 10
    radius = squared_radii(real, (3,))[0]
    every = (real.double()[:, None] - real.double()).square().sum(dim=-1).fill_diagonal_(math.inf)
    third = every.topk(3, dim=1, largest=False).indices[:, 2]
    for i in range(30):
        at = squared(real[third[i]][None].clone(), real, torch.tensor([0]), torch.tensor([i]))
        assert at.item() == radius[i].item()


def test_a_distance_does_not_depend_on_the_other_pairs() -> None:
    a, b = torch.randn(40, 40_000), torch.randn(40, 40_000)
    i, j = torch.randint(40, (50,)), torch.randint(40, (50,))
    together = squared(a, b, i, j)
    alone = torch.cat([squared(b, a, j[p : p + 1], i[p : p + 1]) for p in range(50)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("dims", [2, 100])
def test_a_value_that_is_not_finite_is_an_error_that_names_the_item(dims: int) -> None:
    real, fake = torch.randn(50, dims), torch.randn(40, dims)
    fake[17, 1] = math.nan
    with pytest.raises(FloatingPointError, match="item 17 is not finite: "):
        prdc(real=real, fake=fake)
    with pytest.raises(FloatingPointError, match="item 17 is not finite: "):
        nearest(fake, real, count=1)


def test_too_few_points_are_an_error() -> None:
    with pytest.raises(ValueError, match="5 points have no 5 neighbours"):
        prdc(real=torch.randn(5, 2), fake=torch.randn(50, 2))


def test_radii_leave_the_point_itself_out() -> None:
    x = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    first, second = squared_radii(x, (1, 2))
    assert first.tolist() == [1, 1, 4, 16]
    assert second.tolist() == [9, 4, 9, 36]


@pytest.mark.parametrize("dims", [2, 16, 17, 100])
def test_nearest_neighbours_are_those_of_all_distances(dims: int) -> None:
    x, of = torch.randn(60, dims), torch.randn(300, dims)
    exact = (x.double()[:, None] - of.double()).norm(dim=-1)
    expected = exact.topk(3, dim=1, largest=False)
    found, index = nearest(x, of, count=3)
    assert torch.equal(index, expected.indices)
    assert torch.allclose(found, expected.values, rtol=1e-9)
    assert torch.allclose(torch.cat(list(distances(x, of, block=13))), exact, rtol=1e-9)


@pytest.mark.parametrize("value", [1e-18, 1.0, 1e18, 1e25])
def test_no_size_of_the_features_is_too_small_or_too_large(value: float) -> None:
    """Float32 does not hold the squares of the first and of the last."""
    real, fake = torch.randn(150, 300), 0.95 * torch.randn(140, 300)
    assert prdc(real=value * real, fake=value * fake) == pytest.approx(reference(real, fake), abs=1e-6)


def test_features_in_float64_and_one_that_lies_far_off() -> None:
    real, fake = torch.randn(150, 300, dtype=torch.float64), torch.randn(140, 300, dtype=torch.float64)
    fake[7] += 1e6
    assert prdc(real=real, fake=fake) == pytest.approx(reference(real, fake), abs=1e-6)


def test_points_that_are_repeated_are_each_others_neighbours() -> None:
    x = torch.randn(40, 300).repeat(3, 1)
    first, second, third = squared_radii(x, (1, 2, 3))
    assert first.eq(0).all()
    assert second.eq(0).all()
    assert third.gt(0).all()


def test_what_float32_cannot_tell_apart_is_told_apart() -> None:
    """Two tight clusters far from each other: their widths are below the error of the product."""
    real, fake = (torch.cat([torch.zeros(100, 64), torch.full((100, 64), 30.0)]) for _ in range(2))
    real, fake = real + 1e-3 * torch.randn(200, 64), fake + 2e-3 * torch.randn(200, 64)
    assert prdc(real=real, fake=fake) == pytest.approx(reference(real, fake), abs=1e-6)


def test_a_copy_lies_in_every_ball_that_its_original_does() -> None:
    real = torch.randn(80, 32)
    found = prdc(real=real, fake=real.clone())
    assert found.precision == found.recall == found.coverage == 1
    assert found.density == pytest.approx(6 / 5)  # each ball holds its centre and the five nearest
