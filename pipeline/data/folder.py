"""A user's own images: data_root/<class>/<image>.png, split at random.

What each condition is made from:

    class           the names of the class folders, sorted
    grayscale       the luma of the image
    segmentation    `masks` (label maps) or `annotations` (COCO polygons)
    box             the largest instance of either
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, ConditionKind, Event
from pipeline.data.annotations import Annotations, Coco, Masks
from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, stacked, unconditional
from pipeline.data.image_files import SourceImage, list_images, read_image, read_images
from pipeline.data.image_transform import ImageTransform, Levels
from pipeline.errors import UserError
from pipeline.params import Count


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
    names = list_images(data_root)
    source = _annotations(condition, data_root, masks, annotations)
    if condition == "grayscale" and channels == 1:
        raise UserError("condition grayscale of dataset folder needs channels: 3; a gray image is its own luma")
    classes = _classes(data_root, names, needed=condition == "class")
    if sum(sizes) > len(names):
        raise UserError(f"{data_root} has {len(names)} images; train + validation + test = {sum(sizes)} is too many")
    rows = np.random.default_rng(seed).permutation(len(names))[: sum(sizes)]
    transform = ImageTransform(side, crop, levels)
    x, images = _read_images(data_root, [names[row] for row in rows], transform, channels)
    label = np.searchsorted(classes, [_class(p.name) for p in images]) if classes else None  # (N,)
    c = _conditions(condition, images, x, levels, label, source)
    size = {"segmentation": int(c.max(initial=0)) + 1, "class": len(classes)}.get(condition, 0)
    ends = np.cumsum(sizes).tolist()
    parts = (slice(end - size, end) for size, end in zip(sizes, ends, strict=True))
    splits = {
        name: Split(x[part], c[part], None if label is None else label[part])
        for name, part in zip(SPLITS, parts, strict=True)
    }
    return Dataset(Event(x.shape[1:], levels=levels), splits, Condition(condition, c.shape[1:], size))


def _read_images(
    data_root: Path, names: list[str], transform: ImageTransform, channels: int
) -> tuple[NDArray[np.uint8], list[SourceImage]]:
    """The levels (N, C, H, W), and what is known of each image, without its pixels."""
    images: list[SourceImage] = []
    first = read_image(data_root, names[0], transform, channels)

    def pixels(image: SourceImage) -> NDArray[np.uint8]:
        if image.x.shape != first.x.shape:
            sizes = " and ".join(f"{p.name} is {p.size[0]}x{p.size[1]}" for p in (first, image))
            raise UserError(f"{data_root} has images of several sizes ({sizes}); give `side` to bring them to one")
        images.append(image._replace(x=image.x[:0].copy()))
        return transform.quantise(image.x)

    return stacked(map(pixels, read_images(data_root, names, transform, channels)), len(names)), images


def _classes(data_root: Path, names: list[str], needed: bool) -> list[str]:
    """The class folders, sorted; none where an image lies in no folder."""
    loose = [name for name in names if "/" not in name]
    if loose and needed:
        raise UserError(f"{data_root / loose[0]} is in no class folder: condition class needs <class>/<image>")
    return [] if loose else sorted({_class(name) for name in names})


def _class(name: str) -> str:
    return name.partition("/")[0]


def _annotations(
    kind: ConditionKind, data_root: Path, masks: Path | None, annotations: Path | None
) -> Annotations | None:
    if masks is not None and masks.resolve().is_relative_to(data_root.resolve()):
        raise UserError(f"masks: {masks} is inside data_root {data_root}, where every file is an image; move it out")
    if kind not in ("segmentation", "box"):
        return None
    if masks is not None and annotations is None:
        return Masks(masks)
    if annotations is not None and masks is None:
        return Coco(annotations)
    raise UserError(f"condition {kind} of dataset folder needs masks (a folder) or annotations (a COCO json): one")


def _conditions(
    kind: ConditionKind,
    images: list[SourceImage],
    x: NDArray[np.uint8],
    levels: int,
    label: NDArray[np.int64] | None,
    source: Annotations | None,
) -> NDArray[Any]:
    """(N, *condition)."""
    if source is not None:
        return stacked(map(source.box if kind == "box" else source.segmentation, images), len(images))
    if kind == "class" and label is not None:
        return label
    return luma(x, levels) if kind == "grayscale" else unconditional(len(x))
