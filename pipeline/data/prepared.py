"""Prepared data on disk: three npz files and a manifest that holds their shapes, their truth and their sha256."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Batch, Condition, Event, Factor, Mixture, Task
from pipeline.data import manifest
from pipeline.data.dataset import SPLITS, Dataset
from pipeline.data.manifest import Manifest
from pipeline.errors import UserError


@dataclass(frozen=True)
class Prepared:
    """A task and its splits as tensors: x float32 (images on the grid of [-1, 1]); labels (N,), factors (N, F) and
    sources (N, R) by split, long, where known. `intensity` (N, C, H, W) uint8: the training images as probabilities of
    a 1, in 255ths, where they are binarised anew for every batch; `train` is then one draw of them."""

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
        for split in SPLITS:
            files.write_npz(folder / f"{split}.npz", dataset.splits[split].arrays())
        splits = {s: {"count": len(dataset.splits[s].x), "sha256": files.sha256(folder / f"{s}.npz")} for s in SPLITS}
        described = {key: asdict(getattr(dataset, key)) for key in ("event", "condition")}
        truth = asdict(dataset.truth) if dataset.truth else None
        known = {"truth": truth, "factors": [asdict(factor) for factor in dataset.factors]}
        content = {"task": task, "dataset": name, **described, **known, "splits": splits}
        files.write_json(folder / "manifest.json", content)


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


def _read(known: Manifest, task: str, split: str) -> files.Arrays:
    arrays, path = manifest.read_split(task, split, known), paths.prepared(task) / f"{split}.npz"
    if len({len(array) for array in arrays.values()}) > 1:
        raise files.damaged(path, "its arrays are not of one length", manifest.command(task))
    if files.sha256(path) != known.splits[split].sha256:
        raise UserError(f"{path} is not what its manifest names (sha256); make it again with: {manifest.command(task)}")
    return arrays


def _batch(task: Task, arrays: files.Arrays) -> Batch:
    x, c = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["c"])
    labels = task.condition.kind in ("class", "segmentation")
    return (x.float() if task.event.levels is None else task.event.value(x)), (c.long() if labels else c.float())


def _task(known: Manifest) -> Task:
    event, condition, truth = known.event, known.condition, known.truth
    return Task(
        known.task,
        Event(tuple(event.shape), event.levels, event.scale),
        Condition(condition.kind, tuple(condition.shape), condition.size),
        Mixture(tuple(map(tuple, truth.means)), truth.sigma, tuple(truth.weights)) if truth else None,
        tuple(Factor(factor.name, tuple(factor.weights), factor.channel) for factor in known.factors),
    )
