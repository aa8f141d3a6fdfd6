"""What batches promise: every item once an epoch, and a new draw each time where images are probabilities."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch import Tensor

from pipeline.contract import Batch
from pipeline.training.batches import in_order, shuffled


@pytest.fixture
def data() -> tuple[Batch, Tensor]:
    """Ten images with their numbers as condition, and their intensities: one draw, and 0 .. 255 in every image."""
    intensity = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).repeat(10, 1, 1, 1)
    return (torch.where(intensity > 127, 1.0, -1.0), torch.arange(10)), intensity


def test_every_item_comes_once_an_epoch(data: tuple[Batch, Tensor]) -> None:
    batches = islice(shuffled(data[0], 4), 5)
    assert torch.cat([c for _, c in batches])[:10].sort().values.tolist() == list(range(10))


def test_without_intensities_an_item_stays_what_it_is(data: tuple[Batch, Tensor]) -> None:
    for x, c in islice(shuffled(data[0], 4), 5):
        assert torch.equal(x, data[0][0][c])


def test_the_mean_of_many_batches_is_the_intensity(data: tuple[Batch, Tensor]) -> None:
    torch.manual_seed(0)
    batch, intensity = data
    drawn = torch.cat([x for x, _ in islice(shuffled(batch, 10, intensity), 2000)])  # (20000, 1, 16, 16)
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
        torch.manual_seed(seed)
        return [x for x, _ in islice(shuffled(data[0], 4, data[1]), 5)]

    assert all(torch.equal(one, again) for one, again in zip(some(0), some(0), strict=True))
    assert not torch.equal(some(0)[0], some(1)[0])


def test_calibration_sees_one_draw(data: tuple[Batch, Tensor]) -> None:
    """What is fitted after training, such as a control's memory, gets the items as they are."""
    assert torch.equal(torch.cat([x for x, _ in in_order(data[0], 4)]), data[0][0])
