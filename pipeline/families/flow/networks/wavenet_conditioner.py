"""The network of WaveGlow's couplings, a WaveNet that is not causal (Prenger et al. 2018, arXiv:1811.00002, 2.2).

    z = tanh(W_f * h + V_f c) sigmoid(W_g * h + V_g c),    h <- h + R z,    skip <- skip + S z

Layer i sees 2^i places to each side, so that n layers see 2^n - 1 of them. A coupling reads the part of x that it does
not change at all places at once, so that nothing has to be causal.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.families.flow.networks.conditioners import unfold
from pipeline.networks.layers import zero_init


class DilatedLayer(nn.Module):
    """(h (B, channels, T), context (B, M, T)) -> what is added to h, or None of the `last` layer, and to the skip
    connection, (B, channels, T) each: gated convolutions of three taps, `dilation` apart."""

    def __init__(self, channels: int, context: int, dilation: int, dropout: float, last: bool) -> None:
        super().__init__()
        self.drop = nn.Dropout1d(dropout)
        self.taps = nn.Conv1d(channels, 2 * channels, 3, dilation=dilation, padding=dilation)
        self.context = nn.Conv1d(context, 2 * channels, 1, bias=False) if context else None
        self.residual = None if last else nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, h: Tensor, context: Tensor) -> tuple[Tensor | None, Tensor]:
        seen = self.taps(self.drop(h))
        if self.context is not None:
            seen = seen + self.context(context)
        value, gate = seen.chunk(2, dim=1)
        z = value.tanh() * gate.sigmoid()
        return None if self.residual is None else self.residual(z), self.skip(z)


class WaveNetConditioner(nn.Module):
    """(x (B, *shape), h (B, M, finer T)) -> (B, n_out, T), zero at the start.

    The places of h within one of x become channels, as those of x did, so that no detail is lost. Each place has a
    learned bias, since windows of a sound that starts with the window do not look alike at all places.

    Args:
        shape: (C, T) of the part of x that is read.
        context: M, channels of the context.
        n_out: parameters of each place.
        channels: feature maps of the residual and of the skip connections.
        layers: dilated layers, of dilations 1, 2, 4, ...
        dropout: probability that a feature map is set to zero while training.
        finer: places of h for each of x.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        context: int,
        n_out: int,
        channels: int,
        layers: int,
        dropout: float = 0.0,
        finer: int = 1,
    ) -> None:
        super().__init__()
        depth, length = shape
        self.finer = finer
        self.enter = nn.Conv1d(depth, channels, 1)
        self.place = nn.Parameter(torch.zeros(channels, length))
        self.layers = nn.ModuleList(
            DilatedLayer(channels, finer * context, 2**i, dropout, last=i == layers - 1) for i in range(layers)
        )
        self.leave = zero_init(nn.Conv1d(channels, n_out, 1))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        features, context = self.enter(x) + self.place, unfold(h, self.finer)
        total = torch.zeros_like(features)
        for layer in self.layers:
            change, skip = layer(features, context)
            features, total = features if change is None else features + change, total + skip
        out: Tensor = self.leave(total)
        return out
