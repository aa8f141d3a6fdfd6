"""Fréchet distance: Gaussians in closed form, torch-fidelity on the same features, degenerate samples."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from pipeline.metrics import frechet as frechet_module
from pipeline.metrics.frechet import METRICS, frechet, frechet_infinity, influences


def exactly(mean: float, spread: Tensor, count: int = 500) -> Tensor:
    """Points whose sample mean is `mean` everywhere and whose sample covariance is diag(spread²), to rounding."""
    x = torch.randn(count, len(spread), dtype=torch.float64)
    x -= x.mean(dim=0)
    whitened = x @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T
    return mean + whitened * spread


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_two_gaussians_in_closed_form() -> None:
    a, b = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 0.5, 3.0]).double()
    expected = 3 * 0.7**2 + float((a - b).square().sum())
    assert frechet(real=exactly(0.0, a), fake=exactly(0.7, b)) == pytest.approx(expected, rel=1e-9)


def test_equals_torch_fidelity() -> None:
    real, fake = torch.randn(400, 16) @ torch.randn(16, 16), 1.3 * torch.randn(300, 16) + 0.2
    statistics = [fid_features_to_statistics(x.double()) for x in (real, fake)]
    expected = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    assert frechet(real=real, fake=fake) == pytest.approx(expected, rel=1e-4)


def test_is_symmetric_and_zero_for_the_same_points() -> None:
    real, fake = torch.randn(200, 8), torch.rand(150, 8)
    assert frechet(real=real, fake=fake) == pytest.approx(frechet(real=fake, fake=real), rel=1e-9)
    assert frechet(real=real, fake=real.flip(0)) == pytest.approx(0, abs=1e-9)


def test_a_single_repeated_point_is_as_far_as_the_data_are_wide() -> None:
    real = exactly(0.0, torch.tensor([1.0, 2.0]).double())
    assert frechet(real=real, fake=torch.ones(50, 2)) == pytest.approx(2 + 1 + 4, rel=1e-6)


def test_small_samples_of_one_gaussian_differ_by_the_known_floor() -> None:
    d, n = 16, 500
    floors = [frechet(real=torch.randn(n, d), fake=torch.randn(n, d)) for _ in range(10)]
    assert math.fsum(floors) / 10 == pytest.approx(d * (d + 5) / (2 * n), rel=0.15)


def test_infinitely_many_samples_have_no_bias() -> None:
    """Two samples of one Gaussian: d (d + 5) / 2 N apart, and on average not at all once that is taken away."""
    pairs = [(torch.randn(400, 16), torch.randn(400, 16)) for _ in range(12)]
    biased, free = (sum(of(real=a, fake=b) for a, b in pairs) / 12 for of in (frechet, frechet_infinity))
    assert biased == pytest.approx(16 * 21 / 800, rel=0.15)
    assert abs(free) < biased / 5


def test_what_is_left_at_infinity_is_the_distance_of_the_gaussians() -> None:
    real, fake = torch.randn(1000, 4), torch.randn(1000, 4) + 1
    assert frechet_infinity(real=real, fake=fake) == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("n", "said"), [(8, True), (9, False)])
def test_fewer_items_than_a_gaussian_wants_are_said_in_the_protocol(n: int, said: bool) -> None:
    x = torch.randn(n, 8)
    context: Any = SimpleNamespace(real=torch.randn(20, 8), fake=x, extractor="FID-inception@672682")
    for metric in METRICS:
        assert (", n <= 8 features" in metric.protocol(context)) is said
        assert "FID-inception@672682" in metric.protocol(context)


@pytest.mark.parametrize("offset", [1e4, 1e7, 1e8])
@pytest.mark.parametrize("metric", [frechet, frechet_infinity])
def test_the_origin_does_not_matter(metric: Callable[..., float], offset: float) -> None:
    """As far as the digits of the features go, of which 1e8 leaves eight."""
    real, fake = torch.randn(250, 8).double(), torch.randn(250, 8).double() * 1.2 + 0.3
    here = metric(real=real, fake=fake)
    assert metric(real=real + offset, fake=fake + offset) == pytest.approx(here, rel=1e-6)


@pytest.mark.parametrize("side", [0, 1])
def test_the_influences_do_not_depend_on_the_origin(side: int) -> None:
    real, fake = torch.randn(250, 8).double(), torch.randn(200, 8).double() * 1.2 + 0.3
    here, there = (influences(real + offset, fake + offset)[side] for offset in (0.0, 1e7))
    assert torch.allclose(there, here, rtol=1e-6, atol=1e-6)


def test_equals_torchmetrics() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    network = torch.nn.Identity()
    network.num_features = torch.tensor(12)
    metric = FrechetInceptionDistance(network)
    real, fake = torch.randn(300, 12).double(), torch.rand(200, 12).double()
    metric.update(real, real=True)
    metric.update(fake, real=False)
    assert frechet(real=real, fake=fake) == pytest.approx(float(metric.compute()), rel=1e-9)


@pytest.mark.parametrize("count", [5, 60])
def test_a_singular_covariance_is_none_of_its_troubles(count: int) -> None:
    """5 items of 12 features, and 12 features of rank 3, which lie in 3 orthonormal directions: as there."""
    basis = torch.linalg.qr(torch.randn(12, 3).double()).Q
    real, fake = torch.randn(count, 3).double(), torch.randn(count, 3).double() + 1
    expected = frechet(real=real, fake=fake)
    assert frechet(real=real @ basis.T, fake=fake @ basis.T) == pytest.approx(expected, rel=1e-9)


def test_features_whose_fourth_powers_overflow_have_a_distance() -> None:
    real = torch.randn(50, 3).double()
    assert frechet(real=real * 1e150, fake=real * 2e150) == pytest.approx(1e300 * frechet(real=real, fake=real * 2))


def test_many_items_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = torch.Generator().manual_seed(0)
    sides = {"real": torch.randn(90, 5, generator=rng), "fake": 1 + torch.randn(70, 5, generator=rng)}
    whole, moved = frechet(**sides), influences(**sides)
    for block in (1, 32, 69):
        monkeypatch.setattr(frechet_module, "BLOCK", block)
        assert frechet(**sides) == pytest.approx(whole, rel=1e-12)
        for a, b in zip(influences(**sides), moved, strict=True):
            assert torch.allclose(a, b, rtol=1e-10)
