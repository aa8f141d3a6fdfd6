"""Networks of autoregressive factors on points: parameters of a Gaussian mixture p(x_i | x_<i, c) for each i."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.networks.mlp import Fourier, mlp


def even_start(mixtures: int, scale: float) -> Tensor:
    """(3 K,) equal weights, means evenly over [-scale, scale], deviations that overlap: where a mixture starts."""
    means, sigmas = torch.linspace(-scale, scale, mixtures), torch.full((mixtures,), math.log(scale / mixtures))
    return torch.cat([torch.zeros(mixtures), means, sigmas])


class FactorNetwork(nn.Module):
    """(x_<i (B, i), h (B, V)) -> (B, 3 K)."""

    def __init__(self, i: int, context: int, mixtures: int, width: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.embed = Fourier(octaves, base=math.pi / 2 / scale)
        self.net = mlp(self.embed.width(i) + context + 1, 3 * mixtures, width)
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(even_start(mixtures, scale))

    def forward(self, past: Tensor, h: Tensor) -> Tensor:
        one = h.new_ones(len(h), 1)  # the first factor has no past and may have no condition
        parameters: Tensor = self.net(torch.cat([self.embed(past), h, one], dim=-1))
        return parameters


class FactorNetworks(nn.Module):
    """(x (B, D), h (B, V)) -> (B, D, 3 K): one network for each coordinate."""

    def __init__(self, dims: int, context: int, mixtures: int, width: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.factors = nn.ModuleList(FactorNetwork(i, context, mixtures, width, octaves, scale) for i in range(dims))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.stack([factor(x[:, :i], h) for i, factor in enumerate(self.factors)], dim=1)
