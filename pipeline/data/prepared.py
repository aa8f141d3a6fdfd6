"""Prepared data on disk: three npz files and a manifest that holds their shapes, their truth and their sha256."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Batch, Condition, Event, Factor, Mixture, Task
from pipeline.data.dataset import SPLITS, Dataset
from pipeline.errors import UserError

KEYS = ("task", "event", "condition", "truth", "factors", "splits")


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
    """Write `dataset` as the prepared data of `task`, whole or not at all."""
    with files.whole_folder(paths.prepared(task)) as folder:
        for split in SPLITS:
            files.write_npz(folder / f"{split}.npz", dataset.splits[split].arrays())
        splits = {s: {"count": len(dataset.splits[s].x), "sha256": files.sha256(folder / f"{s}.npz")} for s in SPLITS}
        described = {key: asdict(getattr(dataset, key)) for key in ("event", "condition")}
        truth = asdict(dataset.truth) if dataset.truth else None
        known = {"truth": truth, "factors": [asdict(factor) for factor in dataset.factors]}
        manifest = {"task": task, "dataset": name, **described, **known, "splits": splits}
        files.write_json(folder / "manifest.json", manifest)


def load(task: str) -> Prepared:
    """Read prepared data.

    Raises:
        UserError: a file is missing, or its bytes are not those that the manifest names.
    """
    mend = f"coverseek prepare --task {task}"
    manifest = files.read_json(paths.prepared(task) / "manifest.json", mend, *KEYS)
    described = _task(manifest)
    arrays = {split: _read(task, split, manifest["splits"][split]["sha256"], mend) for split in SPLITS}
    labels, factors, sources = (
        {split: torch.from_numpy(a[known]) for split, a in arrays.items() if known in a}
        for known in ("label", "factors", "sources")
    )
    train, validation, test = (_batch(described.event, arrays[split]) for split in SPLITS)
    intensity = torch.from_numpy(arrays["train"]["intensity"]) if "intensity" in arrays["train"] else None
    return Prepared(described, train, validation, test, labels, factors, intensity, sources)


def _read(task: str, split: str, expected: str, mend: str) -> files.Arrays:
    path = paths.prepared(task) / f"{split}.npz"
    arrays = files.read_npz(path, mend)
    if files.sha256(path) != expected:
        raise UserError(f"{path} is not what its manifest names (sha256); make it again with: {mend}")
    return arrays


def _batch(event: Event, arrays: files.Arrays) -> Batch:
    x = torch.from_numpy(arrays["x"])
    return (x if event.levels is None else event.value(x)), torch.from_numpy(arrays["c"])


def _task(manifest: dict[str, Any]) -> Task:
    event, condition, truth = (manifest[key] for key in ("event", "condition", "truth"))
    return Task(
        manifest["task"],
        Event(tuple(event["shape"]), event["levels"], event["scale"]),
        Condition(condition["kind"], tuple(condition["shape"]), condition["size"]),
        truth and Mixture(tuple(map(tuple, truth["means"])), truth["sigma"], tuple(truth["weights"])),
        tuple(
            Factor(factor["name"], tuple(factor["weights"]), factor.get("channel")) for factor in manifest["factors"]
        ),
    )
