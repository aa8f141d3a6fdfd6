"""Memorisation: copies fail, fresh draws pass, in few dimensions and in many."""

import pytest
import torch
from torch import Tensor

from pipeline.data.dataset import SPLITS, Sizes
from pipeline.data.shapes import shapes
from pipeline.metrics.memorization import authenticity, ct_by_cells, ct_score


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=[2, 32])
def data(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Tensor]:
    """Training, held-out and fresh points."""
    return tuple(torch.randn(n, request.param) for n in (2000, 500, 500))


def share(*, train: Tensor, fake: Tensor) -> float:
    return authenticity(train=train, fake=fake).double().mean().item()


def test_fresh_draws_pass(data: tuple[Tensor, Tensor, Tensor]) -> None:
    train, real, fresh = data
    assert 0.35 < share(train=train, fake=fresh) < 0.85
    assert abs(ct_score(train=train, real=real, fake=fresh)) < 3


@pytest.mark.parametrize("noise", [0.0, 1e-4])
def test_copies_fail(data: tuple[Tensor, Tensor, Tensor], noise: float) -> None:
    train, real, _ = data
    copies = train[torch.randint(len(train), (500,))] + noise * torch.randn(500, train.shape[1])
    assert share(train=train, fake=copies) < 0.05
    assert ct_score(train=train, real=real, fake=copies) < -20


def test_half_copies_are_seen(data: tuple[Tensor, Tensor, Tensor]) -> None:
    train, real, fresh = data
    half = torch.cat([fresh[:250], train[:250]])
    assert share(train=train, fake=half) == pytest.approx(share(train=train, fake=fresh[:250]) / 2)
    assert ct_score(train=train, real=real, fake=half) < -8


def test_underfitting_is_the_other_side(data: tuple[Tensor, Tensor, Tensor]) -> None:
    train, real, fresh = data
    assert ct_score(train=train, real=real, fake=5 * fresh) > 8
    assert share(train=train, fake=5 * fresh) > 0.8


def test_authenticity_compares_with_the_training_points_own_neighbour() -> None:
    train = torch.tensor([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    fake = torch.tensor([[0.0, 0.9], [0.0, 1.1], [10.0, 8.0]])  # against own neighbours at 1, 1 and 9
    assert share(train=train, fake=fake) == pytest.approx(1 / 3)


def test_ct_is_zero_where_the_ranks_are_shared_evenly() -> None:
    train = torch.zeros(1, 1)
    real, fake = torch.tensor([[1.0], [4.0]]), torch.tensor([[2.0], [3.0]])
    assert ct_score(train=train, real=real, fake=fake) == 0
    assert ct_score(train=train, real=fake, fake=fake) == 0


def test_held_out_shapes_are_neither_copies_nor_far_away() -> None:
    """CT of one validation split of shapes against one test split is a draw with mean 0 and variance 1, however few of
    the rare shapes either holds: in the mean over datasets it is 0."""
    scores = []
    for seed in range(16):
        splits = shapes(Sizes(200, 60, 60), seed).splits
        train, held, test = (torch.from_numpy(splits[name].x).flatten(1).float() for name in SPLITS)
        scores.append(ct_score(train=train, real=test, fake=held))
    found = torch.tensor(scores)
    assert abs(float(found.mean())) < 3 / 4
    assert 0.5 < float(found.std()) < 1.6


def groups(count: int) -> tuple[Tensor, Tensor]:
    """Three clusters in the plane, 2 : 1 : 1, and which."""
    group = torch.tensor([0, 0, 1, 2])[torch.randint(4, (count,))]
    return torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])[group] + torch.randn(count, 2), group


def test_ct_by_cells_is_the_mean_of_the_scores_of_the_cells_by_held_out_items() -> None:
    sides = {name: groups(count) for name, count in (("train", 800), ("real", 300), ("fake", 300))}
    scores, weights = [], []
    for group in range(3):
        scores.append(ct_score(**{name: x[of == group] for name, (x, of) in sides.items()}))
        weights.append(int((sides["real"][1] == group).sum()))
    expected = sum(w * s for w, s in zip(weights, scores, strict=True)) / 300
    assert ct_by_cells(**{name: x for name, (x, _) in sides.items()}) == pytest.approx(expected)


def test_too_many_samples_of_a_dense_part_are_no_copies_to_the_cells() -> None:
    def draw(count: int, dense: float) -> Tensor:
        tight = torch.rand(count, 1) < dense
        x = torch.randn(count, 2)
        return torch.where(tight, 0.1 * x, x + 20)

    sides = {"train": draw(1000, 0.5), "real": draw(400, 0.5), "fake": draw(400, 0.9)}
    assert ct_score(**sides) < -6
    cells = ct_by_cells(**sides, cells=2)
    assert cells is not None
    assert abs(cells) < 3
    copies = ct_by_cells(**sides | {"fake": sides["train"][:400]}, cells=2)
    assert copies is not None
    assert copies < -8


def test_cells_without_enough_samples_are_left_out() -> None:
    train, real, fake = torch.randn(200, 2), torch.randn(60, 2), torch.randn(20, 2)
    assert ct_by_cells(train=train, real=real, fake=fake) is None
    assert ct_by_cells(train=train, real=real, fake=fake, least=0) is not None
    assert ct_by_cells(train=train, real=real, fake=fake, cells=1, least=10) == pytest.approx(
        ct_score(train=train, real=real, fake=fake)
    )
