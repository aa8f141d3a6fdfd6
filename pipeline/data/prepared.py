"""Prepared data on disk: three npz files and a manifest that holds their shapes, their truth and their sha256.

An array of more than `LARGE` bytes is an npy file beside them, which is written in blocks and mapped into memory: its
items are read and converted a batch at a time, so that no split needs as much memory as it has bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Batch, Condition, Event, Factor, Mixture, Task
from pipeline.data import manifest
from pipeline.data.dataset import SPLITS, Dataset, Split
from pipeline.data.manifest import GaussianAutoregressionSchema, HiddenMarkovSchema, Manifest, MixtureSchema
from pipeline.errors import UserError
from pipeline.items import LARGE, CompactItems
from pipeline.processes import GaussianAutoregression, HiddenMarkov, Process


@dataclass(frozen=True)
class Prepared:
    """A task and its splits as tensors: x float32 (images on the grid of [-1, 1]); labels (N,), factors (N, F) and
    sources (N, R) by split, long, where known. `intensity` (N, C, H, W) uint8: the training images as probabilities of
    a 1, in 255ths, where they are binarised anew for every batch; `train` is then one draw of them.

    Large images, and large maps as conditions, are `pipeline.items.CompactItems`: tensors of some rows or chunks."""

    task: Task
    train: Batch
    validation: Batch
    test: Batch
    labels: dict[str, Tensor]
    factors: dict[str, Tensor]
    intensity: Tensor | None = None
    sources: dict[str, Tensor] = field(default_factory=dict)


def write(task: str, name: str, dataset: Dataset) -> None:
    """Write `dataset` as the prepared data of `task`, atomically."""
    with files.atomic_dir(paths.prepared(task)) as folder:
        splits = {split: _write(folder, split, dataset.splits[split]) for split in SPLITS}
        described = {"event": _event(dataset.event), "condition": asdict(dataset.condition)}
        truth = asdict(dataset.truth) if dataset.truth else None
        known = {"truth": truth, "factors": [asdict(factor) for factor in dataset.factors]}
        content = {"task": task, "dataset": name, **described, **known, "splits": splits}
        files.write_json(folder / "manifest.json", content)


def _event(event: Event) -> dict[str, Any]:
    """Its entry in the manifest; without a rate where it has none."""
    return {key: value for key, value in asdict(event).items() if key != "rate" or value is not None}


def _write(folder: Path, split: str, data: Split) -> dict[str, Any]:
    """Write the files of a split; returns its entry in the manifest."""
    arrays = data.arrays()
    large = {name: array for name, array in arrays.items() if array.nbytes > LARGE}
    files.write_npz(folder / f"{split}.npz", {name: array for name, array in arrays.items() if name not in large})
    described: dict[str, Any] = {"count": len(data.x), "sha256": files.sha256(folder / f"{split}.npz")}
    for name, array in large.items():
        files.write_npy(folder / manifest.array_file(split, name), array)
    hashes = {name: files.sha256(folder / manifest.array_file(split, name)) for name in large}
    return described | ({"arrays": hashes} if hashes else {})


def load(task: str) -> Prepared:
    """Read prepared data.

    Raises:
        UserError: a file is missing, or its bytes are not those that the manifest names.
    """
    known = manifest.read(task)
    path = paths.prepared(task) / "manifest.json"
    if missing := [split for split in SPLITS if split not in known.splits]:
        raise files.damaged(path, f"splits.{missing[0]} is missing", manifest.command(task))
    described = _task(known)
    arrays = {split: _read(known, task, split) for split in SPLITS}
    labels, factors, sources = (
        {split: torch.from_numpy(a[name]).long() for split, a in arrays.items() if name in a}
        for name in ("label", "factors", "sources")
    )
    train, validation, test = (_batch(described, arrays[split]) for split in SPLITS)
    intensity = torch.from_numpy(arrays["train"]["intensity"]) if "intensity" in arrays["train"] else None
    return Prepared(described, train, validation, test, labels, factors, intensity, sources)


def described(task: str) -> Task:
    """The task of prepared data, from its manifest alone.

    Raises:
        UserError: the manifest is missing or damaged.
    """
    return _task(manifest.read(task))


def _read(known: Manifest, task: str, split: str) -> files.Arrays:
    arrays, path = manifest.read_split(task, split, known), paths.prepared(task) / f"{split}.npz"
    if len({len(array) for array in arrays.values()}) > 1:
        raise files.damaged(path, "its arrays are not of one length", manifest.command(task))
    if files.sha256(path) != known.splits[split].sha256:
        raise UserError(f"{path} is not what its manifest names (sha256); make it again with: {manifest.command(task)}")
    return arrays


def _batch(task: Task, arrays: files.Arrays) -> Batch:
    labels = task.condition.kind in ("class", "segmentation")
    values = torch.Tensor.float if task.event.levels is None else task.event.value
    conditions = torch.Tensor.long if labels else torch.Tensor.float
    return _items(arrays["x"], values), _items(arrays["c"], conditions)


def _items(array: NDArray[Any], convert: Callable[[Tensor], Tensor]) -> Tensor:
    """The items as a tensor, or as `CompactItems` where they are images or maps in a file of their own.

    Points, classes and boxes in such a file are tensors that are mapped from it: they need no conversion.
    """
    stored = torch.from_numpy(array)
    compact = isinstance(array, np.memmap) and array.ndim > 2
    return cast(Tensor, CompactItems(stored, convert)) if compact else convert(stored)


def _task(known: Manifest) -> Task:
    event, condition = known.event, known.condition
    return Task(
        known.task,
        Event(tuple(event.shape), event.levels, event.scale, event.rate),
        Condition(condition.kind, tuple(condition.shape), condition.size),
        _truth(known),
        tuple(Factor(factor.name, tuple(factor.weights), factor.channel) for factor in known.factors),
    )


def _truth(known: Manifest) -> Mixture | Process | None:
    match known.truth:
        case MixtureSchema() as found:
            return Mixture(tuple(map(tuple, found.means)), found.sigma, tuple(found.weights))
        case GaussianAutoregressionSchema() as found:
            return GaussianAutoregression(tuple(found.coefficients), found.sigma)
        case HiddenMarkovSchema() as found:
            rows = (tuple(map(tuple, table)) for table in (found.transition, found.emission))
            return HiddenMarkov(tuple(found.initial), *rows)
    return None
