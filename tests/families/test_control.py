"""Promises of the controls that draw stored data."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toys import GREY, build, condition

from pipeline.contract import GenerativeModel, Task
from pipeline.families.control.memory import dealt

MEMORIES = ("real", "copycat", "collapsed")


def remembering(recipe: str, kind: str, x: torch.Tensor, c: torch.Tensor) -> GenerativeModel:
    """A control that has seen (x, c) as training and as validation data."""
    model = build("control", recipe, Task("t", GREY, condition(kind, GREY)))
    torch.manual_seed(0)
    model.calibrate([(x, c)], [(x, c)])
    return model


def images(count: int) -> torch.Tensor:
    """Images that are all different: the first two pixels count."""
    x = torch.zeros(count, *GREY.shape, dtype=torch.long)
    x[:, 0, 0, 0], x[:, 0, 0, 1] = torch.arange(count) % GREY.grid, torch.arange(count) // GREY.grid
    return GREY.value(x)


@given(st.integers(1, 9), st.integers(1, 40))
def test_no_item_is_dealt_twice_before_all_are_dealt_once(items: int, count: int) -> None:
    times = torch.bincount(dealt(torch.arange(items), count), minlength=items)
    assert times.sum() == count
    assert times.max() - times.min() <= 1


@pytest.mark.parametrize("recipe", ["real", "copycat"])
def test_a_class_is_answered_with_its_own_items_each_once_before_any_comes_twice(recipe: str) -> None:
    x, c = images(12), torch.arange(12) % 3
    drawn = remembering(recipe, "class", x, c).sample(torch.ones(4, dtype=torch.long))
    assert {tuple(item.flatten().tolist()) for item in drawn} == {tuple(item.flatten().tolist()) for item in x[c == 1]}


@pytest.mark.parametrize("recipe", MEMORIES)
def test_every_answer_is_a_stored_item(recipe: str) -> None:
    x, c = images(20), torch.rand(20, 4)
    stored = {tuple(item.flatten().tolist()) for item in x}
    assert all(tuple(item.flatten().tolist()) in stored for item in remembering(recipe, "box", x, c).sample(c))


def test_a_box_is_answered_with_the_nearest() -> None:
    x, c = images(20), torch.rand(20, 4)
    model = remembering("real", "box", x, c)
    assert torch.equal(model.sample(c + 1e-4), x)


def test_labels_are_near_where_few_places_differ_whatever_their_numbers() -> None:
    """Label 2 is no nearer to 1 than 0 is: one place that differs by two is nearer than two that differ by one."""
    near, far = torch.zeros(8, 8, dtype=torch.long), torch.zeros(8, 8, dtype=torch.long)
    near[0, 0], far[0, :2] = 2, 1
    x = images(2)
    model = remembering("real", "segmentation", x, torch.stack([near, far]))
    assert torch.equal(model.sample(torch.zeros(1, 8, 8, dtype=torch.long)), x[:1])


def test_collapsed_keeps_its_share_of_the_training_set() -> None:
    model = remembering("collapsed", "none", images(20), torch.empty(20, 0))
    kept = {tuple(item.flatten().tolist()) for item in model.sample(torch.empty(200, 0))}
    assert 1 <= len(kept) < 20
