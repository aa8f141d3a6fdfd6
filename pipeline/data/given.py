"""A condition that a user gives, as a word or in a file: it fits the task, or one line says what the task takes.

    class            a whole number                    .npy, .npz
    box              left,top,right,bottom             .npy, .npz
    segmentation     a label for each pixel            .png (grey or with a palette), .npy, .npz
    grayscale        a grey image, levels or [-1, 1]   .png (grey, or coloured: its luma counts), .npy, .npz

A file of numbers holds one condition, (*condition), or several, (N, *condition); an npz holds them alone or as `c`.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.contract import Task
from pipeline.data import pictures
from pipeline.data.conditions import luma
from pipeline.errors import UserError

Array = NDArray[Any]
KINDS = {"class": "iu", "box": "iuf", "segmentation": "iu", "grayscale": "f"}
"""Condition -> the kinds of number that say it: whole numbers are no grey values, whose range they hide."""
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, BadZipFile, zlib.error)
"""What numpy raises on a file that is damaged, encrypted or holds a pickle."""


def word(task: Task, text: str) -> Tensor:
    """(1, *condition).

    Raises:
        UserError: a word does not say what the task takes.
    """
    what = f"--condition {text!r}"
    match task.condition.kind:
        case "class" if re.fullmatch("[0-9]{1,18}", text):
            return checked(task, np.array(int(text)), what)
        case "box":
            return checked(task, np.array(_numbers(task, text), np.float64), what)
        case _:
            raise _refused(task, what)


def file(task: Task, path: Path) -> Tensor:
    """(N, *condition).

    Raises:
        UserError: the file is missing or damaged, or does not hold what the task takes.
    """
    kind, suffix = task.condition.kind, path.suffix.lower()
    if kind == "none":
        raise _refused(task, f"--condition-file {path}")
    if suffix == ".png" and kind in ("segmentation", "grayscale"):
        return checked(task, _labels(task, path) if kind == "segmentation" else _grey(task, path), str(path))
    if suffix in (".npy", ".npz"):
        return checked(task, _read(path), str(path))
    raise _refused(task, f"{path} is of a kind that is not read for a {kind}")


def checked(task: Task, c: Array, what: str) -> Tensor:
    """One condition (*condition), or many (N, *condition) -> (N, *condition).

    Raises:
        UserError: a condition is not of the task's kind, shape or range; `what` names them.
    """
    kind, shape = task.condition.kind, task.condition.shape
    if c.dtype.kind not in KINDS[kind]:
        raise _refused(task, f"{what} holds {c.dtype}")
    if c.shape == shape:
        c = c[None]
    if c.shape[1:] != shape or not len(c):
        raise _refused(task, f"{what} has the shape {_by(c.shape)}")
    wrong = np.flatnonzero(~_within(task, c))
    if len(wrong):
        raise _refused(task, what if len(c) == 1 else f"{what}: condition {wrong[0]} is out of range")
    whole = kind in ("class", "segmentation")
    tensor = torch.from_numpy(c.astype(np.int64 if whole else np.float32))
    return task.event.quantise(tensor) if kind == "grayscale" else tensor


def _within(task: Task, c: Array) -> NDArray[np.bool_]:
    """(N,): which of c (N, *condition) lie in the range; what is no number does not."""
    kind, flat = task.condition.kind, c.reshape(len(c), -1)
    low, high = {"box": (0, 1), "grayscale": (-1, 1)}.get(kind, (0, task.condition.size - 1))
    inside = np.all((flat >= low) & (flat <= high), axis=1)
    ordered = np.all(flat[:, :2] < flat[:, 2:], axis=1) if kind == "box" else True
    return np.asarray(inside & ordered)


def _numbers(task: Task, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise _refused(task, f"--condition {text!r}") from None


def _read(path: Path) -> Array:
    try:
        with path.open("rb") as opened:
            loaded = np.load(opened, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                arrays = {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except UNREADABLE:
        raise UserError(f"{path} cannot be read: it is damaged or holds a pickle") from None
    if "c" not in arrays and len(arrays) != 1:
        raise UserError(f"{path} holds {', '.join(arrays) or 'nothing'}: name the conditions' array c")
    return arrays.get("c", next(iter(arrays.values())))


def _labels(task: Task, path: Path) -> Array:
    """(H, W): grey levels, or places in the palette."""
    image = pictures.load(path)
    if image.mode not in ("L", "P"):
        raise _refused(task, f"{path} has the mode {image.mode}, neither grey (L) nor with a palette (P)")
    return np.asarray(image)


def _grey(task: Task, path: Path) -> Array:
    """(1, H, W) in [-1, 1]."""
    image = pictures.load(path)
    if image.mode not in ("L", "RGB"):
        raise _refused(task, f"{path} has the mode {image.mode}, neither grey (L) nor coloured (RGB) of 8 bits")
    levels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return luma(levels.transpose(2, 0, 1)[None])[0]


def _refused(task: Task, what: str) -> UserError:
    return UserError(f"{what}: task {task.name} takes {takes(task)}")


def takes(task: Task) -> str:
    """What a condition of the task is, in words."""
    last, shape = task.condition.size - 1, _by(task.condition.shape)
    return {
        "none": "no condition: leave it out",
        "class": f"a class, a whole number from 0 to {last}",
        "box": "a box, left,top,right,bottom from 0 to 1 with left < right and top < bottom",
        "segmentation": f"--condition-file with labels, whole numbers from 0 to {last}, {shape} (.png, .npy, .npz)",
        "grayscale": f"--condition-file with a grey image, {shape} (.png; or .npy, .npz of real numbers from -1 to 1)",
    }[task.condition.kind]


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of one number"
