"""Optional acceleration of training: compiled losses, bfloat16, channels-last images.

All three are off by default, since they change the numbers. An option of params.yaml that the machine does not support,
or that would not gain, stays off, with a printed line that gives the reason.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Loss, Player

LossFunction = Callable[[Tensor, Tensor], Loss]


class AccelerationOptions(Protocol):
    """The settings of this module; `pipeline.params.Training` has them."""

    @property
    def compile(self) -> bool: ...
    @property
    def precision(self) -> Literal["float32", "bfloat16"]: ...
    @property
    def channels_last(self) -> bool: ...


@dataclass(frozen=True)
class Acceleration:
    """The options that are used on this machine."""

    compile: bool = False
    bfloat16: bool = False
    channels_last: bool = False

    def place(self, model: nn.Module) -> None:
        """Lay out the weights of convolutions, in place."""
        if self.channels_last:
            for weight in (p for p in model.parameters() if p.dim() == 4):
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def player(self, player: Player) -> Player:
        """The same player with a faster loss."""
        loss: LossFunction = torch.compile(player.loss) if self.compile else player.loss
        if self.channels_last:
            loss = _with_channels_last(loss)
        return replace(player, loss=_with_bfloat16(loss) if self.bfloat16 else loss)


def acceleration(options: AccelerationOptions, x: Tensor) -> Acceleration:
    """The supported ones of `options`, for data x (N, *event)."""
    return Acceleration(
        compile=options.compile and is_supported("compile", has_compiler(), "no C++ compiler: install g++ or set CXX"),
        bfloat16=options.precision == "bfloat16"
        and is_supported("precision: bfloat16", has_bfloat16(), "this processor has no bfloat16 instructions"),
        channels_last=options.channels_last and is_supported("channels_last", x.dim() == 4, "the data are no images"),
    )


def has_compiler() -> bool:
    """Whether there is a C++ compiler, which torch.compile needs on CPUs."""
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def is_supported(option: str, supported: bool, reason: str) -> bool:
    """`supported`, with a printed line if it is False."""
    if not supported:
        print(f"training.{option} stays off: {reason}")
    return supported


def _with_channels_last(loss: LossFunction) -> LossFunction:
    return lambda x, c: loss(x.contiguous(memory_format=torch.channels_last), c)


def _with_bfloat16(loss: LossFunction) -> LossFunction:
    def lower(x: Tensor, c: Tensor) -> Loss:
        with torch.autocast("cpu", torch.bfloat16):
            return loss(x, c)

    return lower
