"""A user's own images: data_root/<class>/<image>.png, split at random.

What each condition is made from:

    class           the names of the class folders, sorted
    grayscale       the luma of the image
    segmentation    `masks` (label maps) or `annotations` (COCO polygons)
    box             the largest instance of either
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, ConditionKind, Event
from pipeline.data.coco import Coco
from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.frame import Levels, View
from pipeline.data.masks import Masks
from pipeline.data.pictures import Picture, names, read
from pipeline.errors import UserError
from pipeline.params import Count


class Truth(Protocol):
    """Who knows what is where in a picture."""

    def segmentation(self, picture: Picture) -> NDArray[np.int64]: ...

    def box(self, picture: Picture) -> NDArray[np.float32]: ...


def folder(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: ConditionKind = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
    channels: Literal[1, 3] = 3,
    masks: Path | None = None,
    annotations: Path | None = None,
) -> Dataset:
    """Three disjoint random splits; under every condition an image's label is the class folder that it lies in.

    Without `side` and `crop` all images must have one size.

    Raises:
        UserError: there are no images, or too few; a file is damaged, too large or of another size; what the
            condition is made from is missing.
    """
    found = names(data_root)
    truth = _truth(condition, data_root, masks, annotations)
    if condition == "grayscale" and channels == 1:
        raise UserError("condition grayscale of dataset folder needs channels: 3; a gray image is its own luma")
    classes = _classes(data_root, found, needed=condition == "class")
    view = View(side, crop, levels)
    pictures = _pictures(data_root, _drawn(data_root, found, sizes, seed), view, channels)
    x = view.quantise(np.stack([picture.x for picture in pictures]))  # (N, C, H, W)
    label = np.searchsorted(classes, [_class(p.name) for p in pictures]) if classes else None  # (N,)
    c = _told(condition, pictures, x, levels, label, truth)
    described = Condition(condition, c.shape[1:], _size(condition, c, len(classes)))
    return Dataset(Event(x.shape[1:], levels=levels), _splits(sizes, x, c, label), described)


def _drawn(data_root: Path, found: list[str], sizes: Sizes, seed: int) -> list[str]:
    if sum(sizes) > len(found):
        raise UserError(f"{data_root} has {len(found)} images; train + validation + test = {sum(sizes)} is too many")
    return [found[k] for k in np.random.default_rng(seed).permutation(len(found))[: sum(sizes)]]


def _pictures(data_root: Path, drawn: list[str], view: View, channels: int) -> list[Picture]:
    pictures = [read(data_root, name, view, channels) for name in drawn]
    first = pictures[0]
    for other in pictures:
        if other.x.shape != first.x.shape:
            sizes = " and ".join(f"{p.name} is {p.size[0]}x{p.size[1]}" for p in (first, other))
            raise UserError(f"{data_root} has images of several sizes ({sizes}); give `side` to bring them to one")
    return pictures


def _classes(data_root: Path, found: list[str], needed: bool) -> list[str]:
    """The class folders, sorted; none where an image lies beside them."""
    loose = [name for name in found if "/" not in name]
    if loose and needed:
        raise UserError(f"{data_root / loose[0]} is in no class folder: condition class needs <class>/<image>")
    return [] if loose else sorted({_class(name) for name in found})


def _class(name: str) -> str:
    return name.partition("/")[0]


def _truth(kind: ConditionKind, data_root: Path, masks: Path | None, annotations: Path | None) -> Truth | None:
    if masks is not None and masks.resolve().is_relative_to(data_root.resolve()):
        raise UserError(f"masks: {masks} is inside data_root {data_root}, where every file is an image; move it out")
    if kind not in ("segmentation", "box"):
        return None
    if masks is not None and annotations is None:
        return Masks(masks)
    if annotations is not None and masks is None:
        return Coco(annotations)
    raise UserError(f"condition {kind} of dataset folder needs masks (a folder) or annotations (a COCO json): one")


def _told(
    kind: ConditionKind,
    pictures: list[Picture],
    x: NDArray[np.uint8],
    levels: int,
    label: NDArray[np.int64] | None,
    truth: Truth | None,
) -> NDArray[Any]:
    """What the condition says of each picture: (N, *condition)."""
    if truth is not None:
        return np.stack([truth.box(p) if kind == "box" else truth.segmentation(p) for p in pictures])
    if kind == "class" and label is not None:
        return label
    return luma(x, levels) if kind == "grayscale" else unconditional(len(x))


def _size(kind: ConditionKind, c: NDArray[Any], classes: int) -> int:
    if kind == "segmentation":
        return int(c.max()) + 1
    return classes if kind == "class" else 0


def _splits(sizes: Sizes, x: NDArray[np.uint8], c: NDArray[Any], label: NDArray[np.int64] | None) -> dict[str, Split]:
    parts = np.split(np.arange(len(x)), np.cumsum(sizes)[:-1])
    return {
        name: Split(x[part], c[part], None if label is None else label[part])
        for name, part in zip(SPLITS, parts, strict=True)
    }
