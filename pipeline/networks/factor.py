"""The network of one autoregressive factor: parameters of p(x_i | x_<i, c)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.networks.mlp import Fourier, mlp


class FactorNetwork(nn.Module):
    """(x_<i (B, i), h (B, V)) -> (B, 3 K); the K means start evenly over [-scale, scale]."""

    def __init__(self, i: int, context: int, mixtures: int, width: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.embed = Fourier(octaves, base=math.pi / 2 / scale)
        self.net = mlp(self.embed.width(i) + context + 1, 3 * mixtures, width)
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias[mixtures : 2 * mixtures] = torch.linspace(-scale, scale, mixtures)
            last.bias[2 * mixtures :] = math.log(scale / mixtures)

    def forward(self, past: Tensor, h: Tensor) -> Tensor:
        one = h.new_ones(len(h), 1)  # the first factor has no past and may have no condition
        parameters: Tensor = self.net(torch.cat([self.embed(past), h, one], dim=-1))
        return parameters
