"""What a causal network depends on, and what its sampler's cache answers: shared by the tests of such networks."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.conformance.subject import randomize as awake
from pipeline.contract import Event
from pipeline.families.autoregressive.networks.causal_network import CausalNetwork

__all__ = ["awake", "before", "example", "field", "replay"]


def example(event: Event, context: int, count: int = 2) -> tuple[Tensor, Tensor]:
    """Random images (count, C, H, W) on the grid and a context (count, `context`, H, W)."""
    x = event.value(torch.randint(event.grid, (count, *event.shape)))
    return x, torch.randn(count, context, *event.shape[1:])


@torch.no_grad()
def replay(network: CausalNetwork, x: Tensor, context: Tensor) -> Tensor:
    """Parameters (B, K, H, W) from the cache, place by place, while x shows only what is drawn by then."""
    cache, seen = network.start(context), torch.randn_like(x)
    step = x.shape[1] // network.visits
    out = torch.zeros_like(network(x, context)).unflatten(1, (-1, network.visits))  # (B, ..., visits, H, W)
    for row, column in network.order():
        for visit in range(network.visits):
            parameters = network.at(cache, seen, row, column).unflatten(1, (-1, network.visits))
            out[:, :, visit, row, column] = parameters[:, :, visit]
            share = slice(visit * step, (visit + 1) * step)
            seen[:, share, row, column] = x[:, share, row, column]
    return out.flatten(1, 2)


def field(network: CausalNetwork, x: Tensor, context: Tensor, row: int, column: int, channel: int = 0) -> Tensor:
    """(C, H, W) bool: which values of x the logits of one sub-pixel depend on, by gradient."""
    x = x.clone().requires_grad_()
    logits = network(x, context).unflatten(1, (-1, x.shape[1]))[:, :, channel, row, column]
    return (torch.autograd.grad(logits.square().sum(), x)[0] != 0).any(0)


def before(event: Event, row: int, column: int, channel: int = 0) -> Tensor:
    """(C, H, W) bool: the sub-pixels before one in raster order."""
    channels, height, width = event.shape
    number = torch.arange(height * width * channels).view(height, width, channels).permute(2, 0, 1)
    return number < number[channel, row, column]
