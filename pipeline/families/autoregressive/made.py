"""An ensemble of the orders of one masked network (Germain et al. 2015, arXiv:1502.03509, sections 4.2 and 6).

    p(x | c) = 1/O sum_o p_o(x | c),    p_o(x | c) = prod_i p(x_o(i) | x_o(<i), c)

The orders share all weights. Training is order-agnostic: each batch descends the loss of one order, drawn at random.
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.families.autoregressive.image import AutoregressiveImages, Network
from pipeline.families.autoregressive.pixels import Pixels


class AnyOrder(Protocol):
    """A network that is causal in whichever of its orders it is asked for."""

    def __len__(self) -> int: ...
    def under(self, order: int) -> Network: ...


class OrderEnsemble(SinglePlayer, Exact):
    """`network` knows O orders; `pixels` is the distribution of one pixel. A draw has an order of its own."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, condition: nn.Module, network: AnyOrder, pixels: Pixels) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.pixels = event, condition, network, pixels

    def member(self, order: int) -> AutoregressiveImages:
        """The model of one order, which shares the ensemble's weights and setting."""
        one = AutoregressiveImages(self.event, self.condition, self.network.under(order), self.pixels)
        one.setting = self.setting
        return one

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        count = len(self.network)
        each = torch.stack([self.member(order).log_prob(x, c) for order in range(count)])  # (O, B)
        return each.logsumexp(0) - math.log(count)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        order = int(torch.randint(len(self.network), ()))
        return self.member(order).loss(x, c)

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        orders = torch.randint(len(self.network), (len(c),))
        x = torch.empty(len(c), *self.event.shape)
        for order in orders.unique().tolist():
            x[orders == order] = self.member(order).sample(c[orders == order])
        return x
