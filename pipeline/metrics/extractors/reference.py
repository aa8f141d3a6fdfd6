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
JUDGE = "judge-{kind}.safetensors"
SPLITS = ("train", "validation", "test")


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
) -> None:
    """splits: x (N, *event) by name. Whole or not at all."""
    description: dict[str, Any] = {
        "name": extractor.name,
        "id": extractor.id,
        "features": extractor.size,
        "stored": extractor.stored,
        "architecture": extractor.architecture,
    }
    if accuracy:
        description["accuracy"] = accuracy
    if judges:
        described = {k: {"id": j.id, "architecture": j.architecture, "test": j.test} for k, j in judges.items()}
        description["judges"] = described
    with files.atomic_dir(paths.features(task.name)) as folder:
        if extractor.stored and extractor.state_dict():
            (folder / WEIGHTS).write_bytes(weights(extractor))
        for kind, fitted in (judges or {}).items():
            (folder / JUDGE.format(kind=kind)).write_bytes(weights(fitted))
        files.write_npz(folder / FEATURES, {name: extractor.extract(x).numpy() for name, x in splits.items()})
        description["reference"] = {"sha256": files.sha256(folder / FEATURES)}
        files.write_json(folder / DESCRIPTION, description)


def load(task: Task, device: torch.device = CPU) -> Reference:
    """What `write` wrote, and of the judges also the one that needs no fitting; both on `device`, features on the CPU.

    Raises:
        UserError: a file is missing or damaged, or weights are not those that the description names.
    """
    folder, remedy = paths.features(task.name), f"coverseek features --task {task.name}"
    description = files.read_json(folder / DESCRIPTION, remedy, schema=Description)
    spec = files.ArraySpec("f", (None, description.get("features")))
    arrays = files.read_npz(folder / FEATURES, remedy, dict.fromkeys(SPLITS, spec))
    extractor = _restored(folder / WEIGHTS, lookup.restore, description, remedy)
    judges: dict[str, Judge] = fitting.arithmetic(task)
    for kind in fitting.needed(task):
        described = description.get("judges", {}).get(kind)
        if described is None:
            raise UserError(f"{folder / DESCRIPTION} has no judge of {kind}; make it again with: {remedy}")
        judges[kind] = _restored(folder / JUDGE.format(kind=kind), partial(fitting.restore, kind), described, remedy)
    features = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return Reference(extractor.to(device), features, {kind: judge.to(device) for kind, judge in judges.items()})


Described = Mapping[str, Any]
UNFIT = (
    SafetensorError, ArithmeticError, AssertionError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What is raised where a description or its weights make no network."""
Restored = TypeVar("Restored", Extractor, Fitted)


def _restored(
    path: Path, restore: Callable[[Described, Mapping[str, Tensor]], Restored], described: Described, remedy: str
) -> Restored:
    """The network whose weights lie at `path`, if they are those that `described` names."""
    try:
        network = restore(described, load_file(path) if path.exists() else {})
    except UNFIT:
        raise UserError(f"{path} is damaged, or not what its description names; make it again with: {remedy}") from None
    if network.id != described["id"]:
        raise UserError(f"{path} is not {described['id']}; make it again with: {remedy}")
    return network
