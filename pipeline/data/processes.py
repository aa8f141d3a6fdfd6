"""Sequences drawn from processes whose likelihood is known exactly.

    autoregression    x_t = a_1 x_(t-1) + a_2 x_(t-2) + e_t, stationary, of real values: its roots are a damped
                      oscillation of a given period
    regimes           a hidden Markov model over symbols: each regime lasts, and mostly emits symbols of its own

A complex pair of roots r e^(+-i w) has a_1 = 2 r cos w, a_2 = -r^2: correlations fall as r^k and turn by w a step.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from pipeline.contract import Event
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.distributions import gaussian_autoregression, hidden_markov
from pipeline.params import Positive
from pipeline.processes import GaussianAutoregression, HiddenMarkov

Length = Annotated[int, Field(strict=True, ge=2, le=65_536)]
Damping = Annotated[float, Field(gt=0, lt=1)]
Period = Annotated[float, Field(ge=2, allow_inf_nan=False)]
Regimes = Annotated[int, Field(strict=True, ge=2, le=64)]
Probability = Annotated[float, Field(gt=0, lt=1)]


def autoregression(
    sizes: Sizes,
    seed: int,
    *,
    length: Length = 64,
    damping: Damping = 0.95,
    period: Period = 12.0,
    sigma: Positive = 0.3,
) -> Dataset:
    """A Gaussian AR(2) process of one channel, whose density is known.

    `damping` is the modulus r of the roots, `period` their period in steps, `sigma` that of the innovations.
    """
    process = GaussianAutoregression((2 * damping * math.cos(2 * math.pi / period), -(damping**2)), sigma)
    streams = np.random.default_rng(seed).spawn(len(SPLITS))

    def draw(count: int, rng: np.random.Generator) -> Split:
        noise = torch.from_numpy(rng.standard_normal((count, length)))
        x = gaussian_autoregression.from_noise(process, noise).numpy()
        return Split(x[:, None].astype(np.float32), unconditional(count))

    splits = {name: draw(count, rng) for name, count, rng in zip(SPLITS, sizes, streams, strict=True)}
    scale = float(np.abs(splits["train"].x).max())
    return Dataset(Event((1, length), scale=scale), splits, truth=process)


def regimes(
    sizes: Sizes,
    seed: int,
    *,
    length: Length = 64,
    regimes: Regimes = 4,
    symbols: Annotated[int, Field(strict=True, ge=2, le=256)] = 8,
    stay: Probability = 0.9,
    purity: Probability = 0.85,
) -> Dataset:
    """A hidden Markov model of one channel, whose likelihood is known.

    A regime lasts with the probability `stay` at each step and else gives way to another, the next in order twice as
    often as each other. It emits one of its own symbols, which are those with its number modulo `regimes`, with the
    probability `purity`, and else any other.
    """
    process = regime_process(regimes, max(symbols, regimes), stay, purity)
    streams = np.random.default_rng(seed).spawn(len(SPLITS))

    def draw(count: int, rng: np.random.Generator) -> Split:
        path = hidden_markov.from_uniforms(process, torch.from_numpy(rng.random((count, length, 2))))
        x = path.symbols.numpy().astype(np.uint8)[:, None]
        return Split(x, unconditional(count))

    splits = {name: draw(count, rng) for name, count, rng in zip(SPLITS, sizes, streams, strict=True)}
    return Dataset(Event((1, length), levels=max(symbols, regimes)), splits, truth=process)


def regime_process(regimes: int, symbols: int, stay: float, purity: float) -> HiddenMarkov:
    """The process of `regimes`, stationary: it starts in each regime with its share of all steps."""
    leave = np.ones((regimes, regimes)) - np.eye(regimes)
    leave[np.arange(regimes), (np.arange(regimes) + 1) % regimes] *= 2
    transition = stay * np.eye(regimes) + (1 - stay) * leave / leave.sum(1, keepdims=True)
    own = np.arange(symbols)[None, :] % regimes == np.arange(regimes)[:, None]
    emission = np.where(own, purity / own.sum(1, keepdims=True), (1 - purity) / (~own).sum(1, keepdims=True))
    initial = np.full(regimes, 1 / regimes)  # the columns of the transitions add up to 1
    rows = (tuple(map(tuple, table.tolist())) for table in (transition, emission))
    return HiddenMarkov(tuple(initial.tolist()), *rows)
