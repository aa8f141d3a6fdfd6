"""WaveNet: dilated causal convolutions with gates (van den Oord et al. 2016, arXiv:1609.03499).

    z = tanh(W_f * h + V_f c) sigmoid(W_g * h + V_g c),    h <- h + R z,    skip <- skip + S z

Layer i of a block looks back 2^i steps, so that a block of n layers sees 2^n of them. While sampling each layer keeps
its last inputs in a ring as long as its dilation (Le Paine et al. 2016, arXiv:1611.09482): a step costs two small
matrix products a layer, whatever the receptive field.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.sequence_network import SequenceNetwork, StepEncoder


class GatedLayer(nn.Module):
    """(h (B, width, N), context (B, M, N)) -> z (B, width, N): a causal convolution of two taps, `dilation` apart.

    The `last` layer has a skip connection alone: nothing reads what it would add to h.
    """

    def __init__(self, width: int, context: int, dilation: int, last: bool) -> None:
        super().__init__()
        self.dilation = dilation
        self.taps = nn.Conv1d(width, 2 * width, 2, dilation=dilation)
        self.context = nn.Conv1d(context, 2 * width, 1, bias=False) if context else None
        self.residual = None if last else nn.Linear(width, width)
        self.skip = nn.Linear(width, width)

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        return _gate(self.taps(F.pad(h, (self.dilation, 0))) + self.conditions(context))

    def conditions(self, context: Tensor) -> Tensor:
        """(B, 2 width, N), or zeros (B, 1, N) without a context."""
        if self.context is None:
            return context.new_zeros(len(context), 1, context.shape[2])
        return self.context(context)

    def step(self, h: Tensor, earlier: Tensor, condition: Tensor) -> Tensor:
        """The same at one place: h (B, width) there and `dilation` places before, condition (B, 2 width)."""
        first, second = self.taps.weight.unbind(2)  # (2 width, width) each
        return _gate(F.linear(earlier, first) + F.linear(h, second, self.taps.bias) + condition)


class WaveNetCache(NamedTuple):
    """What a batch keeps while it is sampled."""

    conditions: Tensor
    """(B, N, width): the term of the context at the input."""
    gates: list[Tensor]
    """(B, 2 width, N) of each layer."""
    rings: list[Tensor]
    """(dilation, B, width) of each layer: its last inputs, that of place t in row t mod dilation."""


class WaveNet(SequenceNetwork):
    """x (B, N), context (B, M, N) -> (B, N, n_out).

    Args:
        event: of the sequences.
        context: M, channels of the context.
        n_out: parameters of each value.
        width: feature maps of the residual and of the skip connections.
        layers: layers of a block, of dilations 1, 2, 4, ...
        blocks: blocks, one after the other.
        dropout: of the input of each layer, while training.
    """

    def __init__(
        self, event: Event, context: int, n_out: int, width: int, layers: int, blocks: int, dropout: float
    ) -> None:
        super().__init__()
        self.enter = StepEncoder(event, context, width)
        dilations = [2**i for _ in range(blocks) for i in range(layers)]
        ends = [*[False] * (len(dilations) - 1), True]
        self.layers = nn.ModuleList(
            GatedLayer(width, context, dilation, last) for dilation, last in zip(dilations, ends, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_out))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.enter(x, context)  # (B, N, width)
        skip = torch.zeros_like(h)
        for layer in self._layers():
            z = layer(self.dropout(h).transpose(1, 2), context).transpose(1, 2)
            h, skip = _add(layer, h, skip, z)
        return self.head(skip)

    def start(self, context: Tensor) -> WaveNetCache:
        width = len(self.enter.slope)
        return WaveNetCache(
            self.enter.conditions(context),
            [layer.conditions(context) for layer in self._layers()],
            [context.new_zeros(layer.dilation, len(context), width) for layer in self._layers()],
        )

    def step(self, cache: WaveNetCache, previous: Tensor, place: int) -> Tensor:
        h = self.enter.at(previous, place, cache.conditions)
        skip = torch.zeros_like(h)
        for layer, gates, ring in zip(self._layers(), cache.gates, cache.rings, strict=True):
            row = ring[place % layer.dilation]
            z = layer.step(h, row, gates[:, :, place])
            row.copy_(h)
            h, skip = _add(layer, h, skip, z)
        return self.head(skip)

    def _layers(self) -> list[GatedLayer]:
        return cast("list[GatedLayer]", list(self.layers))


def _gate(both: Tensor) -> Tensor:
    """(B, 2 width, ...) -> (B, width, ...)."""
    value, gate = both.chunk(2, dim=1)
    return value.tanh() * gate.sigmoid()


def _add(layer: GatedLayer, h: Tensor, skip: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """h and skip (..., width) after a layer with the output z (..., width)."""
    return h if layer.residual is None else h + layer.residual(z), skip + layer.skip(z)
