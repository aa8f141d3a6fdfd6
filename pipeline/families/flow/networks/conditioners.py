"""Networks of couplings: from the part of x that is unchanged and the context to the parameters of the rest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.layers import zero_init


class GatedConvResidual(nn.Module):
    """h + a σ(b), (a, b) = conv(dropout(silu(conv(silu(h))))), (B, C, H, W) -> the same.

    (Ho et al. 2019, arXiv:1902.00275, section 3.3.)
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.drop = nn.Dropout2d(dropout)
        self.second = nn.Conv2d(channels, 2 * channels, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        return h + F.glu(self.second(self.drop(F.silu(self.first(F.silu(h))))), dim=1)


class MapConditioner(nn.Module):
    """(x (B, *shape), h (B, M, finer H, finer W)) -> (B, n_out, H, W), zero at the start.

    The places of h within one of x become channels, as those of x itself did, so that no detail is lost. They outnumber
    the channels of x and have a convolution of their own, zero at the start. Each place has a learned bias, since the
    output of a convolution does not depend on the position.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        context: int,
        n_out: int,
        channels: int,
        blocks: int,
        dropout: float = 0.0,
        finer: int = 1,
    ) -> None:
        super().__init__()
        depth, height, width = shape
        self.finer = finer
        self.first = nn.Conv2d(depth, channels, 3, padding=1)
        self.context = zero_init(nn.Conv2d(finer**2 * context, channels, 3, padding=1, bias=False)) if context else None
        self.place = nn.Parameter(torch.zeros(channels, height, width))
        body = [GatedConvResidual(channels, dropout) for _ in range(blocks)]
        self.rest = zero_init(nn.Sequential(*body, nn.SiLU(), nn.Conv2d(channels, n_out, 1)))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        seen = self.first(x) + self.place
        if self.context is not None:
            seen = seen + self.context(F.pixel_unshuffle(h, self.finer))
        out: Tensor = self.rest(seen)
        return out
