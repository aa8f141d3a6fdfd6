"""Procedural sounds of known class, in mu-law levels: tones, and chirps whose pitch rises or falls.

    s(t) = A e(t) sin(phi + 2 pi int_0^t f(u) du) + noise

    class    0 low tone    1 high tone    2 rising chirp    3 falling chirp

f is constant for a tone, and runs exponentially between a low and a high pitch for a chirp. Amplitude, phase and the
exact pitch are drawn; the envelope e rises and falls as half a sine. The noise keeps the entropy of a value above zero.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contract import Event
from pipeline.data import conditions, mu_law
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.params import Count, NonNegative

CLASSES = ("low tone", "high tone", "rising chirp", "falling chirp")
PITCHES = (300.0, 1200.0)
"""Hertz: low and high, each with a factor of up to `SPREAD` either way."""
SPREAD = 1.15
LOUDNESS = (0.4, 0.9)


def tones(
    sizes: Sizes,
    seed: int,
    *,
    condition: Literal["none", "class"] = "none",
    length: Annotated[int, Field(strict=True, ge=16, le=65_536)] = 512,
    rate: Annotated[int, Field(strict=True, ge=8_000, le=48_000)] = 8_000,
    levels: Annotated[int, Field(strict=True, ge=2, le=256)] = mu_law.LEVELS,
    noise: NonNegative = 0.01,
) -> Dataset:
    """`length` values at `rate` in a second, of four equally likely classes; `noise` is its standard deviation."""
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {
        name: _split(count, rng, condition, length, rate, levels, noise)
        for name, count, rng in zip(SPLITS, sizes, streams, strict=True)
    }
    size = len(CLASSES) if condition == "class" else 0
    described = conditions.describe(condition, (0, 0), size)
    return Dataset(Event((1, length), levels=levels, rate=rate), splits, described)


def _split(
    count: Count, rng: np.random.Generator, condition: str, length: int, rate: int, levels: int, noise: float
) -> Split:
    label = rng.integers(0, len(CLASSES), count)
    sound = draw_sounds(label, rng, length, rate) + noise * rng.standard_normal((count, length))
    x = mu_law.encode(sound, levels)[:, None]
    return Split(x, label if condition == "class" else unconditional(count), label)


def draw_sounds(label: NDArray[np.int64], rng: np.random.Generator, length: int, rate: int) -> NDArray[Any]:
    """Classes (N,) -> amplitudes (N, length) in [-1, 1], without noise."""
    count = len(label)
    spread = SPREAD ** rng.uniform(-1, 1, (count, 2))
    low, high = (np.array(PITCHES) * spread).T
    start, end = np.where(label % 2 == 0, low, high), np.where((label == 0) | (label == 3), low, high)
    share = np.arange(length) / length
    pitch = start[:, None] * (end / start)[:, None] ** share  # (N, length)
    phase = rng.uniform(0, 2 * np.pi, count)[:, None] + 2 * np.pi * np.cumsum(pitch, axis=1) / rate
    loudness = rng.uniform(*LOUDNESS, count)[:, None]
    return loudness * np.sin(np.pi * (np.arange(length) + 0.5) / length) * np.sin(phase)
