"""Integrals over a cube, by the midpoint rule on an even grid."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 2**15
"""Nodes that are evaluated at a time."""


def quadrature(
    log_f: Callable[[Tensor], Tensor], dims: int, reach: float, nodes: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """log of the integral of f over [-reach, reach]^dims, (), and its numerical error, ().

    For smooth f that vanishes at the edges the rule converges faster than any power of the spacing h: the relative
    error of a Gaussian is about 2 exp(-2 π² σ² / h²) on each axis, 6e-9 at h = σ.

    Args:
        log_f: x (B, dims) -> (B,) nats.
        dims: from 1; the grid has nodes^dims nodes.
        reach: half the side of the cube.
        nodes: on each axis, even.
        device: of the nodes.

    Returns:
        The value, and its difference from that of every second node, which far exceeds the error once it is small.
    """
    width = 2 * reach / nodes
    axis = width * (torch.arange(nodes, device=device) + 0.5) - reach
    grid = torch.stack(torch.meshgrid(*[axis] * dims, indexing="ij"), dim=-1).flatten(0, -2)
    values = torch.cat([log_f(part) for part in grid.split(CHUNK)]).view([nodes] * dims)
    coarse = values[(slice(None, None, 2),) * dims].flatten().logsumexp(0) + dims * math.log(2 * width)
    found = values.flatten().logsumexp(0) + dims * math.log(width)
    return found, (found - coarse).abs()
