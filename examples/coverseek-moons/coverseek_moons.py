"""Two half circles that reach into each other: two modes that are curves, and no Gaussians."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.datasets import make_moons

from pipeline.contract import Condition, Event
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.params import Positive


def moons(sizes: Sizes, seed: int, *, noise: Positive = 0.05, condition: Literal["none", "class"] = "none") -> Dataset:
    """The label, and the class where it is the condition, is which moon."""
    splits = {}
    for name, size, stream in zip(SPLITS, sizes, np.random.SeedSequence(seed).generate_state(3), strict=True):
        x, moon = make_moons(size, noise=noise, random_state=int(stream))
        c = moon.astype(np.int64) if condition == "class" else unconditional(size)
        splits[name] = Split(x.astype(np.float32), c, moon.astype(np.int64))
    scale = float(np.abs(splits["train"].x).max())
    return Dataset(Event((2,), scale=scale), splits, Condition("class", (), 2) if condition == "class" else Condition())
