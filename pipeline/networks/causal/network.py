"""What each causal network of images is: everything at once, or one place after the other.

    training    x (B, C, H, W)  ->  parameters (B, K, H, W), each place a function of the places before it
    sampling    place by place; what earlier places fixed is kept in a cache and never computed again

Both are the same function, so a draw costs a few small matrix products for each place, not a pass of the network.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class CausalNetwork(nn.Module, abc.ABC):
    """Image (B, C, H, W) and context (B, M, H, W) -> parameters (B, K, H, W), causal in the order of `order()`."""

    visits: int
    """How often a place is computed while sampling: C where the earlier sub-pixels of a pixel feed its own parameters,
    1 where only earlier pixels do."""

    def __init__(self, size: tuple[int, int], visits: int = 1) -> None:
        super().__init__()
        self.size, self.visits = size, visits

    @abc.abstractmethod
    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (B, C, H, W), context (B, M, H, W) -> parameters (B, K, H, W), everything at once."""

    @abc.abstractmethod
    def start(self, context: Tensor) -> Any:
        """A fresh cache for a batch of images whose context is (B, M, H, W); its type is the network's own."""

    @abc.abstractmethod
    def at(self, cache: Any, x: Tensor, row: int, column: int) -> Tensor:
        """Parameters (B, K) at one place, given x at all earlier places and the earlier sub-pixels of this one.

        Places come in the order of `order()`, each `visits` times or fewer; what x holds at later places and
        sub-pixels does not matter. Dropout is off.
        """

    def order(self) -> Sequence[tuple[int, int]]:
        """(row, column) of each place, first to last: raster order unless a network says otherwise."""
        height, width = self.size
        return list(itertools.product(range(height), range(width)))
