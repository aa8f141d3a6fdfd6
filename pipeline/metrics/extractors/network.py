"""Small networks that the pipeline fits itself to measure with: one body, one way to train, one way to name them.

The first six digits of the sha256 of its weights are part of a network's name, so that numbers from two different
networks are never compared. The same seed and data give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from safetensors.torch import save
from torch import Tensor, nn

from pipeline.metrics.evaluation.finite import check_finite

BATCH = 64


def block(inputs: int, outputs: int, stride: int = 1, normalised: bool = True) -> list[nn.Module]:
    """A 3 x 3 convolution and what comes after it; normalised over the batch it learns in half the steps."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
    return [convolution, *[nn.BatchNorm2d(outputs)] * normalised, nn.SiLU()]


def funnel(channels: int, width: int, features: int, *, grid: int = 2, normalised: bool = False) -> nn.Sequential:
    """(B, C, H, W) -> (B, features): three convolutions, the last two of stride 2, pooled to grid x grid, and one
    hidden layer."""
    return nn.Sequential(
        *block(channels, width, normalised=normalised),  # (B, width, H, W)
        *block(width, 2 * width, 2, normalised),
        *block(2 * width, 2 * width, 2, normalised),
        nn.AdaptiveAvgPool2d(grid), nn.Flatten(),  # (B, 2 width grid²)
        nn.Linear(2 * width * grid**2, features), nn.SiLU(),
    )  # fmt: skip


def as_image(x: Tensor) -> Tensor:
    """Images (N, C, H, W) as they are; sequences (N, C, T) as images of one row, (N, C, 1, T)."""
    return x[:, :, None] if x.ndim == 3 else x


def descend(network: nn.Module, loss: Callable[[Tensor], Tensor], items: int, steps: int, peak: float) -> None:
    """Descend `loss`, a function of rows (BATCH,) long below `items`; the learning rate rises to `peak` and falls.

    WHY channels last meanwhile: convolutions of few channels are a quarter faster so.

    Raises:
        FloatingPointError: The weights are not finite afterwards.
    """
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), peak)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(items, (BATCH,))
        optimiser.zero_grad()
        loss(rows).backward()
        optimiser.step()
        schedule.step()
    for name, value in network.state_dict().items():
        check_finite(value.reshape(-1), f"the training diverged: {name}, value")
    network.to(memory_format=torch.contiguous_format)  # as what comes back from a file is, to the last bit


def weights(network: nn.Module) -> bytes:
    """In the safetensors format: the same bytes for the same weights."""
    return save({name: value.cpu().contiguous() for name, value in network.state_dict().items()})


def fingerprint(network: nn.Module) -> str:
    """The first six digits of the sha256 of its weights."""
    return hashlib.sha256(weights(network)).hexdigest()[:6]
