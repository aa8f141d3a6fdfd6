"""Kernel distance: the formula, torch-fidelity on the same features, unbiasedness, determinism."""

import pytest
import torch
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from pipeline.metrics import kernel as module
from pipeline.metrics.kernel import kernel, subsets


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_equals_torch_fidelity_on_all_samples() -> None:
    real, fake = torch.randn(300, 16), torch.rand(300, 16)
    found = kid_features_to_metric(
        real.double(), fake.double(), kid_subsets=1, kid_subset_size=300, verbose=False, rng_seed=0
    )
    assert kernel(real=real, fake=fake) == pytest.approx(found[KEY_METRIC_KID_MEAN], rel=1e-9)


def test_is_the_unbiased_estimate() -> None:
    a, b = torch.randn(40, 3).double(), torch.randn(40, 3).double() + 1
    k = [(x @ y.T / 3 + 1) ** 3 for x, y in ((a, a), (b, b), (a, b))]
    pairs = [(m.sum() - m.trace()) / (40 * 39) for m in k[:2]]
    assert kernel(real=a, fake=b) == pytest.approx(float(pairs[0] + pairs[1] - 2 * k[2].mean()), rel=1e-9)


def test_is_zero_on_average_for_one_distribution_and_goes_below() -> None:
    values = torch.tensor([kernel(real=torch.randn(100, 4), fake=torch.randn(100, 4)) for _ in range(60)])
    assert abs(float(values.mean())) < 3 * float(values.std()) / 60**0.5
    assert values.min() < 0


def test_order_and_the_global_generator_do_not_matter() -> None:
    real, fake = torch.randn(100, 4), torch.rand(100, 4)
    before = torch.get_rng_state()
    first = kernel(real=real, fake=fake)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert kernel(real=real, fake=fake) == first
    assert kernel(real=real.flip(0), fake=fake) == pytest.approx(first, rel=1e-9)


def test_large_samples_are_covered_by_subsets_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert subsets(2500, 2500) == (1, 2500)
    assert subsets(26_000, 10_000) == (4, 2500)
    real, fake = torch.randn(400, 4), torch.randn(400, 4) + 1
    whole = kernel(real=real, fake=fake)
    monkeypatch.setattr(module, "LARGEST", 100)
    assert kernel(real=real, fake=fake) == pytest.approx(whole, rel=0.2)
