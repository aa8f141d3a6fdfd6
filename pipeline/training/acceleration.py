"""Faster arithmetic, where the hardware has it: compiled losses, bfloat16, channels-last images.

All three are off unless params.yaml asks for them, and stay off, with a line that says why, where they would not gain:
numbers from another arithmetic are other numbers, and nobody should get them without the speed.
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


class Wishes(Protocol):
    """The settings that are read here; `pipeline.params.Training` has them."""

    @property
    def compile(self) -> bool: ...
    @property
    def precision(self) -> Literal["float32", "bfloat16"]: ...
    @property
    def channels_last(self) -> bool: ...


@dataclass(frozen=True)
class Acceleration:
    """What of the wishes holds on this machine."""

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
            loss = _laid_out(loss)
        return replace(player, loss=_autocast(loss) if self.bfloat16 else loss)


def acceleration(wishes: Wishes, x: Tensor) -> Acceleration:
    """What to use of `wishes` for data x (N, *event)."""
    return Acceleration(
        compile=wishes.compile and _granted("compile", compiler(), "no C++ compiler: install g++ or set CXX"),
        bfloat16=wishes.precision == "bfloat16"
        and _granted("precision: bfloat16", has_bfloat16(), "this processor has no bfloat16 instructions"),
        channels_last=wishes.channels_last and _granted("channels_last", x.dim() == 4, "the data are no images"),
    )


def compiler() -> bool:
    """torch.compile writes C++ for processors."""
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _granted(wish: str, holds: bool, why: str) -> bool:
    if not holds:
        print(f"training.{wish} stays off: {why}")
    return holds


def _laid_out(loss: LossFunction) -> LossFunction:
    return lambda x, c: loss(x.contiguous(memory_format=torch.channels_last), c)


def _autocast(loss: LossFunction) -> LossFunction:
    def lower(x: Tensor, c: Tensor) -> Loss:
        with torch.autocast("cpu", torch.bfloat16):
            return loss(x, c)

    return lower
