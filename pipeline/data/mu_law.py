"""Mu-law companding of sound: levels that are fine where it is quiet and coarse where it is loud (ITU-T G.711).

    F(a) = sign(a) ln(1 + mu |a|) / ln(1 + mu),    mu = L - 1,    a in [-1, 1]

Level k of L stands for F^-1(2 k / (L - 1) - 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 256


def encode(sound: NDArray[Any], levels: int = LEVELS) -> NDArray[np.uint8]:
    """Amplitudes in [-1, 1], any shape; beyond, they are clipped -> levels 0 .. L-1, L at most 256."""
    mu, clipped = levels - 1, np.clip(np.asarray(sound, np.float64), -1, 1)
    companded = np.sign(clipped) * np.log1p(mu * np.abs(clipped)) / np.log1p(mu)
    return np.rint((companded + 1) * (mu / 2)).astype(np.uint8)


def decode(level: NDArray[Any], levels: int = LEVELS) -> NDArray[np.float32]:
    """Levels 0 .. L-1 -> amplitudes in [-1, 1]."""
    mu = levels - 1
    companded = np.asarray(level, np.float64) * (2 / mu) - 1
    return (np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(mu)) / mu).astype(np.float32)
