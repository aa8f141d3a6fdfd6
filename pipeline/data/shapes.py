"""Procedural colour images with all of their truth known: one main shape on a background, two distractors at most.

    p(x) = sum over (class, colour, place) of P(class) P(colour) P(place) p(x | class, colour, place)

Three independent factors describe the main shape, and a mode is one of their 5 x 4 x 4 = 80 combinations:

    class    P(k) proportional to 1 / (k + 1)       disc, square, triangle, cross, ring: a tail to lose
    colour   one of four hues, equally likely       red, yellow, green, blue
    place    one of four quarters, equally likely   upper left, upper right, lower left, lower right

The rest is drawn from p(x | class, colour, place): the exact hue, brightness, texture, size, rotation and position of
the main shape, up to two distractors behind it, and the background. The ranges keep the factors recognisable at 16 x 16
pixels: hue groups do not touch, quarters do not touch, the main shape is never cut off and always the largest, and
backgrounds are paler or darker than any shape.

The images depend on the seed and the sizes alone: they are the same, byte for byte, under every condition, so that
-log p(x | c) of one condition compares with that of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contract import ConditionKind, Event, Factor
from pipeline.data import conditions
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.drawing import OUTLINES, TEXTURES, Reals, Shapes, gradient, paint, rgb
from pipeline.params import NonNegative

CLASSES = len(OUTLINES)
HUES = np.array((0.0, 0.13, 0.37, 0.61))  # red, yellow, green, blue, in turns
HUE_JITTER = 0.03  # at most; the nearest hues stay 0.07 turns apart
RANKS = 1 / np.arange(1, CLASSES + 1)
FACTORS = (
    Factor("class", tuple((RANKS / RANKS.sum()).tolist())),
    Factor("colour", (0.25,) * 4),
    Factor("place", (0.25,) * 4),
)
MOST_DISTRACTORS = 2
"""Each has a quarter of its own, and one quarter stays empty."""
BLOCK = 2**19  # pixels drawn at a time: about 100 MB of work space


def shapes(
    sizes: Sizes,
    seed: int,
    *,
    condition: ConditionKind = "none",
    side: Annotated[int, Field(strict=True, ge=12, le=256)] = 16,
    distractors: Annotated[int, Field(strict=True, ge=0, le=MOST_DISTRACTORS)] = MOST_DISTRACTORS,
    noise: NonNegative = 1.0,
) -> Dataset:
    """Images of `side` x `side` pixels with at most `distractors` shapes behind the main one.

    `noise` is the standard deviation, in levels, of independent noise on each value. Rounded to levels, 1 level of it
    has an entropy of 2.105 bits/dim where nothing is clipped, which no class, box or segmentation explains. Luma does
    in part: it is that of the noisy image, and with 1 level its own noise is worth .55 bits/dim, 420 bits per image.
    """
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {
        name: _split(draw_scenes(count, distractors, rng), condition, side, noise, rng)
        for name, count, rng in zip(SPLITS, sizes, streams, strict=True)
    }
    size = {"class": CLASSES, "segmentation": CLASSES + 1}.get(condition, 0)
    described = conditions.describe(condition, (side, side), size)
    return Dataset(Event((3, side, side), levels=256), splits, described, factors=FACTORS)


@dataclass(frozen=True)
class Scenes:
    """N scenes, before they are drawn."""

    factors: NDArray[np.int64]
    """(N, 3)."""
    sky: Reals
    """(N, 2, 3): the two colours of the background."""
    slope: Reals
    """(N,) radians: the direction in which it runs from one to the other."""
    layers: tuple[Shapes, ...]
    """From the back to the front; the last is the main shape."""

    def __getitem__(self, part: slice) -> Scenes:
        layers = tuple(layer[part] for layer in self.layers)
        return Scenes(self.factors[part], self.sky[part], self.slope[part], layers)


def draw_scenes(count: int, distractors: int, rng: np.random.Generator) -> Scenes:
    """Draw `count` scenes with at most `distractors` shapes behind the main one."""
    factors = np.stack([rng.choice(len(f.weights), count, p=f.weights) for f in FACTORS], axis=1)
    slope = rng.uniform(0, 2 * np.pi, count)
    sky = _draw_sky(count, rng)
    layers = (*_draw_distractors(factors[:, 2], distractors, rng), _draw_main(factors, rng))
    return Scenes(factors, sky, slope, layers)


def _draw_sky(count: int, rng: np.random.Generator) -> Reals:
    """Day or night: two neighbouring colours, light and pale or dark (N, 2, 3)."""
    day, hue = rng.random(count) < 0.5, rng.random(count)
    saturation = np.where(day, rng.uniform(0.05, 0.25, count), rng.uniform(0.2, 0.5, count))
    value = np.where(day, rng.uniform(0.85, 1.0, count), rng.uniform(0.15, 0.35, count))
    return np.stack((rgb(hue, saturation, value), rgb(hue + 0.05, saturation, 0.75 * value)), axis=1)


def _draw_main(factors: NDArray[np.int64], rng: np.random.Generator) -> Shapes:
    """The shape that the factors describe."""
    outline, colour, place = factors.T
    count = len(factors)
    radius = rng.uniform(0.25, 0.31, count)  # 4.0 to 5.0 of 16 pixels: a ring has a visible hole
    near, far = radius[:, None], 0.44  # wholly inside the image; 0.12 apart from a centre in the next quarter
    centre = _position(place, near + rng.random((count, 2)) * (far - near))
    return _draw_shapes(np.ones(count, np.bool_), outline, colour, centre, radius, rng)


def _draw_distractors(place: NDArray[np.int64], most: int, rng: np.random.Generator) -> list[Shapes]:
    """None to `most` smaller shapes of any class and colour, in quarters other than the main one's and each other's."""
    count = len(place)
    quarters = (place[:, None] + rng.permuted(np.tile((1, 2, 3), (count, 1)), axis=1)) % 4  # (N, 3)
    number = rng.integers(0, most + 1, count)
    return [
        _draw_shapes(
            number > k,
            rng.integers(0, CLASSES, count),
            rng.integers(0, len(HUES), count),
            _position(quarters[:, k], rng.uniform(0.16, 0.26, (count, 2))),
            rng.uniform(0.13, 0.16, count),  # 2.1 to 2.6 of 16 pixels: well below the main shape
            rng,
        )
        for k in range(most)
    ]


def _draw_shapes(
    present: NDArray[np.bool_],
    outline: NDArray[np.int64],
    colour: NDArray[np.int64],
    centre: Reals,
    radius: Reals,
    rng: np.random.Generator,
) -> Shapes:
    """Shapes with a random texture, rotation and exact colour."""
    count = len(present)
    texture, rotation = rng.integers(0, len(TEXTURES), count), rng.uniform(-0.12, 0.12, count)
    hue = HUES[colour] + rng.uniform(-HUE_JITTER, HUE_JITTER, count)
    saturation, value = rng.uniform(0.65, 0.9, count), rng.uniform(0.7, 0.95, count)
    inks = np.stack((rgb(hue, saturation, value), rgb(hue, saturation, 0.7 * value)), axis=1)
    return Shapes(present, outline, texture, centre, radius, rotation, inks)


def _position(place: NDArray[np.int64], inset: Reals) -> Reals:
    """The point (x, y) that lies `inset` (N, 2) away from the outer corner of quarter `place` (N,)."""
    far = np.stack((place % 2, place // 2), axis=1) == 1
    return np.where(far, 1 - inset, inset)


class Images(NamedTuple):
    """N drawn scenes."""

    x: NDArray[np.uint8]
    """(N, 3, S, S) levels."""
    main: NDArray[np.bool_]
    """(N, S, S): the pixels of the main shape."""
    segmentation: NDArray[np.int64]
    """(N, S, S): 0 where the background is visible, k + 1 where a shape of class k is."""


def _split(scenes: Scenes, kind: ConditionKind, side: int, noise: float, rng: np.random.Generator) -> Split:
    count, block = len(scenes.factors), max(1, BLOCK // side**2)
    drawn = [_render(scenes[start : start + block], side, noise, rng) for start in range(0, count, block)]
    images = Images(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))
    label = scenes.factors[:, 0]
    return Split(images.x, _conditions(kind, images, label), label, scenes.factors)


def _render(scenes: Scenes, side: int, noise: float, rng: np.random.Generator) -> Images:
    canvas = gradient(scenes.sky, scenes.slope, side)  # (N, 3, S, S)
    segmentation = np.zeros((len(canvas), side, side), np.int64)
    for layer in scenes.layers:
        covered = paint(canvas, layer)
        segmentation = np.where(covered, layer.outline[:, None, None] + 1, segmentation)
    levels = 255 * canvas + noise * rng.standard_normal(canvas.shape)
    return Images(levels.round().clip(0, 255).astype(np.uint8), covered, segmentation)  # the last layer is the main one


def _conditions(kind: ConditionKind, images: Images, label: NDArray[np.int64]) -> NDArray[Any]:
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
