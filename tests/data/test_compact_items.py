"""Prepared data that are larger than memory: mapped files of bytes, converted a batch at a time."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline import files, paths
from pipeline.contract import ConditionKind
from pipeline.data import conditions, dataset, datasets, manifest, prepared
from pipeline.errors import UserError
from pipeline.items import CompactItems
from pipeline.params import Data
from pipeline.training.batches import in_order, shuffled

KINDS: tuple[ConditionKind, ...] = ("none", "class", "segmentation", "grayscale")
SIZES = {"train": 40, "validation": 10, "test": 12}


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(kind: ConditionKind) -> None:
    data = Data.model_validate({"dataset": "shapes", "condition": kind, "side": 12, **SIZES})
    prepared.write(kind, "shapes", datasets.make(data, "tasks.toy.data"))


@pytest.mark.parametrize("kind", KINDS)
def test_large_arrays_are_files_of_their_own_and_give_the_same_batches(
    kind: ConditionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(kind)
    whole = prepared.load(kind)
    monkeypatch.setattr(prepared, "LARGE", 1000)
    write(kind)
    large = prepared.load(kind)
    assert (paths.prepared(kind) / "train-x.npy").stat().st_size > 1000
    assert isinstance(large.train[0], CompactItems)
    assert isinstance(large.train[1], CompactItems) == (kind in ("segmentation", "grayscale"))
    assert large.train[0].stored.dtype == torch.uint8
    assert tuple(large.train[0].shape) == tuple(whole.train[0].shape)
    for name in ("train", "validation", "test"):
        pairs = zip(in_order(getattr(whole, name), 7), in_order(getattr(large, name), 7), strict=True)
        assert all(torch.equal(a, b) for one, two in pairs for a, b in zip(one, two, strict=True))
    orders = (islice(shuffled(data.train, 16, seed=3), 6) for data in (whole, large))
    for one, two in zip(*orders, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert torch.equal(large.train[0][:5], whole.train[0][:5])
    assert all(torch.equal(large.labels[name], whole.labels[name]) for name in whole.labels)
    images = manifest.read_split(kind, "test")["x"]
    assert np.array_equal(images, whole.task.event.index(whole.test[0]).numpy())


def test_a_small_split_names_no_file_in_its_manifest() -> None:
    write("none")
    text = (paths.prepared("none") / "manifest.json").read_text(encoding="utf-8")
    assert "arrays" not in text
    assert sorted(path.name for path in paths.prepared("none").iterdir()) == [
        "manifest.json", "test.npz", "train.npz", "validation.npz",
    ]  # fmt: skip


def test_a_file_that_is_missing_or_too_short_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "LARGE", 1000)
    write("none")
    path = paths.prepared("none") / "train-x.npy"
    content = path.read_bytes()
    for damage, why in ((content[:-1], "damaged"), (b"", "damaged"), (None, "missing")):
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        with pytest.raises(UserError, match=f"train-x.npy is {why}.*coverseek prepare --task none"):
            prepared.load("none")
    files.write_npy(path, np.zeros((3, 2), np.uint8))
    with pytest.raises(UserError, match=r"train-x.npy is damaged \(it has shape \(3, 2\)\)"):
        prepared.load("none")


def test_batches_in_order_can_be_read_again_and_by_their_number() -> None:
    x, c = torch.arange(7.0), torch.zeros(7, 0)
    items = CompactItems(x.to(torch.uint8), torch.Tensor.float)
    batches = in_order((items, c), 3)  # type: ignore[arg-type]
    assert [len(part) for part, _ in batches] == [len(part) for part, _ in batches] == [3, 3, 1]
    assert torch.equal(batches[-1][0], x[6:])
    assert len(batches[1:]) == 2
    assert [len(part) for part in CompactItems(x[:0], torch.Tensor.float).split(3)] == [0]
    with pytest.raises(ValueError, match="3 chunks of x, 2 of c"):
        in_order((x, c[:6]), 3)


def test_arrays_that_come_one_by_one_are_stacked_in_a_file_if_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (30, 3, 4, 4), np.uint8)
    plain, gray = dataset.stacked(iter(rows), 30), conditions.luma(rows)
    monkeypatch.setattr(dataset, "LARGE", 100)
    monkeypatch.setattr(conditions, "BLOCK", 7)
    mapped = dataset.stacked(iter(rows), 30)
    assert isinstance(mapped, np.memmap)
    assert not isinstance(plain, np.memmap)
    assert np.array_equal(mapped, rows)
    assert np.array_equal(plain, rows)
    assert np.array_equal(conditions.luma(rows), gray)
    assert not list(Path().iterdir())


def test_an_array_is_written_as_numpy_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 64)
    array = np.arange(300, dtype=np.int64).reshape(50, 6)
    files.write_npy(tmp_path / "a.npy", array[::-1])
    np.save(tmp_path / "b.npy", np.ascontiguousarray(array[::-1]))
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
