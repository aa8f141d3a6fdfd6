"""Samples: conditions of the held-out data, the level grid, and nothing that is not a number."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.contract import Condition, Event, GenerativeModel, Player, Task
from pipeline.metrics.evaluation.draws import draw, repeat, stored

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


@pytest.mark.parametrize(
    ("condition", "c", "held"),
    [
        (Condition("class", (), 4), torch.tensor([3, 0, 3, 1, 0]), [0, 1, 3]),
        (Condition("grayscale", (1,)), torch.tensor([[3.0], [0.0], [3.0], [1.0], [0.0]]), [3, 0, 3]),
    ],
    ids=["class", "any"],
)
def test_each_class_or_the_first_conditions_are_answered_several_times(
    condition: Condition, c: Tensor, held: list[int]
) -> None:
    model = Echo(POINTS)
    x, under = repeat(model, Task("toy", POINTS, condition), c, conditions=3, repeats=2, chunk=4)
    assert under.flatten().tolist() == held
    assert x[:, :, 0].tolist() == [[label, label] for label in held]
    assert model.batches == [4, 2]


def test_without_a_condition_nothing_is_repeated() -> None:
    model = Echo(POINTS)
    x, under = repeat(model, Task("toy", POINTS), torch.empty(5, 0), conditions=3, repeats=2, chunk=4)
    assert (x.shape, under.shape, model.batches) == ((0, 2, 2), (0, 0), [])


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
