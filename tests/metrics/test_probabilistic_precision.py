"""P-precision and P-recall: the definition from all pairs, and what a single outlier can and cannot do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline.metrics import probabilistic_precision
from pipeline.metrics.evaluation.half_samples import recomputed, share_ends
from pipeline.metrics.prdc import prdc
from pipeline.metrics.probabilistic_precision import precision_without_each_real, supports


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def scores(real: Tensor, fake: Tensor) -> tuple[float, float]:
    found = supports(real=real, fake=fake)
    return float(found.fake.mean()), float(found.real.mean())


def by_definition(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """From the matrices of all distances."""

    def radius(x: Tensor) -> Tensor:
        return 1.2 * torch.cdist(x, x).sort(dim=1).values[:, 4].mean()  # column 0 is the item itself

    real, fake = real.double(), fake.double()
    pairs = torch.cdist(real, fake)
    inside_real = (1 - pairs / radius(real)).clamp(min=0)
    inside_fake = (1 - pairs / radius(fake)).clamp(min=0)
    return float(1 - (1 - inside_real).prod(dim=0).mean()), float(1 - (1 - inside_fake).prod(dim=1).mean())


@pytest.mark.parametrize("dims", [1, 2, 17, 300])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_equals_the_definition(dims: int, scale: float) -> None:
    real, fake = torch.randn(150, dims), scale * torch.randn(120, dims)
    assert scores(real, fake) == pytest.approx(by_definition(real, fake), abs=1e-6)


def test_the_value_of_an_item_falls_linearly_with_the_distance_from_the_only_ball_in_reach() -> None:
    """Real items at 0, 1, 2, ... have a mean distance to the 4th neighbour that is computed by hand."""
    real = 10 * torch.arange(9.0)[:, None]
    fourth = [40, 30, 20, 20, 20, 20, 20, 30, 40]
    radius = 1.2 * sum(fourth) / 9
    fake = torch.tensor([[-radius / 2], [-radius], [-2 * radius], [0.0], [-1e3]])
    far = real[1:] + radius / 2
    inside = 1 - (1 - 0.5) * math.prod(min(1, float(d) / radius) for d in far)
    assert supports(real=real, fake=fake).fake.tolist() == pytest.approx([inside, 0, 0, 1, 0])


def test_it_does_not_depend_on_order_place_unit_or_direction() -> None:
    real, fake = torch.randn(90, 5).double(), 1.2 * torch.randn(80, 5).double()
    turned = torch.linalg.qr(torch.randn(5, 5).double()).Q
    moved = [7 * x[torch.randperm(len(x))] @ turned + 3 for x in (real, fake)]
    assert scores(*moved) == pytest.approx(scores(real, fake), rel=1e-9)
    assert scores(fake, real) == pytest.approx(scores(real, fake)[::-1])


def test_the_block_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = torch.randn(90, 20), torch.randn(80, 20)
    whole = supports(real=real, fake=fake)
    monkeypatch.setattr(probabilistic_precision, "VALUES", 300)
    assert all(torch.allclose(*pair) for pair in zip(whole, supports(real=real, fake=fake), strict=True))


def test_an_outlier_of_the_real_data_does_not_make_noise_precise() -> None:
    """Its ball reaches to the data and holds noise about it, of which precision counts all and P-precision little."""
    real = torch.cat([torch.randn(500, 2), torch.tensor([[60.0, 0.0]])])
    noise = torch.tensor([60.0, 0.0]) + 20 * torch.randn(500, 2)
    assert prdc(real=real, fake=noise).precision > 0.95
    assert scores(real, noise)[0] < 0.01


def test_a_collapse_is_precise_and_not_recalled_and_duplicates_of_real_items_are_all_there() -> None:
    real = torch.randn(400, 8)
    near = real[(real - real[0]).norm(dim=1).topk(20, largest=False).indices]
    found = scores(real, near.repeat(20, 1) + 0.05 * torch.randn(400, 8))
    assert found[0] > 0.9
    assert found[1] < 0.2
    assert scores(real, real) == (1, 1)
    assert scores(real[:1].repeat(10, 1), real[:1].repeat(10, 1)) == (1, 1)


def test_without_a_real_item_is_what_the_others_give(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = torch.randn(30, 3), torch.randn(40, 3)
    fake[0] = real[3]
    monkeypatch.setattr(probabilistic_precision, "_radius", lambda *given: 1.5)
    expected = [scores(real[torch.arange(30) != i], fake)[0] for i in range(30)]
    assert precision_without_each_real(real=real, fake=fake).tolist() == pytest.approx(expected)


def test_too_few_items_are_an_error() -> None:
    with pytest.raises(ValueError, match="4 points have no 4 neighbours"):
        supports(real=torch.randn(4, 2), fake=torch.randn(50, 2))


@pytest.mark.slow
@pytest.mark.parametrize(("dims", "most"), [(2, 400), (16, 30)])
def test_an_interval_by_subsets_covers_the_expected_value(dims: int, most: int) -> None:
    """Nominal 95 %, in halves and in smaller parts."""

    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(120, dims), 0.8 * torch.randn(120, dims)

    truth = torch.tensor([scores(*draw()) for _ in range(200)]).mean(dim=0).tolist()
    inside = [0, 0]
    for seed in range(40):
        real, fake = draw()
        found, value = recomputed(scores, real=real, fake=fake, seed=seed, most=most), scores(real, fake)
        for k in range(2):
            low, high = share_ends(value[k], found.values[:, :, k], 120, factor=2 * found.ratio)
            inside[k] += low <= truth[k] <= high
    assert min(inside) >= 40 * 0.95 - 3 * math.sqrt(40 * 0.95 * 0.05)
