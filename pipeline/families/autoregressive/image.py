"""Autoregressive models of images: each pixel given those before it.

    p(x | c) = prod_i p(x_i | x_<i, c)

over the places i in the network's order; the sub-pixels of a pixel in order R, G, B, each given those before it. One
pass of the network scores an image. A draw visits one place after the other, with a cache of what depends on earlier
places.

An ensemble averages over O orders of the places that share all weights,

    p(x | c) = 1/O sum_o p_o(x | c),    p_o(x | c) = prod_i p(x_o(i) | x_o(<i), c)

and is trained order-agnostically: each batch descends the loss of one order, drawn at random (Germain et al. 2015,
arXiv:1502.03509, sections 4.2 and 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.distributions import host_draws
from pipeline.families.autoregressive.pixels import Pixels

Parameters = Callable[[Tensor, int, int], Tensor]
"""(x, row, column) -> parameters (B, K) of the pixel there, given x at all earlier places."""


class Network(Protocol):
    """A causal network of images (`networks.causal_network.CausalNetwork`)."""

    visits: int

    def __call__(self, x: Tensor, context: Tensor) -> Tensor: ...
    def start(self, context: Tensor) -> Any: ...
    def at(self, cache: Any, x: Tensor, row: int, column: int) -> Tensor: ...
    def order(self) -> Sequence[tuple[int, int]]: ...


class AutoregressiveImages(SinglePlayer, Exact):
    """p(x | c) with the parameters of `pixels`, the distribution of one pixel, from a causal `network`."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, condition: nn.Module, network: Network, pixels: Pixels) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.pixels = event, condition, network, pixels

    @staticmethod
    def extra_channels(event: Event) -> int:
        """Channels of the network's context in addition to those of the condition."""
        return 0

    def context(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> the context of the network, (B, M, H, W)."""
        return self.condition(c).everywhere()

    def parameters_of(self, x: Tensor, c: Tensor) -> Tensor:
        """x (B, C, H, W), c -> (B, K, H, W)."""
        return self.network(x, self.context(c))

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.pixels.log_prob(x, self.parameters_of(x, c))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        context = self.context(c)
        return self.draw(c, partial(self.network.at, self.network.start(context)))

    def draw(self, c: Tensor, parameters: Parameters) -> Tensor:
        """One draw for each row of c, (B, C, H, W): each pixel from its parameters, in the network's order."""
        x, visits = torch.zeros(len(c), *self.event.shape, device=c.device), self.network.visits
        step = self.event.shape[0] // visits  # sub-pixels that one visit draws
        shares = [slice(step * visit, step * (visit + 1)) for visit in range(visits)]
        for row, column in self.network.order():
            for share in shares:
                drawn = self.pixels.draw(parameters(x, row, column), share, self.setting)
                x[:, share, row, column] = drawn
        return x


class OrderedNetworks(Protocol):
    """Networks with shared weights, each causal in another order of the places."""

    def __len__(self) -> int: ...
    def ordered(self, order: int) -> Network: ...


class OrderEnsemble(SinglePlayer, Exact):
    """`network` has O orders, `pixels` is the distribution of one pixel; the order of each sample is random."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, condition: nn.Module, network: OrderedNetworks, pixels: Pixels) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.pixels = event, condition, network, pixels

    def member(self, order: int) -> AutoregressiveImages:
        """The model of one order, with the weights and the setting of the ensemble."""
        one = AutoregressiveImages(self.event, self.condition, self.network.ordered(order), self.pixels)
        one.setting = self.setting
        return one

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        count = len(self.network)
        each = torch.stack([self.member(order).log_prob(x, c) for order in range(count)])  # (O, B)
        return each.logsumexp(0) - math.log(count)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.member(host_draws.integer(len(self.network))).loss(x, c)

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        orders = host_draws.integers(len(self.network), len(c))
        x = torch.empty(len(c), *self.event.shape, device=c.device)
        for order in sorted(set(orders)):
            rows = torch.tensor([row for row, drawn in enumerate(orders) if drawn == order], device=c.device)
            x[rows] = self.member(order).sample(c[rows])
        return x


@torch.no_grad()
def sample_naively(model: AutoregressiveImages, c: Tensor) -> Tensor:
    """`model.sample` without a cache: c (B, *condition) -> x (B, C, H, W), by a pass for each visit of a place.

    It draws the same noise in the same order and gives the same samples: a reference for tests and benchmarks.
    """
    context = model.context(c)

    def parameters(x: Tensor, row: int, column: int) -> Tensor:
        return model.network(x, context)[:, :, row, column]

    return model.draw(c, parameters)
