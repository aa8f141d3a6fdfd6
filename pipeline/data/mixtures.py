"""Gaussian mixtures in the plane, whose density and modes are known exactly.

    p(x) = sum_k w_k N(x; mu_k, sigma^2 I)

A mixture with a tail has weights w_k in proportion to 1 / (k + 1)^s, so that there are rare modes to lose. With s = 1
the rarest of 8 has 5 % of the mass, which any sampler meets; with s = 3 it has .16 %: 33 of 20,000 training points.

The geometry is the published one, so that counts of modes compare: 8 modes on the unit circle, and 25 on
(-4, -2, 0, 2, 4)^2 (Srivastava et al. 2017, arXiv:1705.07761; Lin et al. 2018, arXiv:1712.04086).
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from pipeline.contract import Event, Mixture
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.params import Positive


def ring(sizes: Sizes, seed: int, *, sigma: Positive = 0.01, tail: bool = False, slope: Positive = 1.0) -> Dataset:
    """8 Gaussians on the unit circle, equal ones unless there is a tail, of the power `slope` of the rank."""
    angles = [2 * math.pi * k / 8 for k in range(8)]
    return _draw(_mixture([(math.cos(a), math.sin(a)) for a in angles], sigma, tail, slope), sizes, seed)


def grid(sizes: Sizes, seed: int, *, sigma: Positive = 0.05, tail: bool = False, slope: Positive = 1.0) -> Dataset:
    """25 Gaussians on a square lattice of spacing 2, equal ones unless there is a tail, of the power `slope`."""
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return _draw(_mixture(list(itertools.product(line, line)), sigma, tail, slope), sizes, seed)


def _mixture(means: list[tuple[float, float]], sigma: float, tail: bool, slope: float) -> Mixture:
    share = [1 / (k + 1) ** slope if tail else 1.0 for k in range(len(means))]
    return Mixture(tuple(means), sigma, tuple(w / sum(share) for w in share))


def _draw(truth: Mixture, sizes: Sizes, seed: int) -> Dataset:
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {name: _split(truth, n, rng) for name, n, rng in zip(SPLITS, sizes, streams, strict=True)}
    scale = float(np.abs(splits["train"].x).max())
    return Dataset(Event((2,), scale=scale), splits, truth=truth)


def _split(truth: Mixture, count: int, rng: np.random.Generator) -> Split:
    mode = rng.choice(len(truth.weights), size=count, p=truth.weights)
    x = np.asarray(truth.means)[mode] + truth.sigma * rng.standard_normal((count, 2))
    return Split(x.astype(np.float32), unconditional(count), mode.astype(np.int64))
