"""Conditions: computed from an image, given on the command line, or read from a file.

    luma = 0.299 R + 0.587 G + 0.114 B     of the levels, rounded to a level (contract.LUMA)
    box  = (left, top, right, bottom)      the tightest box around a mask, as fractions of the image's sides

What `parse` and `load` accept:

    class            a whole number                    .npy, .npz, .safetensors
    box              left,top,right,bottom             .npy, .npz, .safetensors
    segmentation     a label for each pixel            the same, or .png (grey or with a palette)
    grayscale        a grey image, levels or [-1, 1]   the same, or .png (grey, or RGB: its luma)

A file of numbers holds one condition, (*condition), or several, (N, *condition); alone or as the array `c`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.contract import LUMA, Condition, ConditionKind, Task
from pipeline.data import array_files, image_files
from pipeline.data.array_files import Array
from pipeline.data.dataset import allocate
from pipeline.errors import UserError

BLOCK = 1024
"""Images whose luma is computed at a time."""
DTYPES = {"class": "iu", "box": "iuf", "segmentation": "iu", "grayscale": "f"}
"""Condition -> the kinds of dtype allowed: whole numbers are no grey values, because their range is unknown."""


def describe(kind: ConditionKind, side: tuple[int, int], size: int = 0) -> Condition:
    """The condition of this kind for images of `side` (height, width); `size`: classes or labels, 0 if it has none."""
    shapes = {"none": (0,), "class": (), "box": (4,), "segmentation": side, "grayscale": (1, *side)}
    return Condition(kind, shapes[kind], size)


def luma(x: NDArray[np.uint8], levels: int = 256) -> NDArray[np.float32]:
    """Colour images as levels (N, 3, H, W) -> their luma (N, 1, H, W) on the grid of [-1, 1]."""
    found = allocate((len(x), 1, *x.shape[2:]), np.float32)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        level = (np.einsum("nchw,c->nhw", x[rows], np.array(LUMA, np.uint32)) + 500) // 1000  # (n, H, W)
        found[rows] = level[:, None].astype(np.float32) * (2 / (levels - 1)) - 1
    return found


def boxes(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Masks (N, H, W) -> (left, top, right, bottom) (N, 4) in [0, 1]: the edges of the pixels that they touch.

    Raises:
        UserError: a mask is empty; the message gives its index.
    """
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if empty.size:
        raise UserError(f"mask {empty[0]} is empty: a box needs at least one pixel")
    (left, right), (top, bottom) = (_extent(np.asarray(masks.any(axis=axis))) for axis in (1, 2))
    return np.stack((left, top, right, bottom), axis=1)


def _extent(touched: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Touched positions along a side (N, S) -> the first and the end of the last, as fractions of the side."""
    side = touched.shape[1]
    first, last = touched.argmax(axis=1), side - touched[:, ::-1].argmax(axis=1)
    return (first / side).astype(np.float32), (last / side).astype(np.float32)


def parse(task: Task, text: str) -> Tensor:
    """A condition from the command line: (1, *condition).

    Raises:
        UserError: it is not of the task's kind or range, or cannot be given as text.
    """
    what = f"--condition {text!r}"
    match task.condition.kind:
        case "class" if re.fullmatch("[0-9]{1,18}", text):
            return check(task, np.array(int(text)), what)
        case "box":
            try:
                return check(task, np.array([float(part) for part in text.split(",")]), what)
            except ValueError:
                raise _refusal(task, what) from None
        case _:
            raise _refusal(task, what)


def load(task: Task, path: Path) -> Tensor:
    """Conditions from a file: (N, *condition).

    Raises:
        UserError: the file is missing or damaged, or does not hold what the task takes.
    """
    kind, suffix = task.condition.kind, path.suffix.lower()
    if kind == "none":
        raise _refusal(task, f"--condition-file {path}")
    if suffix == ".png" and kind in ("segmentation", "grayscale"):
        return check(task, _load_labels(task, path) if kind == "segmentation" else _load_luma(task, path), str(path))
    if suffix in array_files.SUFFIXES:
        return check(task, array_files.load_arrays(path, "c")["c"], str(path))
    raise _refusal(task, f"{path} is of a kind that is not read for a {kind}")


def check(task: Task, c: Array, what: str) -> Tensor:
    """One condition (*condition), or several (N, *condition) -> (N, *condition).

    Raises:
        UserError: a condition is not of the task's kind, shape or range; `what` names them.
    """
    kind, shape = task.condition.kind, task.condition.shape
    if c.dtype.kind not in DTYPES[kind]:
        raise _refusal(task, f"{what} holds {c.dtype}")
    if c.shape == shape:
        c = c[None]
    if c.shape[1:] != shape or not len(c):
        raise _refusal(task, f"{what} has the shape {_by(c.shape)}")
    wrong = np.flatnonzero(~_in_range(task, c))
    if len(wrong):
        raise _refusal(task, what if len(c) == 1 else f"{what}: condition {wrong[0]} is out of range")
    whole = kind in ("class", "segmentation")
    tensor = torch.from_numpy(c.astype(np.int64 if whole else np.float32))
    return task.event.quantise(tensor) if kind == "grayscale" else tensor


def _in_range(task: Task, c: Array) -> NDArray[np.bool_]:
    """(N,): which of c (N, *condition) lie in the range; NaN does not."""
    kind, flat = task.condition.kind, c.reshape(len(c), -1)
    low, high = {"box": (0, 1), "grayscale": (-1, 1)}.get(kind, (0, task.condition.size - 1))
    inside = np.all((flat >= low) & (flat <= high), axis=1)
    ordered = np.all(flat[:, :2] < flat[:, 2:], axis=1) if kind == "box" else True
    return np.asarray(inside & ordered)


def _load_labels(task: Task, path: Path) -> Array:
    """(H, W): grey levels, or indices into the palette."""
    image = image_files.load_image(path)
    if image.mode not in ("L", "P"):
        raise _refusal(task, f"{path} has the mode {image.mode}, neither grey (L) nor with a palette (P)")
    return np.asarray(image)


def _load_luma(task: Task, path: Path) -> Array:
    """(1, H, W) in [-1, 1]."""
    image = image_files.load_image(path)
    if image.mode not in ("L", "RGB"):
        raise _refusal(task, f"{path} has the mode {image.mode}, neither grey (L) nor coloured (RGB) of 8 bits")
    return luma(np.asarray(image.convert("RGB")).transpose(2, 0, 1)[None])[0]


def _refusal(task: Task, what: str) -> UserError:
    last, shape = task.condition.size - 1, _by(task.condition.shape)
    takes = {
        "none": "no condition: leave it out",
        "class": f"a class, a whole number from 0 to {last}",
        "box": "a box, left,top,right,bottom from 0 to 1 with left < right and top < bottom",
        "segmentation": f"--condition-file with labels, whole numbers from 0 to {last}, {shape} (.png, .npy, .npz)",
        "grayscale": f"--condition-file with a grey image, {shape} (.png; or .npy, .npz of real numbers from -1 to 1)",
    }[task.condition.kind]
    return UserError(f"{what}: task {task.name} takes {takes}")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of one number"
