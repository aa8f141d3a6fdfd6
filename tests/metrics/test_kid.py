"""Kernel distance: the formula, torch-fidelity and torchmetrics on the same features, unbiasedness, all rows."""

from fractions import Fraction

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from pipeline.metrics import kid as module
from pipeline.metrics.kid import kid


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_equals_torch_fidelity_on_all_samples() -> None:
    real, fake = torch.randn(300, 16), torch.rand(300, 16)
    found = kid_features_to_metric(
        real.double(), fake.double(), kid_subsets=1, kid_subset_size=300, verbose=False, rng_seed=0
    )
    assert kid(real=real, fake=fake) == pytest.approx(found[KEY_METRIC_KID_MEAN], rel=1e-9)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_equals_torchmetrics_on_all_samples() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    real, fake = torch.randn(250, 8).double(), torch.randn(250, 8).double() + 0.3
    metric = KernelInceptionDistance(torch.nn.Identity(), subsets=1, subset_size=250)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    assert kid(real=real, fake=fake) == pytest.approx(float(metric.compute()[0]), rel=1e-9)


def test_is_the_unbiased_estimate() -> None:
    a, b = torch.randn(40, 3).double(), torch.randn(40, 3).double() + 1
    k = [(x @ y.T / 3 + 1) ** 3 for x, y in ((a, a), (b, b), (a, b))]
    pairs = [(m.sum() - m.trace()) / (40 * 39) for m in k[:2]]
    assert kid(real=a, fake=b) == pytest.approx(float(pairs[0] + pairs[1] - 2 * k[2].mean()), rel=1e-9)


def test_is_zero_on_average_for_one_distribution_and_goes_below() -> None:
    values = torch.tensor([kid(real=torch.randn(100, 4), fake=torch.randn(100, 4)) for _ in range(60)])
    assert abs(float(values.mean())) < 3 * float(values.std()) / 60**0.5
    assert values.min() < 0


def test_order_and_the_global_generator_do_not_matter() -> None:
    real, fake = torch.randn(100, 4), torch.rand(100, 4)
    before = torch.get_rng_state()
    first = kid(real=real, fake=fake)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert kid(real=real, fake=fake) == first
    assert kid(real=real.flip(0), fake=fake) == pytest.approx(first, rel=1e-9)


@pytest.mark.parametrize(("real", "fake"), [(300, 170), (90, 240)])
def test_every_row_of_samples_of_unequal_sizes_counts_and_in_no_order(real: int, fake: int) -> None:
    a, b = torch.randn(real, 4).double(), torch.rand(fake, 4).double()
    expected = direct(a, b)
    assert kid(real=a, fake=b) == pytest.approx(expected, rel=1e-9)
    shuffled = kid(real=a[torch.randperm(real)], fake=b[torch.randperm(fake)])
    assert shuffled == pytest.approx(expected, rel=1e-9)


def direct(a: Tensor, b: Tensor) -> float:
    """The definition, for (N, D) and (M, D) float64."""
    k = [(x @ y.T / a.shape[1] + 1) ** 3 for x, y in ((a, a), (b, b), (a, b))]
    pairs = [(m.sum() - m.trace()) / (len(m) * (len(m) - 1)) for m in k[:2]]
    return float(pairs[0] + pairs[1] - 2 * k[2].mean())


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = torch.randn(257, 4).double(), torch.randn(130, 4).double() + 1
    whole = kid(real=real, fake=fake)
    monkeypatch.setattr(module, "BLOCK", 50)
    assert kid(real=real, fake=fake) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e7, 1e8])
def test_is_exact_far_from_the_origin(offset: float) -> None:
    """Against fractions: the kernel depends on the origin, and a sum of its values there has no digits left."""
    real, fake = (torch.randn(n, 2).double() + offset + shift for n, shift in ((7, 0.0), (5, 0.5)))
    a, b = ([[Fraction(value) for value in row] for row in x.tolist()] for x in (real, fake))

    def k(x: list[Fraction], y: list[Fraction]) -> Fraction:
        return (sum((p * q for p, q in zip(x, y, strict=True)), Fraction(0)) / 2 + 1) ** 3

    within = [sum(k(x, y) for i, x in enumerate(s) for y in s[:i]) * 2 / (len(s) * (len(s) - 1)) for s in (a, b)]
    exact = within[0] + within[1] - 2 * sum(k(x, y) for x in a for y in b) / (len(a) * len(b))
    assert kid(real=real, fake=fake) == pytest.approx(float(exact), rel=1e-7)
