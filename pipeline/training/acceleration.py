"""Optional acceleration of training: compiled losses, TF32, bfloat16, channels-last images.

All are off by default, since they change the numbers. An option of params.yaml that the device does not support, or
that would not gain, stays off, with a printed line that gives the reason. They hold for the losses and their gradients
alone: outside `Acceleration.arithmetic` matrix products have the full precision of float32
(`reproducible.full_precision`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Loss, Player
from pipeline.training import reproducible

LossFunction = Callable[[Tensor, Tensor], Loss]
AMPERE = (8, 0)
"""The first compute capability with TF32."""


class AccelerationOptions(Protocol):
    """The settings of this module; `pipeline.params.Training` has them."""

    @property
    def compile(self) -> bool: ...
    @property
    def precision(self) -> Literal["float32", "tf32", "bfloat16"]: ...
    @property
    def channels_last(self) -> bool: ...


@dataclass(frozen=True)
class Acceleration:
    """The options that are used on this device."""

    compile: bool = False
    tf32: bool = False
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

    @contextmanager
    def arithmetic(self) -> Iterator[None]:
        """The precision of matrix products and convolutions in a round of training, losses and gradients."""
        if not self.tf32:
            yield
            return
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        try:
            yield
        finally:
            reproducible.full_precision()


def acceleration(options: AccelerationOptions, x: Tensor) -> Acceleration:
    """The supported ones of `options`, for data x (N, *event) on the device of the model."""
    compiler = "no C++ compiler: install g++ or set CXX" if x.device.type == "cpu" else "Triton is not installed"
    return Acceleration(
        compile=options.compile and is_supported("compile", has_compiler(x.device), compiler),
        tf32=options.precision == "tf32"
        and is_supported("precision: tf32", has_tf32(x.device), "the device is no CUDA device from Ampere on"),
        bfloat16=options.precision == "bfloat16"
        and is_supported("precision: bfloat16", has_bfloat16(x.device), "this device has no bfloat16 instructions"),
        channels_last=options.channels_last and is_supported("channels_last", x.dim() == 4, "the data are no images"),
    )


def has_compiler(device: torch.device) -> bool:
    """Whether torch.compile has what it needs: a C++ compiler on CPUs, Triton on CUDA."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def has_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= AMPERE


def has_bfloat16(device: torch.device) -> bool:
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def is_supported(option: str, supported: bool, reason: str) -> bool:
    """`supported`, with a printed line if it is False."""
    if not supported:
        print(f"training.{option} stays off: {reason}")
    return supported


def _with_channels_last(loss: LossFunction) -> LossFunction:
    return lambda x, c: loss(x.contiguous(memory_format=torch.channels_last), c)


def _with_bfloat16(loss: LossFunction) -> LossFunction:
    def lower(x: Tensor, c: Tensor) -> Loss:
        with torch.autocast(x.device.type, torch.bfloat16):
            return loss(x, c)

    return lower
