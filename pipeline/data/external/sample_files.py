"""Samples of another implementation -> x and c as the task has them, so that they are measured as a model's own.

folder         what `coverseek sample` wrote (its samples.npz), or PNG files, or WAV files of sound, with c.npy where
               the task has a condition
npz            x, and c where the task has a condition; also `repeated` and `repeated_c`, as `evaluate` writes them
npy            x; of sequences of one channel (N, T) as well as (N, 1, T)
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
from pipeline.data import array_files, conditions, mu_law
from pipeline.data.array_files import Array, load_arrays
from pipeline.data.dataset import unconditional
from pipeline.data.external import png_folder, value_range
from pipeline.data.external.value_range import BYTES, Range
from pipeline.data.wav_files import list_wavs, read_wav
from pipeline.errors import UserError

PICKLES = (".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
SAMPLES, MANIFEST, CONDITIONS = "samples.npz", "manifest.json", "c.npy"
REPEATED = ("repeated", "repeated_c")
LARGEST_MANIFEST = 2**20
"""Bytes."""


@dataclass(frozen=True)
class Samples:
    """x as the task has it, float32 (N, *event), images on the grid of levels, and c (N, *condition)."""

    x: Tensor
    c: Tensor
    offered: int
    """How many the file holds."""
    rounded: float
    """Share of the values that were moved to a level."""
    sha256: str
    """Of the file; of PNG files, of the list of their hashes."""
    order: str = ""
    """Of PNG files, how they were ordered if not alphabetically."""


@dataclass(frozen=True)
class _Stored:
    """Samples as they are written; `span` is the range of the values where the container defines it."""

    x: Array
    c: Tensor
    offered: int
    sha256: str
    span: Range | None = None
    order: str = ""


def read(task: Task, path: Path, *, count: int, span: Range | None, nearest: bool) -> Samples:
    """Read at least `count` samples of `task`; of a task with a condition, all that there are.

    Args:
        task: whose samples they are.
        path: a folder or a file, as above.
        count: how many are needed.
        span: what the lowest and the highest level of an image are written as; None: as the file defines it.
        nearest: round values that lie between two levels.

    Raises:
        UserError: they cannot be read safely, are too few, or are no samples of the task.
    """
    found = _read(task, path, count)
    if found.offered < count:
        raise UserError(f"{path} holds {found.offered:,} samples: task {task.name} is measured on {count:,}")
    if task.event.levels is None:
        return Samples(_real_values(found.x, span, path), found.c, found.offered, 0.0, found.sha256)
    fitted = value_range.to_levels(found.x, task.event, span or found.span, nearest=nearest, what=str(path))
    x = task.event.value(torch.from_numpy(fitted.x))
    return Samples(x, found.c, found.offered, fitted.rounded, found.sha256, found.order)


def _real_values(x: Array, span: Range | None, path: Path) -> Tensor:
    """Points (N, D), or sequences (N, C, T), float32."""
    if span is not None:
        raise UserError("--range is for images and other levels: real values are taken as they are, leave it out")
    if x.dtype.kind != "f":
        raise UserError(f"{path} holds {x.dtype}: save {'points' if x.ndim == 2 else 'sequences'} as float32")
    with np.errstate(over="ignore"):
        points = np.array(x, np.float32)
    bad = np.flatnonzero(~np.isfinite(points).reshape(len(points), -1).all(axis=1))
    if len(bad):
        raise UserError(f"{path}: sample {bad[0]} is not finite: {x[bad[0]].tolist()}; correct the sampler")
    return torch.from_numpy(points)


def _read(task: Task, path: Path, count: int) -> _Stored:
    suffix = path.suffix.lower()
    if path.is_dir():
        if (path / SAMPLES).exists():
            return _read_sample_folder(task, path, count)
        return _read_wavs(task, path, count) if task.event.kind == "sequences" else _read_pngs(task, path, count)
    if suffix in array_files.SUFFIXES:
        return _read_arrays(task, path, count)
    if suffix in PICKLES:
        raise UserError(f"{path} is a pickle, and opening one runs what it holds: save .safetensors, .npz or .npy")
    if suffix in png_folder.JPEG:
        raise UserError(f"{path}: {png_folder.LOSSY}")
    what = "is not read" if path.exists() else "is missing"
    allowed = ", ".join(array_files.SUFFIXES)
    raise UserError(f"{path} {what}: give a folder of PNG files, {allowed}, or a .csv of metrics")


def _read_sample_folder(task: Task, folder: Path, count: int) -> _Stored:
    """What `coverseek sample` wrote: its manifest states that the values are levels."""
    for path in (folder / SAMPLES, folder / MANIFEST):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{path} is a link that leaves the folder: put the file itself there")
    manifest, command = folder / MANIFEST, f"coverseek sample --task {task.name}"
    if not manifest.exists():
        return _read_arrays(task, folder / SAMPLES, count)
    if manifest.stat().st_size > LARGEST_MANIFEST:
        raise UserError(f"{manifest} is none that is written here; make it again with: {command}")
    name = files.read_json(manifest, command, "task")["task"]
    if name != task.name:
        raise UserError(f"{folder} holds samples of task {name!r}, not of {task.name}: score them with that --task")
    span = None if task.event.levels is None else Range(0, task.event.levels - 1)
    return _read_arrays(task, folder / SAMPLES, count, span)


def _read_arrays(task: Task, path: Path, count: int, span: Range | None = None) -> _Stored:
    found = load_arrays(path, ("x", "c", *REPEATED))
    x = found["x"]
    if task.event.kind == "sequences" and task.event.shape[0] == 1 and x.ndim == 2:
        x = x[:, None]
    _check_shape(task, x, 1, str(path))
    if task.condition.kind == "none":
        return _Stored(x[:count], torch.from_numpy(unconditional(len(x[:count]))), len(x), files.sha256(path), span)
    if "c" not in found:
        raise _no_conditions(task, f"{path} has no array c")
    c = _conditions(task, found["c"], x, f"{path}: c")
    offered = len(x)
    if found.keys() >= set(REPEATED):
        again, asked = _repeated(task, found, path)
        x, c = np.concatenate([x, again]), torch.cat([c, asked])
    return _Stored(x, c, offered, files.sha256(path), span)


def _repeated(task: Task, found: Mapping[str, Array], path: Path) -> tuple[Array, Tensor]:
    """Several samples (K, R, *event) under each condition -> (K R, *event), (K R, *condition)."""
    x, held = (found[name] for name in REPEATED)
    _check_shape(task, x, 2, f"{path}: repeated")
    c = _conditions(task, held, x, f"{path}: repeated_c")
    return x.reshape(-1, *task.event.shape), c.repeat_interleave(x.shape[1], dim=0)


def _read_pngs(task: Task, folder: Path, count: int) -> _Stored:
    conditional = task.condition.kind != "none"
    found = png_folder.list_pngs(folder, other=(CONDITIONS, MANIFEST) if conditional else (MANIFEST,))
    used, order = (found if conditional else found[:count]), png_folder.describe_order(found)
    x = png_folder.read_pngs(used, task.event)
    if not conditional:
        return _Stored(x, torch.from_numpy(unconditional(len(x))), len(found), _hash(used), BYTES, order)
    path = folder / CONDITIONS
    if not path.exists():
        raise _no_conditions(task, f"{folder} has no {CONDITIONS}")
    c = _conditions(task, load_arrays(path, "c")["c"], x, str(path))
    return _Stored(x, c, len(found), _hash([*used, path]), BYTES, order)


def _read_wavs(task: Task, folder: Path, count: int) -> _Stored:
    event, conditional = task.event, task.condition.kind != "none"
    if event.rate is None or event.levels is None or event.shape[0] != 1:
        raise UserError(f"{folder} is a folder, and task {task.name} is not of sound: give an .npz or .npy of (N, T)")
    names = list_wavs(folder)
    used = [folder / name for name in (names if conditional else names[:count])]
    x = np.stack([_read_window(path, event.shape[-1], event.rate, event.levels) for path in used])[:, None]
    span = Range(0, event.levels - 1)
    if not conditional:
        return _Stored(x, torch.from_numpy(unconditional(len(x))), len(names), _hash(used), span)
    path = folder / CONDITIONS
    if not path.exists():
        raise _no_conditions(task, f"{folder} has no {CONDITIONS}")
    c = _conditions(task, load_arrays(path, "c")["c"], x, str(path))
    return _Stored(x, c, len(names), _hash([*used, path]), span)


def _read_window(path: Path, length: int, rate: int, levels: int) -> Array:
    """(T,) levels of a file that is one sample."""
    sound = read_wav(path)
    if (sound.rate, len(sound.values)) != (rate, length):
        raise UserError(
            f"{path} has {len(sound.values)} values at {sound.rate} in a second: the task takes {length} at {rate}, "
            "one file for each sample"
        )
    return mu_law.encode(sound.values, levels)


def _check_shape(task: Task, x: Array, axes: int, what: str) -> None:
    """x has `axes` axes before those of the event."""
    if x.ndim < axes or x.shape[axes:] != task.event.shape:
        takes = " x ".join(map(str, ("N", *task.event.shape)))
        axes_of = {"points": "", "images": " (samples x channels x height x width)"}
        names = axes_of.get(task.event.kind, " (samples x channels x steps)")
        shape = " x ".join(map(str, ("N", *x.shape[1:]))) if x.ndim else "a number"
        raise UserError(f"{what} is {shape}: samples of task {task.name} are {takes}{names}")


def _conditions(task: Task, c: Array, x: Array, what: str) -> Tensor:
    """c (N, *condition), one for each row of x."""
    if not c.ndim:
        raise UserError(f"{what} is a number: give an array with a row for each sample")
    checked = conditions.check(task, c, what)
    if len(checked) != len(x):
        raise UserError(f"{what} holds {len(checked):,} conditions for {len(x):,} samples: give each sample its own")
    return checked


def _no_conditions(task: Task, what: str) -> UserError:
    c = " x ".join(map(str, ("N", *task.condition.shape)))
    return UserError(
        f"{what}: samples of task {task.name} come with the {task.condition.kind} that each was made under, {c}, as c "
        f"of an .npz or .safetensors, or as {CONDITIONS} in the folder of PNG or WAV files"
    )


def _hash(paths: Sequence[Path]) -> str:
    lines = "".join(f"{files.sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256(lines.encode()).hexdigest()
