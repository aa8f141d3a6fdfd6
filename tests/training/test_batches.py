"""What batches of images promise that are probabilities: a new draw each time, whose mean is the intensity."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Loss, SinglePlayer
from pipeline.params import Training
from pipeline.training.batches import shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit


@pytest.fixture
def data() -> tuple[Batch, Tensor]:
    """Ten images with their numbers as condition, and their intensities: one draw, and 0 .. 255 in every image."""
    intensity = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).repeat(10, 1, 1, 1)
    return (torch.where(intensity > 127, 1.0, -1.0), torch.arange(10)), intensity


def test_without_intensities_an_item_stays_what_it_is(data: tuple[Batch, Tensor]) -> None:
    for x, c in islice(shuffled(data[0], 4, seed=0), 5):
        assert torch.equal(x, data[0][0][c])


def test_the_mean_of_many_batches_is_the_intensity(data: tuple[Batch, Tensor]) -> None:
    torch.manual_seed(0)
    batch, intensity = data
    drawn = torch.cat([x for x, _ in islice(shuffled(batch, 10, intensity, seed=0), 2000)])  # (20000, 1, 16, 16)
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    p, share = intensity[0] / 255, (drawn + 1).mean(0) / 2
    assert torch.equal(share[p == 0], p[p == 0])
    assert torch.equal(share[p == 1], p[p == 1])
    inner = (p > 0) & (p < 1)
    z = (share - p)[inner] / (p * (1 - p) / len(drawn))[inner].sqrt()
    assert z.abs().max() < 4.5
    assert 0.8 < z.std() < 1.2


def test_the_same_seed_draws_the_same_batches(data: tuple[Batch, Tensor]) -> None:
    def some(seed: int) -> list[Tensor]:
        return [x for x, _ in islice(shuffled(data[0], 4, data[1], seed=seed), 5)]

    assert all(torch.equal(one, again) for one, again in zip(some(0), some(0), strict=True))
    assert not torch.equal(some(0)[0], some(1)[0])


def test_batches_depend_on_the_seed_alone_and_leave_the_models_random_numbers_alone(data: tuple[Batch, Tensor]) -> None:
    """What a model draws, to build itself or to train, moves no batch; and batches of any size hold the same items."""

    def order(size: int, drawn: int) -> Tensor:
        torch.manual_seed(drawn)
        found = []
        for _, c in islice(shuffled(data[0], size, seed=5), 60 // size):
            torch.rand(drawn)
            found.append(c)
        return torch.cat(found)

    assert torch.equal(order(4, 1), order(4, 100))
    assert torch.equal(order(4, 1), order(6, 1))
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(islice(shuffled(data[0], 4, data[1], seed=5), 5))
    assert torch.equal(torch.rand(3), expected)


class Watcher(SinglePlayer):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.learned, self.remembered = nn.Parameter(torch.zeros(())), list[Tensor](), list[Tensor]()

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        self.learned.append(x)
        return Loss(self.weight.square(), {})

    def sample(self, c: Tensor) -> Tensor:
        raise NotImplementedError

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.remembered += [x for x, _ in train]


def test_learning_sees_new_draws_and_calibration_the_one_draw(data: tuple[Batch, Tensor]) -> None:
    """A control's memory is fitted by calibration."""
    batch, intensity = data
    settings, model = Training(steps=3, batch_size=10, learning_rate=0.1), Watcher()
    trained, _, _ = fit(model, batch, batch, settings, CurveLogger(), "toy", intensity, seed=0)
    assert isinstance(trained, Watcher)
    assert torch.equal(torch.cat(trained.remembered), batch[0])
    assert len({x.numpy().tobytes() for x in model.learned}) == 3
    assert all(set(x.unique().tolist()) == {-1.0, 1.0} for x in model.learned)
