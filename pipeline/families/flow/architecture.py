"""Architectures of flows: how the papers stack couplings, for any function and network of the couplings.

    NICE      every other value first, [coupling over halves] x K, scale                         arXiv:1410.8516
    RealNVP   [checkerboard coupling] x K, squeeze, [channel coupling] x K, at each scale        arXiv:1605.08803
    Glow      squeeze, [actnorm, 1x1 convolution, channel coupling] x K, at each scale           arXiv:1807.03039

`couple` makes a coupling from its split.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.distributions.bijection import (
    ActNorm,
    Bijection,
    Chain,
    Convolution,
    EveryOther,
    Flatten,
    MultiScale,
    Scale,
    Squeeze,
)
from pipeline.distributions.coupling import ChannelHalves, Checkerboard, Partition

Couple = Callable[[Partition], Bijection]


def alternating(dims: int, couplings: int, couple: Couple) -> list[Bijection]:
    """Couplings of (B, D) that transform the second and the first half alternately."""
    return [couple(ChannelHalves((dims,), swap=i % 2 == 1)) for i in range(couplings)]


def nice(dims: int, couplings: int, couple: Couple) -> Bijection:
    """(B, D) -> (B, D)."""
    return Chain([EveryOther(), *alternating(dims, couplings, couple), Scale((dims,))])


def realnvp(shape: tuple[int, ...], scales: int, couplings: int, couple: Couple, last: int = 0) -> Bijection:
    """(B, C, H, W) or (B, C, T) -> (B, D); the last scale has checkerboards alone, `last` more than the others."""
    steps: list[Bijection] = []
    for i in range(couplings + (last if scales == 1 else 0)):
        steps += [ActNorm(shape), couple(Checkerboard(shape, i))]
    if scales == 1:
        return Chain([*steps, Flatten(shape)])
    shape = _squeezed(shape)
    steps.append(Squeeze())
    for i in range(couplings):
        steps += [ActNorm(shape), couple(ChannelHalves(shape, swap=i % 2 == 1))]
    return MultiScale(Chain(steps), shape, realnvp(_half(shape), scales - 1, couplings, couple, last))


def glow(shape: tuple[int, ...], scales: int, couplings: int, couple: Couple) -> Bijection:
    """(B, C, H, W) -> (B, D)."""
    shape = _squeezed(shape)
    steps: list[Bijection] = [Squeeze()]
    for _ in range(couplings):
        steps += [ActNorm(shape), Convolution(shape[0]), couple(ChannelHalves(shape))]
    if scales == 1:
        return Chain([*steps, Flatten(shape)])
    return MultiScale(Chain(steps), shape, glow(_half(shape), scales - 1, couplings, couple))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    channels, *size = shape
    return 2 ** len(size) * channels, *(length // 2 for length in size)


def _half(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[0] // 2, *shape[1:]
