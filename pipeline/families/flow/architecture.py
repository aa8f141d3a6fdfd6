"""Architectures of flows: how the papers stack couplings, for any function and network of the couplings.

    NICE      every other value first, [coupling over halves] x K, scale                         arXiv:1410.8516
    RealNVP   [checkerboard coupling] x K, squeeze, [channel coupling] x K, at each scale        arXiv:1605.08803
    Glow      squeeze, [actnorm, 1x1 convolution, channel coupling] x K, at each scale           arXiv:1807.03039
    WaveGlow  squeeze x S, then [actnorm, 1x1 convolution, channel coupling] x K at each stage   arXiv:1811.00002

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
from pipeline.networks.layers import check_halvings

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
    steps = [Squeeze(), *_glow_steps(shape, couplings, couple)]
    if scales == 1:
        return Chain([*steps, Flatten(shape)])
    return MultiScale(Chain(steps), shape, glow(_half(shape), scales - 1, couplings, couple))


def waveglow(shape: tuple[int, ...], squeezes: int, stages: int, couplings: int, couple: Couple) -> Bijection:
    """(B, C, T) -> (B, D); the length stays what it is after the squeezes, half of the channels leave after all stages
    but the last.

    Raises:
        ValueError: the length cannot be halved so often, or a stage has fewer than two channels.
    """
    check_halvings(shape[1:], squeezes)
    for _ in range(squeezes):
        shape = _squeezed(shape)
    if shape[0] < 1 << stages:
        raise ValueError(f"{shape[0]} channels after {squeezes} squeezes cannot be halved in {stages} stages")
    return Chain([*(Squeeze() for _ in range(squeezes)), _stages(shape, stages, couplings, couple)])


def _stages(shape: tuple[int, ...], stages: int, couplings: int, couple: Couple) -> Bijection:
    steps = _glow_steps(shape, couplings, couple)
    if stages == 1:
        return Chain([*steps, Flatten(shape)])
    return MultiScale(Chain(steps), shape, _stages(_half(shape), stages - 1, couplings, couple))


def _glow_steps(shape: tuple[int, ...], couplings: int, couple: Couple) -> list[Bijection]:
    return [
        step for _ in range(couplings) for step in (ActNorm(shape), Convolution(shape[0]), couple(ChannelHalves(shape)))
    ]


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    channels, *size = shape
    return 2 ** len(size) * channels, *(length // 2 for length in size)


def _half(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[0] // 2, *shape[1:]
