"""What prepared data promise."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from pipeline import paths
from pipeline.contract import Condition, ConditionKind, Task
from pipeline.data import datasets, prepared
from pipeline.data.conditions import boxes
from pipeline.data.dataset import SPLITS, Dataset
from pipeline.errors import UserError
from pipeline.params import Data

SMALL = {"train": 400, "validation": 100, "test": 200}
BLOCKS = {
    "ring": Data(dataset="ring", sigma=0.1, **SMALL),
    "grid": Data(dataset="grid", **SMALL),
    "digits": Data(dataset="digits", **SMALL),
    "shapes": Data(dataset="shapes", **SMALL),
}


def made(name: str, **changes: object) -> Dataset:
    return datasets.make(Data.model_validate(BLOCKS[name].model_dump() | changes), f"tasks.{name}.data")


@pytest.mark.parametrize("name", BLOCKS)
def test_the_same_seed_gives_the_same_splits_and_another_does_not(name: str) -> None:
    one, two, other = made(name), made(name), made(name, seed=1)
    for split in SPLITS:
        assert np.array_equal(one.splits[split].x, two.splits[split].x)
        assert not np.array_equal(one.splits[split].x, other.splits[split].x)


@pytest.mark.parametrize("name", BLOCKS)
def test_splits_have_their_sizes_and_share_no_item(name: str) -> None:
    splits = made(name).splits
    assert {split: len(splits[split].x) for split in SPLITS} == SMALL
    if name != "digits":  # a real image may well be there twice
        every = np.concatenate([splits[split].x for split in SPLITS])
        assert len(np.unique(every, axis=0)) == len(every)


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_mixtures_have_the_published_geometry(name: str, modes: int) -> None:
    dataset = made(name, train=20_000)
    assert dataset.truth is not None
    means, x = np.array(dataset.truth.means), dataset.splits["train"].x
    assert len(means) == modes
    assert sum(dataset.truth.weights) == pytest.approx(1)
    distance = np.linalg.norm(x[:, None] - means, axis=-1)
    assert np.unique(distance.argmin(1)).size == modes
    assert np.mean(distance.min(1) ** 2) / 2 == pytest.approx(dataset.truth.sigma**2, rel=0.05)
    edge = 1 if name == "ring" else 4
    assert np.abs(means).max() == pytest.approx(edge)


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_a_tail_makes_modes_as_rare_as_their_rank(name: str, modes: int) -> None:
    truth, even = made(name, tail=True).truth, made(name).truth
    assert truth is not None
    assert even is not None
    assert np.array(truth.weights) * np.arange(1, modes + 1) == pytest.approx(truth.weights[0])
    assert sum(truth.weights) == pytest.approx(1)
    assert truth.means == even.means


def test_a_steeper_tail_is_rarer() -> None:
    steep, plain = made("ring", tail=True, slope=3.0).truth, made("ring", tail=True).truth
    assert steep is not None
    assert plain is not None
    assert np.array(steep.weights) * np.arange(1, 9) ** 3 == pytest.approx(steep.weights[0])
    assert steep.weights[-1] == pytest.approx(0.00163, abs=1e-5)
    assert plain.weights == tuple(1 / (k + 1) / sum(1 / (i + 1) for i in range(8)) for k in range(8))


def test_digits_are_the_real_ones() -> None:
    dataset = made("digits", train=1297, validation=250, test=250)
    levels = np.concatenate([dataset.splits[split].x for split in SPLITS])
    assert (levels.dtype, levels.min(), levels.max(), levels.shape) == (np.uint8, 0, 16, (1797, 1, 8, 8))
    assert dataset.event.levels == 17


DIGITS = ("none", "class", "box")


def test_digits_are_the_same_under_every_condition_and_none_is_the_default() -> None:
    default, *others = made("digits"), *(made("digits", condition=kind) for kind in DIGITS)
    assert default.condition == Condition()
    for other in others:
        for split in SPLITS:
            assert np.array_equal(default.splits[split].x, other.splits[split].x)
            assert np.array_equal(default.splits[split].label, other.splits[split].label)


def test_a_digit_is_its_class_and_its_ink_has_its_box() -> None:
    by_class, by_box = made("digits", condition="class"), made("digits", condition="box")
    assert by_class.condition == Condition("class", (), 10)
    assert by_box.condition == Condition("box", (4,))
    for split in SPLITS:
        assert np.array_equal(by_class.splits[split].c, by_class.splits[split].label)
        assert np.array_equal(by_box.splits[split].c, boxes(by_box.splits[split].x[:, 0] > 0))


@pytest.mark.parametrize("kind", ["grayscale", "segmentation", "clas"])
def test_a_condition_that_digits_lack_is_refused_with_those_they_have(kind: str) -> None:
    with pytest.raises(UserError, match=rf"condition: .*'none', 'class' or 'box', not '{kind}'"):
        made("digits", condition=kind)


@pytest.mark.parametrize(
    ("name", "kind"), [*(("digits", kind) for kind in DIGITS), *(("shapes", kind) for kind in get_args(ConditionKind))]
)
def test_prepared_data_come_back(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = made(name, condition=kind)
    prepared.write("task", name, dataset)
    back = prepared.load("task")
    assert back.task == Task("task", dataset.event, dataset.condition, factors=dataset.factors)
    for split in SPLITS:
        given, (x, c) = dataset.splits[split], getattr(back, split)
        assert x.dtype == torch.float32
        assert torch.equal(back.task.event.index(x), torch.from_numpy(given.x).long())
        assert torch.equal(c, torch.from_numpy(given.c))
        assert torch.equal(back.labels[split], torch.from_numpy(given.label))
        assert (split in back.factors) == (name == "shapes")
        if name == "shapes":
            assert torch.equal(back.factors[split], torch.from_numpy(given.factors))


@pytest.mark.parametrize("name", ["manifest.json", "train.npz", "validation.npz", "test.npz"])
def test_damage_is_named_with_what_mends_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prepared.write("ring", "ring", made("ring"))
    path = paths.prepared("ring") / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=rf"{name}.*coverseek prepare --task ring"):
        prepared.load("ring")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "rnig"}, "did you mean ring"),
        ({"sigm": 0.1}, "sigm.*did you mean sigma"),
        ({"sigma": -1.0}, "sigma.*greater than 0"),
        ({"sigma": "wide"}, "sigma.*number"),
    ],
)
def test_bad_blocks_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        made("ring", **changes)


def test_more_digits_than_there_are() -> None:
    with pytest.raises(UserError, match="1797"):
        made("digits", train=1700)
