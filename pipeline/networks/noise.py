"""The network that predicts a diffusion's noise or a flow's velocity on points."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.networks.condition import Context
from pipeline.networks.mlp import Fourier, mlp


class NoiseNetwork(nn.Module):
    """(z (B, D), t (B,) in [0, 1], context) -> (B, D)."""

    def __init__(self, dims: int, context: int, width: int, depth: int, octaves: int) -> None:
        super().__init__()
        self.space, self.time = Fourier(octaves), Fourier(4, base=torch.pi)
        self.net = mlp(self.space.width(dims) + self.time.width(1) + context, 2 * dims, width, depth)

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        seen = torch.cat([self.space(z), self.time(t[:, None]), context.flat()], dim=1)
        gate, shift = self.net(seen).chunk(2, dim=1)
        return gate * z + shift  # at high noise eps is nearly z: the network learns what differs
