"""On which device a number is computed, from which random numbers, and in which precision.

    the model's device    samples, likelihoods, features, the answers of judges; neighbours, KID and Fréchet distances
                          of these features where the device has float64
    the CPU               everything else: each result comes back at one place, `draws.draw_timed`,
                          `EvaluationChunks.compute`, `Extractor.extract`, `Judge.answer`

Samples and draws of a bound come from the global generator of the model's device. Generators that are made for a
purpose (resamples, half-samples, noise, permutations) are those of the CPU, so their numbers are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

CPU = torch.device("cpu")
WITHOUT_FLOAT64 = ("mps",)
"""Types of devices that have no float64."""


def device_of(model: object) -> torch.device:
    """The device of a module's parameters, or else of its buffers; the CPU for what has neither."""
    if not isinstance(model, nn.Module):
        return CPU
    tensor = next(chain(model.parameters(), model.buffers()), None)
    return CPU if tensor is None else tensor.device


def float64_device(device: torch.device) -> torch.device:
    """`device` if it has float64, else the CPU."""
    return CPU if device.type in WITHOUT_FLOAT64 else device


def double(x: Tensor) -> Tensor:
    """x (...) in float64, on its device if that has float64, else on the CPU."""
    return x.to(float64_device(x.device)).double()


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute products and convolutions of float32 in float32 in the block, not in TF32."""
    matmul, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = cudnn
