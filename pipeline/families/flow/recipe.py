"""Where networks meet the flow family."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Task
from pipeline.families.flow.bijection import ActNorm, AffineCoupling, Bijection, Squeeze
from pipeline.families.flow.flow import Chain, ImageFlow, MultiScale, PointFlow
from pipeline.networks.condition import encoder
from pipeline.networks.conditioner import MapConditioner, VectorConditioner
from pipeline.params import Count, Whole

__all__ = ["realnvp_images", "realnvp_points"]


def realnvp_points(
    task: Task, *, layers: Count = 6, width: Count = 64, depth: Count = 2, octaves: Whole = 3
) -> PointFlow:
    """RealNVP on the plane: couplings that take turns."""
    condition, dims = encoder(task.condition, task.event), task.event.dims
    steps: list[Bijection] = []
    for i in range(layers):
        mask = (torch.arange(dims) % 2 == i % 2).float()
        network = VectorConditioner(dims, condition.flat, 2 * dims, width, depth, octaves)
        steps.append(AffineCoupling(mask, dims, network))
    return PointFlow(task.event, condition, Chain(steps))


def realnvp_images(
    task: Task, *, scales: Count = 2, couplings: Count = 4, channels: Count = 32, blocks: Count = 2
) -> ImageFlow:
    """RealNVP: at each scale checkerboard couplings, a squeeze, channel couplings; the last scale does not squeeze."""
    condition = encoder(task.condition, task.event)
    depth, height, width = task.event.shape

    def coupling(mask: Tensor, features: int) -> list[Bijection]:
        network = MapConditioner(features, condition.everywhere, 2 * features, channels, blocks)
        return [ActNorm(features, 3), AffineCoupling(mask, features, network)]

    chains = []
    for i in range(scales):
        steps = [step for j in range(couplings) for step in coupling(checkerboard(height, width, j), depth)]
        if i < scales - 1:
            steps.append(Squeeze())
            steps += [step for j in range(couplings) for step in coupling(halves(4 * depth, j), 4 * depth)]
            depth, height, width = 2 * depth, height // 2, width // 2
        chains.append(Chain(steps))
    return ImageFlow(task.event, condition, MultiScale(task.event, chains))


def checkerboard(height: int, width: int, parity: int) -> Tensor:
    """(1, H, W): ones where row + column + parity is even."""
    return ((torch.arange(height)[:, None] + torch.arange(width) + parity) % 2 == 0).float()[None]


def halves(channels: int, parity: int) -> Tensor:
    """(C, 1, 1): ones on every other channel, so that each squeezed pixel is split as well."""
    return ((torch.arange(channels) + parity) % 2 == 0).float()[:, None, None]
