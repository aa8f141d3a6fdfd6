"""An image as a sequence of pixels: what PixelCNN and all that came after it share.

    p(x | c) = prod_i p(x_i | x_<i, c)

over the places i in the network's order; the sub-pixels of a pixel in order R, G, B, each given those before it. One
pass of the network scores an image. A draw goes from place to place with a cache of what earlier places fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.families.autoregressive.pixels import Pixels

Parameters = Callable[[Tensor, int, int], Tensor]
"""(x, row, column) -> parameters (B, K) of the pixel there, given x at all earlier places."""


class Network(Protocol):
    """Causal in its own order (`pipeline.networks.causal.network.CausalNetwork`)."""

    visits: int

    def __call__(self, x: Tensor, context: Tensor) -> Tensor: ...
    def start(self, context: Tensor) -> Any: ...
    def at(self, cache: Any, x: Tensor, row: int, column: int) -> Tensor: ...
    def order(self) -> Sequence[tuple[int, int]]: ...


class AutoregressiveImages(SinglePlayer, Exact):
    """`network` says the parameters of `pixels`, the distribution of one pixel."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, condition: nn.Module, network: Network, pixels: Pixels) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.pixels = event, condition, network, pixels

    @staticmethod
    def told(event: Event) -> int:
        """Maps that the network is told beside the condition's."""
        return 0

    def context(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> what the network is told beside x, (B, M, H, W)."""
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
        return self.draw(len(c), partial(self.network.at, self.network.start(self.context(c))))

    def draw(self, count: int, parameters: Parameters) -> Tensor:
        """(count, C, H, W): each pixel from its parameters, in the network's order."""
        x, visits = torch.zeros(count, *self.event.shape), self.network.visits
        step = self.event.shape[0] // visits  # sub-pixels that one visit draws
        shares = [slice(step * visit, step * (visit + 1)) for visit in range(visits)]
        for row, column in self.network.order():
            for share in shares:
                drawn = self.pixels.draw(parameters(x, row, column), share, self.setting)
                x[:, share, row, column] = drawn
        return x
