"""A path of the user -> x and c as they are written there, of the task's shape, with nothing said of the values yet.

folder         what `coverseek sample` wrote (its samples.npz), or PNG files, with c.npy where the task has a condition
npz            x, and c where the task has a condition; also `repeated` and `repeated_c`, as `evaluate` writes them
npy            x
safetensors    x and c
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline import files
from pipeline.contract import Task
from pipeline.data import given
from pipeline.data.dataset import unconditional
from pipeline.data.foreign import arrays, pictures
from pipeline.data.foreign.arrays import Array, Declared
from pipeline.data.foreign.scale import BITS, Range
from pipeline.errors import UserError

PICKLES = (".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
SAMPLES, MANIFEST, CONDITIONS = "samples.npz", "manifest.json", "c.npy"
REPEATED = ("repeated", "repeated_c")
SMALL = 2**20
"""Bytes that a manifest may have."""


@dataclass(frozen=True)
class Raw:
    """x (N, *event) as written, c (N, *condition)."""

    x: Array
    c: Tensor
    offered: int
    """How many there were: of a task without condition no more than are wanted are read."""
    sha256: str
    """Of the file; of PNG files, of the list of their own."""
    span: Range | None
    """Where the container itself says it."""
    order: str = ""
    """Of PNG files, how they were ordered where that is not the order of the letters."""


def read(task: Task, path: Path, count: int) -> Raw:
    """The first `count` samples; of a task with a condition, all that there are.

    Raises:
        UserError: they cannot be read safely, are of another shape, or do not say their conditions.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        return _coverseek(task, path, count) if (path / SAMPLES).exists() else _pictures(task, path, count)
    if suffix in arrays.SUFFIXES:
        return _arrays(task, path, count)
    if suffix in PICKLES:
        raise UserError(f"{path} is a pickle, and opening one runs what it holds: save .safetensors, .npz or .npy")
    if suffix in pictures.JPEG:
        raise UserError(f"{path}: {pictures.LOSSY}")
    what = "is not read" if path.exists() else "is missing"
    raise UserError(f"{path} {what}: give a folder of PNG files, {', '.join(arrays.SUFFIXES)}, or a .csv of metrics")


def _coverseek(task: Task, folder: Path, count: int) -> Raw:
    """What `coverseek sample` wrote: its manifest says that the values are levels."""
    for path in (folder / SAMPLES, folder / MANIFEST):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{path} is a link that leaves the folder: put the file itself there")
    manifest = folder / MANIFEST
    if not manifest.exists():
        return _arrays(task, folder / SAMPLES, count)
    drawn = _drawn(manifest, f"coverseek sample --task {task.name}")
    if drawn != task.name:
        raise UserError(f"{folder} holds samples of task {drawn!r}, not of {task.name}: score them with that --task")
    span = None if task.event.levels is None else Range(0, task.event.levels - 1)
    return _arrays(task, folder / SAMPLES, count, span)


def _arrays(task: Task, path: Path, count: int, span: Range | None = None) -> Raw:
    conditional = task.condition.kind != "none"
    with arrays.opened(path) as found:
        if "x" not in found:
            raise UserError(f"{path} holds {', '.join(found) or 'nothing'}: name the samples' array x")
        shape = found["x"].shape
        _fits(task, shape[1:] if shape else None, found["x"].what)
        x = found["x"].rows(None if conditional else count)
        if not conditional:
            return Raw(x, _none(len(x)), shape[0], files.sha256(path), span)
        if "c" not in found:
            raise _unsaid(task, f"{path} has no array c")
        c = given.checked(task, found["c"].rows(), f"{path}: c")
        _paired(len(x), len(c), path)
        if found.keys() >= set(REPEATED):
            again, asked = _repeated(task, found, path)
            x, c = np.concatenate([x, again]), torch.cat([c, asked])
    return Raw(x, c, shape[0], files.sha256(path), span)


def _repeated(task: Task, found: Mapping[str, Declared], path: Path) -> tuple[Array, Tensor]:
    """Several samples (K, R, *event) under each condition -> (K R, *event), (K R, *condition)."""
    x, held = (found[name].rows() for name in REPEATED)
    _fits(task, x.shape[2:], f"{path}: repeated")
    c = given.checked(task, held, f"{path}: repeated_c")
    _paired(len(x), len(c), path)
    return x.reshape(-1, *task.event.shape), c.repeat_interleave(x.shape[1], dim=0)


def _drawn(manifest: Path, mend: str) -> object:
    """The task that a manifest names."""
    if manifest.stat().st_size <= SMALL:
        return files.read_json(manifest, mend, "task")["task"]
    raise UserError(f"{manifest} is none that is written here; make it again with: {mend}")


def _pictures(task: Task, folder: Path, count: int) -> Raw:
    conditional = task.condition.kind != "none"
    found = pictures.names(folder, beside=(CONDITIONS, MANIFEST) if conditional else (MANIFEST,))
    used = found if conditional else found[:count]
    x = pictures.read(used, task.event)
    if not conditional:
        return Raw(x, _none(len(x)), len(found), _hash(used), BITS, pictures.order(found))
    if not (folder / CONDITIONS).exists():
        raise _unsaid(task, f"{folder} has no {CONDITIONS}")
    with arrays.opened(folder / CONDITIONS) as held:
        c = given.checked(task, held["x"].rows(), str(folder / CONDITIONS))
    _paired(len(x), len(c), folder)
    return Raw(x, c, len(found), _hash([*used, folder / CONDITIONS]), BITS, pictures.order(found))


def _fits(task: Task, shape: tuple[int, ...] | None, what: str) -> None:
    if shape != task.event.shape:
        takes = " x ".join(map(str, ("N", *task.event.shape)))
        names = "" if task.event.levels is None else " (samples x channels x height x width)"
        held = "a number" if shape is None else " x ".join(map(str, ("N", *shape)))
        raise UserError(f"{what} is {held}: samples of task {task.name} are {takes}{names}")


def _paired(samples: int, conditions: int, path: Path) -> None:
    if samples != conditions:
        raise UserError(f"{path} holds {samples:,} samples and {conditions:,} conditions: give each sample its own")


def _unsaid(task: Task, what: str) -> UserError:
    c = " x ".join(map(str, ("N", *task.condition.shape)))
    return UserError(
        f"{what}: samples of task {task.name} come with the {task.condition.kind} that each was made under, {c}, as c "
        f"of an .npz or .safetensors, or as {CONDITIONS} beside PNG files"
    )


def _none(count: int) -> Tensor:
    return torch.from_numpy(unconditional(count))


def _hash(paths: Sequence[Path]) -> str:
    lines = "".join(f"{files.sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256(lines.encode()).hexdigest()
