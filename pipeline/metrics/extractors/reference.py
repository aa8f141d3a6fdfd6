"""The features of a task's real data on disk, with the extractor that made them and the judges. Never a pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Task
from pipeline.errors import UserError
from pipeline.metrics.evaluation.placement import CPU
from pipeline.metrics.extractors import lookup
from pipeline.metrics.extractors.description import Description
from pipeline.metrics.extractors.lookup import Extractor
from pipeline.metrics.extractors.network import weights
from pipeline.metrics.judges import fitting
from pipeline.metrics.judges.judge import Fitted, Judge

DESCRIPTION, WEIGHTS, FEATURES = "extractor.json", "extractor.safetensors", "reference.npz"
SECOND_WEIGHTS, SECOND_FEATURES = "second.safetensors", "second.npz"
JUDGE = "judge-{kind}.safetensors"
SPLITS = ("train", "validation", "test")


class Described(NamedTuple):
    """An extractor and its features of the real data."""

    extractor: Extractor
    features: dict[str, Tensor]
    """(N, D) float32 of each split."""


class Reference(NamedTuple):
    """What samples of a task are measured with."""

    extractor: Extractor
    features: dict[str, Tensor]
    """(N, D) float32 of each split."""
    judges: dict[str, Judge]
    """By kind."""


def write(
    task: Task,
    extractor: Extractor,
    splits: Mapping[str, Tensor],
    accuracy: Mapping[str, float] | None = None,
    judges: Mapping[str, Fitted] | None = None,
    second: Extractor | None = None,
) -> None:
    """Write features, extractors and judges, whole or not at all.

    Args:
        task: whose they are.
        extractor: of the features that every metric is computed on.
        splits: x (N, *event) by name.
        accuracy: by split, of an extractor that reads labels.
        judges: by kind.
        second: the task's second extractor.
    """
    with files.atomic_dir(paths.features(task.name)) as folder:
        description = _write(folder, extractor, splits, WEIGHTS, FEATURES)
        if accuracy:
            description["accuracy"] = accuracy
        for kind, fitted in (judges or {}).items():
            (folder / JUDGE.format(kind=kind)).write_bytes(weights(fitted))
        if judges:
            described = {k: {"id": j.id, "architecture": j.architecture, "test": j.test} for k, j in judges.items()}
            description["judges"] = described
        if second:
            description["second"] = _write(folder, second, splits, SECOND_WEIGHTS, SECOND_FEATURES)
        files.write_json(folder / DESCRIPTION, description)


def _write(
    folder: Path, extractor: Extractor, splits: Mapping[str, Tensor], weights_file: str, features_file: str
) -> dict[str, Any]:
    """Write the weights and the features of one extractor; returns its description."""
    if extractor.stored and extractor.state_dict():
        (folder / weights_file).write_bytes(weights(extractor))
    files.write_npz(folder / features_file, {name: extractor.extract(x).numpy() for name, x in splits.items()})
    return {
        "name": extractor.name,
        "id": extractor.id,
        "features": extractor.size,
        "stored": extractor.stored,
        "architecture": extractor.architecture,
        "reference": {"sha256": files.sha256(folder / features_file)},
    }


def load(task: Task, device: torch.device = CPU) -> Reference:
    """What `write` wrote, and of the judges also the one that needs no fitting; both on `device`, features on the CPU.

    Raises:
        UserError: a file is missing or damaged, or weights are not those that the description names.
    """
    folder, remedy = paths.features(task.name), _remedy(task)
    description = files.read_json(folder / DESCRIPTION, remedy, schema=Description)
    extractor, features = _read(folder, description, WEIGHTS, FEATURES, remedy)
    judges: dict[str, Judge] = fitting.arithmetic(task)
    for kind in fitting.needed(task):
        described = description.get("judges", {}).get(kind)
        if described is None:
            raise UserError(f"{folder / DESCRIPTION} has no judge of {kind}; make it again with: {remedy}")
        judges[kind] = _restored(folder / JUDGE.format(kind=kind), partial(fitting.restore, kind), described, remedy)
    return Reference(extractor.to(device), features, {kind: judge.to(device) for kind, judge in judges.items()})


def load_second(task: Task, device: torch.device = CPU) -> Described | None:
    """The task's second extractor on `device`, and its features on the CPU; None where the task has one alone.

    Raises:
        UserError: as `load`.
    """
    folder, remedy = paths.features(task.name), _remedy(task)
    description = files.read_json(folder / DESCRIPTION, remedy, schema=Description).get("second")
    if not description:
        return None
    extractor, features = _read(folder, description, SECOND_WEIGHTS, SECOND_FEATURES, remedy)
    return Described(extractor.to(device), features)


def _remedy(task: Task) -> str:
    return f"coverseek features --task {task.name}"


def _read(
    folder: Path, description: Mapping[str, Any], weights_file: str, features_file: str, remedy: str
) -> Described:
    spec = files.ArraySpec("f", (None, description.get("features")))
    arrays = files.read_npz(folder / features_file, remedy, dict.fromkeys(SPLITS, spec))
    extractor = _restored(folder / weights_file, lookup.restore, description, remedy)
    return Described(extractor, {name: torch.from_numpy(array) for name, array in arrays.items()})


Words = Mapping[str, Any]
UNFIT = (
    SafetensorError, ArithmeticError, AssertionError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What is raised where a description or its weights make no network."""
Restored = TypeVar("Restored", Extractor, Fitted)


def _restored(
    path: Path, restore: Callable[[Words, Mapping[str, Tensor]], Restored], described: Words, remedy: str
) -> Restored:
    """The network whose weights lie at `path`, if they are those that `described` names."""
    try:
        network = restore(described, load_file(path) if path.exists() else {})
    except UNFIT:
        raise UserError(f"{path} is damaged, or not what its description names; make it again with: {remedy}") from None
    if network.id != described["id"]:
        raise UserError(f"{path} is not {described['id']}; make it again with: {remedy}")
    return network
