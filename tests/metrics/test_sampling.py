"""Samples: conditions of the held-out data, the level grid, and nothing that is not a number."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.contract import Event, GenerativeModel, Player
from pipeline.metrics.sampling import draw, stored

POINTS, IMAGES = Event((2,)), Event((1, 2, 2), levels=5)


class Echo(GenerativeModel):
    """Each value of a sample is its condition."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event, self.batches = event, []

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        self.batches.append(len(c))
        return c.reshape(-1, *[1] * len(self.event.shape)).expand(-1, *self.event.shape)


def test_conditions_are_cycled_in_chunks() -> None:
    model = Echo(POINTS)
    x, c = draw(model, POINTS, torch.tensor([[0.0], [1.0], [2.0]]), count=7, chunk=3)
    assert c[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert x[:, 1].tolist() == c[:, 0].tolist()
    assert model.batches == [3, 3, 1]


def test_a_task_without_condition_has_samples_too() -> None:
    class Noise(Echo):
        def sample(self, c: Tensor) -> Tensor:
            return torch.rand(len(c), 2)

    x, c = draw(Noise(POINTS), POINTS, torch.empty(4, 0), count=10, chunk=4)
    assert (x.shape, c.shape) == ((10, 2), (10, 0))


def test_images_are_put_on_the_grid_and_stored_as_levels() -> None:
    x, _ = draw(Echo(IMAGES), IMAGES, torch.tensor([[-0.9], [0.1], [7.0]]), count=3, chunk=3)
    assert x[:, 0, 0, 0].tolist() == [-1, 0, 1]
    assert stored(IMAGES, x).dtype == torch.uint8
    assert stored(IMAGES, x)[:, 0, 0, 0].tolist() == [0, 2, 4]
    assert torch.equal(IMAGES.value(stored(IMAGES, x)), x)


@pytest.mark.parametrize("event", [POINTS, IMAGES])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_sample_that_is_not_finite_is_named(event: Event, bad: float) -> None:
    with pytest.raises(FloatingPointError, match="sample 4 "):
        draw(Echo(event), event, torch.tensor([[0.0], [0.0], [0.0], [0.0], [bad]]), count=5, chunk=2)
