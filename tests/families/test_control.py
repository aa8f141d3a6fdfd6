"""Laws of the controls that answer from memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from toys import GREY, condition, conditions

from pipeline import params
from pipeline.contract import Task
from pipeline.families.control.stored_items import Collapsed, Copycat, Real, StoredItems, sample_without_replacement


def numbered(count: int) -> Tensor:
    """Items (count, 1) that are their own numbers, so that a sample tells which one it is."""
    return torch.arange(count, dtype=torch.float32)[:, None]


def holding(c: Tensor) -> StoredItems:
    """A `Real` that holds items 0, 1, ..., one for each row of c."""
    model = Real()
    model.calibrate([], [(numbered(len(c)), c)])
    return model


def drawn(model: StoredItems, c: Tensor) -> list[int]:
    """The numbers of the items that the model answers c with."""
    return [int(item) for item in model.sample(c)[:, 0]]


@pytest.mark.parametrize("count", [1, 6, 7, 8, 20])
def test_every_item_is_drawn_once_before_any_comes_twice(count: int) -> None:
    hand = sample_without_replacement(torch.arange(10, 17), count)
    assert len(hand) == count
    for part in hand.split(7):
        assert len(part.unique()) == len(part)
    assert set(hand.tolist()) <= set(range(10, 17))


def test_the_deal_is_random() -> None:
    assert (
        len({tuple(sample_without_replacement(torch.arange(5), 5).tolist()) for _ in range(200)}) > 50
    )  # of 120 orders


def test_without_a_condition_all_that_is_stored_is_drawn() -> None:
    assert sorted(drawn(holding(torch.empty(9, 0)), torch.empty(18, 0))) == sorted([*range(9), *range(9)])


def test_a_class_is_answered_with_its_items_each_once_before_any_twice() -> None:
    stored = torch.arange(12) % 3
    asked = torch.tensor([2, 0, 2, 1, 2, 0, 2, 2])
    answer = drawn(holding(stored), asked)
    assert [item % 3 for item in answer] == asked.tolist()
    assert {item for item in answer if item % 3 == 2} == {2, 5, 8, 11}  # asked for five times
    assert len({item for item in answer if item % 3 == 0}) == 2


@pytest.mark.parametrize("kind", ["box", "grayscale"])
def test_a_box_or_a_grey_map_is_answered_with_the_nearest(kind: str) -> None:
    task = Task("t", GREY, condition(kind, GREY))
    stored, asked = conditions(task, 40), conditions(task, 15)
    distance = (asked[:, None] - stored[None]).square().flatten(2).sum(-1)  # (15, 40)
    assert drawn(holding(stored), asked) == distance.argmin(1).tolist()


@pytest.mark.parametrize("kind", ["class", "box", "segmentation", "grayscale"])
def test_a_stored_condition_is_answered_with_its_own_item(kind: str) -> None:
    task = Task("t", GREY, condition(kind, GREY))
    stored = torch.arange(3) if kind == "class" else conditions(task, 20)
    assert drawn(holding(stored), stored) == list(range(len(stored)))


def test_labels_are_compared_by_the_number_of_places_that_differ() -> None:
    """Not by how far apart they are: a label is a name."""
    stored = torch.tensor([[[1, 1], [0, 0]], [[9, 0], [0, 0]]])
    assert drawn(holding(stored), torch.zeros(1, 2, 2, dtype=torch.long)) == [1]
    assert set(drawn(holding(torch.tensor([2, 7])), torch.full((2,), 6))) == {0, 1}  # no class is nearer than another


def test_real_holds_the_validation_split_and_copycat_the_training_set() -> None:
    splits = [(numbered(4), torch.empty(4, 0))], [(10 + numbered(4), torch.empty(4, 0))]
    for model, held in ((Real(), range(10, 14)), (Copycat(), range(4))):
        model.calibrate(*splits)
        assert sorted(drawn(model, torch.empty(4, 0))) == list(held)


@pytest.mark.parametrize(("share", "kept"), [(0.02, 2), (0.25, 25), (1.0, 100), (0.001, 1)])
def test_collapsed_keeps_its_share_of_the_items_around_one(share: float, kept: int) -> None:
    model, c = Collapsed(share), torch.arange(100) % 5
    model.calibrate([(numbered(50), c[:50]), (50 + numbered(50), c[50:])], [])
    assert len(model.x) == len(model.c) == kept
    assert torch.equal(model.c, c[model.x[:, 0].long()])  # each with its own condition
    assert model.x.max() - model.x.min() < 2 * kept  # none is nearer to the middle and left out


@pytest.mark.parametrize(("asked", "held", "replicated"), [(250, 250, False), (250, 400, False), (250, 2000, True)])
def test_seeds_are_replications_where_they_draw_other_items(asked: int, held: int, replicated: bool) -> None:
    """As said, and as two seeds show: the share of items that they have in common."""
    free, c = holding(torch.empty(held, 0)), torch.empty(asked, 0)
    labelled, labels = holding(torch.arange(held) % 10), torch.arange(asked) % 10
    for model, asks in ((free, c), (labelled, labels)):
        one, two = (set(drawn(model, asks)) for _ in range(2))
        assert model.replicates(asks) is replicated
        assert len(one & two) / asked == pytest.approx(asked / held, abs=0.1)


def test_a_look_up_in_all_items_is_no_replication_and_one_in_a_random_half_is() -> None:
    """Each condition has one nearest item."""
    stored, asked = torch.rand(200, 4), torch.rand(100, 4)
    assert not holding(stored).replicates(asked)
    answers = []
    for _ in range(2):
        model = Real(part=0.5)
        model.calibrate([], [(numbered(200), stored)])
        assert len(model.x) == 100
        assert model.replicates(asked)
        answers.append(drawn(model, asked))
    assert sum(a == b for a, b in zip(*answers, strict=True)) < 60


def test_collapsed_seeds_are_around_other_items() -> None:
    model = Collapsed(0.1)
    model.calibrate([(numbered(50), torch.empty(50, 0))], [])
    assert model.replicates(torch.empty(50, 0))


def test_seeds_of_real_are_replications_on_every_task_whose_data_can_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is all but the digits, of which there are 1,797."""
    monkeypatch.chdir(Path(__file__).parents[2])
    configured = params.load()
    tasks = {
        cell.task: configured.evaluation_of(cell.task, configured.task_events[cell.task])[1].samples
        for cell in configured.cells
        if cell.model == "real"
    }
    assert tasks
    for task, samples in tasks.items():
        data = configured.task(task).data
        assert data.dataset == "digits" or data.validation >= 2 * samples, task
