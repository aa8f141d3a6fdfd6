"""What is in an image of shapes: one main shape that the factors describe, and everything that is left to chance.

    p(x) = sum over (class, colour, place) of P(class) P(colour) P(place) p(x | class, colour, place)

p(x | class, colour, place) is left to chance: the exact hue, brightness, texture, size, turn and spot of the main
shape, up to two distractors behind it, and the background. Each choice keeps the factors legible at 16 x 16 pixels:
hue groups do not touch, quarters do not touch, the main shape is never cut off and always the largest, and backgrounds
are paler or darker than any shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Factor
from pipeline.data.drawing import OUTLINES, TEXTURES, Reals, Shapes, rgb

CLASSES = len(OUTLINES)
HUES = np.array((0.0, 0.13, 0.37, 0.61))  # red, yellow, green, blue, in turns
HUE_JITTER = 0.03  # at most; the nearest hues stay 0.07 turns apart
RANKS = 1 / np.arange(1, CLASSES + 1)
FACTORS = (
    Factor("class", tuple((RANKS / RANKS.sum()).tolist())),
    Factor("colour", (0.25,) * 4),
    Factor("place", (0.25,) * 4),
)
MOST = 2
"""Distractors, at most: each has a quarter of its own, and one quarter stays empty."""


@dataclass(frozen=True)
class Scenes:
    """N scenes."""

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


def scenes(count: int, distractors: int, rng: np.random.Generator) -> Scenes:
    """Draw `count` scenes with at most `distractors` shapes beside the main one."""
    factors = np.stack([rng.choice(len(f.weights), count, p=f.weights) for f in FACTORS], axis=1)
    slope = rng.uniform(0, 2 * np.pi, count)
    return Scenes(
        factors, _sky(count, rng), slope, (*_distractors(factors[:, 2], distractors, rng), _main(factors, rng))
    )


def _sky(count: int, rng: np.random.Generator) -> Reals:
    """Day or night: two neighbouring colours, light and pale or dark (N, 2, 3)."""
    day, hue = rng.random(count) < 0.5, rng.random(count)
    saturation = np.where(day, rng.uniform(0.05, 0.25, count), rng.uniform(0.2, 0.5, count))
    value = np.where(day, rng.uniform(0.85, 1.0, count), rng.uniform(0.15, 0.35, count))
    return np.stack((rgb(hue, saturation, value), rgb(hue + 0.05, saturation, 0.75 * value)), axis=1)


def _main(factors: NDArray[np.int64], rng: np.random.Generator) -> Shapes:
    """The shape that the factors speak of."""
    outline, colour, place = factors.T
    count = len(factors)
    radius = rng.uniform(0.25, 0.31, count)  # 4.0 to 5.0 of 16 pixels: a ring keeps its hole
    near, far = radius[:, None], 0.44  # wholly inside the image; 0.12 apart from a centre in the next quarter
    centre = _at(place, near + rng.random((count, 2)) * (far - near))
    return _shapes(np.ones(count, np.bool_), outline, colour, centre, radius, rng)


def _distractors(place: NDArray[np.int64], most: int, rng: np.random.Generator) -> list[Shapes]:
    """None to `most` smaller shapes of any class and colour, in quarters other than the main one's and each other's."""
    count = len(place)
    quarters = (place[:, None] + rng.permuted(np.tile((1, 2, 3), (count, 1)), axis=1)) % 4  # (N, 3)
    there = rng.integers(0, most + 1, count)
    return [
        _shapes(
            there > k,
            rng.integers(0, CLASSES, count),
            rng.integers(0, len(HUES), count),
            _at(quarters[:, k], rng.uniform(0.16, 0.26, (count, 2))),
            rng.uniform(0.13, 0.16, count),  # 2.1 to 2.6 of 16 pixels: well below the main shape
            rng,
        )
        for k in range(most)
    ]


def _shapes(
    present: NDArray[np.bool_],
    outline: NDArray[np.int64],
    colour: NDArray[np.int64],
    centre: Reals,
    radius: Reals,
    rng: np.random.Generator,
) -> Shapes:
    """Shapes with the rest of what they are left to chance."""
    count = len(present)
    texture, turn = rng.integers(0, len(TEXTURES), count), rng.uniform(-0.12, 0.12, count)
    hue = HUES[colour] + rng.uniform(-HUE_JITTER, HUE_JITTER, count)
    saturation, value = rng.uniform(0.65, 0.9, count), rng.uniform(0.7, 0.95, count)
    inks = np.stack((rgb(hue, saturation, value), rgb(hue, saturation, 0.7 * value)), axis=1)
    return Shapes(present, outline, texture, centre, radius, turn, inks)


def _at(place: NDArray[np.int64], inset: Reals) -> Reals:
    """The point (x, y) that lies `inset` (N, 2) away from the outer corner of quarter `place` (N,)."""
    far = np.stack((place % 2, place // 2), axis=1) == 1
    return np.where(far, 1 - inset, inset)
