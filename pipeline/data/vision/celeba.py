"""CelebA: 202,599 aligned faces of celebrities, 178x218, RGB, 40 yes-or-no attributes (Liu et al. 2015,
arXiv:1411.7766).

    img_align_celeba/         000001.jpg, ...
    list_eval_partition.txt   "000001.jpg 0": 0 train, 1 validation, 2 test
    list_attr_celeba.txt      the count, the attributes' names, then "000001.jpg -1 1 ...", one for each

The usual view is `crop: 140, side: 64` or less. Only the images that are drawn are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.data import pictures
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split
from pipeline.data.frame import Levels, View
from pipeline.data.vision import official, stored
from pipeline.errors import UserError, suggest
from pipeline.params import Count

FOLDER, IMAGES = "celeba", "img_align_celeba"
PARTITION, ATTRIBUTES = "list_eval_partition.txt", "list_attr_celeba.txt"
ADDRESS = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


def celeba(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class", "grayscale"] = "none",
    attribute: str | None = None,
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """Its own three splits, from `data_root`/celeba; with `attribute` the label is 1 where a face has it, else 0.

    Raises:
        UserError: a file is missing or damaged, the sizes are too large, there is no such attribute, or the condition
            is class and none is given.
    """
    folder, view = data_root / FOLDER, View(side, crop, levels)
    stored.present(folder, (IMAGES, PARTITION, ATTRIBUTES), f"unpack and put them there by hand, from {ADDRESS}")
    if condition == "class" and attribute is None:
        raise UserError("condition class of dataset celeba needs an attribute, such as attribute: Smiling")
    names, part = _partition(folder / PARTITION)
    label = _labels(folder / ATTRIBUTES, names, attribute) if attribute else None
    members = [np.flatnonzero(part == k) for k in range(len(SPLITS))]
    rows = official.parts("celeba", Sizes(*map(len, members)), sizes, seed)
    splits: dict[str, Split] = {}
    for split, those in zip(SPLITS, members, strict=True):
        drawn = those[rows[split]]
        x = _faces(folder / IMAGES, [names[k] for k in drawn], view)
        splits[split] = official.told(x, None if label is None else label[drawn], condition, levels)
    return official.described(splits, condition, levels, classes=2)


def _faces(folder: Path, names: list[str], view: View) -> NDArray[np.uint8]:
    faces = [pictures.read(folder, name, view, channels=3).x for name in names]
    for name, face in zip(names, faces, strict=True):
        if face.shape != faces[0].shape:
            raise stored.damaged(folder / name, "it is not of the size of the others")
    return view.quantise(np.stack(faces))


def _partition(path: Path) -> tuple[list[str], NDArray[Any]]:
    """The images' names (N), and the split of each (N,)."""
    rows = _table(path, 0, 2)
    if not {row[1] for row in rows} <= {"0", "1", "2"}:
        raise stored.damaged(path, "a split is none of 0, 1 and 2")
    return [row[0] for row in rows], np.array([int(row[1]) for row in rows])


def _labels(path: Path, names: list[str], attribute: str) -> NDArray[np.int64]:
    """(N,): 1 where the attribute is 1, 0 where it is -1."""
    known = (_lines(path)[1:2] or [""])[0].split()
    if attribute not in known:
        raise UserError(f"attribute: unknown {attribute!r}; {suggest(attribute, known)}")
    said = {row[0]: row[1 + known.index(attribute)] for row in _table(path, 2, 1 + len(known))}
    strange = [name for name in names if said.get(name) not in ("1", "-1")]
    if strange:
        raise stored.damaged(path, f"it does not say whether {strange[0]} has {attribute}")
    return np.array([said[name] == "1" for name in names], np.int64)


def _table(path: Path, head: int, columns: int) -> list[list[str]]:
    rows = [line.split() for line in _lines(path)[head:]]
    if not rows or any(len(row) != columns for row in rows):
        raise stored.damaged(path, f"its rows are not of {columns} columns")
    return rows


def _lines(path: Path) -> list[str]:
    return stored.content(path).decode("utf-8", "replace").splitlines()
