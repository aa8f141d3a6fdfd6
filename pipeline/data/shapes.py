"""Procedural colour images with all of their truth known: one main shape on a background, two distractors at most.

Three independent factors say what the main shape is, and a mode is one of their 5 x 4 x 4 = 80 combinations:

    class    P(k) proportional to 1 / (k + 1)       disc, square, triangle, cross, ring: a tail to lose
    colour   one of four hues, equally likely       red, yellow, green, blue
    place    one of four quarters, equally likely   upper left, upper right, lower left, lower right

Everything else is nuisance (`scenes`). The images depend on the seed and the sizes alone: they are the same, byte for
byte, under every condition, so that -log p(x | c) of one condition compares with that of another.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contract import ConditionKind, Event
from pipeline.data import conditions
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.drawing import gradient, paint
from pipeline.data.scenes import CLASSES, FACTORS, MOST, Scenes, scenes
from pipeline.params import NonNegative

BLOCK = 2**19  # pixels drawn at a time: about 100 MB of work space


class Images(NamedTuple):
    """N drawn scenes."""

    x: NDArray[np.uint8]
    """(N, 3, S, S) levels."""
    main: NDArray[np.bool_]
    """(N, S, S): the pixels of the main shape."""
    segmentation: NDArray[np.int64]
    """(N, S, S): 0 where the background is visible, k + 1 where a shape of class k is."""


def shapes(
    sizes: Sizes,
    seed: int,
    *,
    condition: ConditionKind = "none",
    side: Annotated[int, Field(strict=True, ge=12, le=256)] = 16,
    distractors: Annotated[int, Field(strict=True, ge=0, le=MOST)] = MOST,
    noise: NonNegative = 1.0,
) -> Dataset:
    """Images of `side` x `side` pixels with at most `distractors` shapes beside the main one.

    `noise` is the standard deviation, in levels, of independent noise on each value. Rounded to levels, 1 level of it
    has an entropy of 2.105 bits/dim where nothing is clipped, which no class, box or segmentation explains. Luma does
    in part: it is that of the noisy image, and with 1 level its own noise is worth .55 bits/dim, 420 bits per image.
    """
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {
        name: _split(scenes(count, distractors, rng), condition, side, noise, rng)
        for name, count, rng in zip(SPLITS, sizes, streams, strict=True)
    }
    size = {"class": CLASSES, "segmentation": CLASSES + 1}.get(condition, 0)
    described = conditions.condition(condition, (side, side), size)
    return Dataset(Event((3, side, side), levels=256), splits, described, factors=FACTORS)


def _split(given: Scenes, kind: ConditionKind, side: int, noise: float, rng: np.random.Generator) -> Split:
    count, block = len(given.factors), max(1, BLOCK // side**2)
    drawn = [_draw(given[start : start + block], side, noise, rng) for start in range(0, count, block)]
    images = Images(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))
    label = given.factors[:, 0]
    return Split(images.x, _condition(kind, images, label), label, given.factors)


def _draw(given: Scenes, side: int, noise: float, rng: np.random.Generator) -> Images:
    canvas = gradient(given.sky, given.slope, side)  # (N, 3, S, S)
    segmentation = np.zeros((len(canvas), side, side), np.int64)
    for layer in given.layers:
        covered = paint(canvas, layer)
        segmentation = np.where(covered, layer.outline[:, None, None] + 1, segmentation)
    levels = 255 * canvas + noise * rng.standard_normal(canvas.shape)
    return Images(levels.round().clip(0, 255).astype(np.uint8), covered, segmentation)  # the last layer is the main one


def _condition(kind: ConditionKind, images: Images, label: NDArray[np.int64]) -> NDArray[Any]:
    match kind:
        case "none":
            return unconditional(len(label))
        case "class":
            return label
        case "box":
            return conditions.boxes(images.main)
        case "segmentation":
            return images.segmentation
        case "grayscale":
            return conditions.luma(images.x)
