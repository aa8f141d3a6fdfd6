"""Networks of couplings: from the part of x that is unchanged and the context to the parameters of the rest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.layers import convolution, zero_init


class GatedConvResidual(nn.Module):
    """h + a σ(b), (a, b) = conv(dropout(silu(conv(silu(h))))), (B, C, H, W) or (B, C, T) -> the same.

    (Ho et al. 2019, arXiv:1902.00275, section 3.3.)
    """

    def __init__(self, channels: int, dropout: float, axes: int = 2) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3, axes, padding=1)
        self.drop = nn.Dropout1d(dropout) if axes == 1 else nn.Dropout2d(dropout)
        self.second = convolution(channels, 2 * channels, 3, axes, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        return h + F.glu(self.second(self.drop(F.silu(self.first(F.silu(h))))), dim=1)


class MapConditioner(nn.Module):
    """(x (B, *shape), h (B, M, finer H, finer W)) -> (B, n_out, H, W), zero at the start; of sequences with one axis.

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
        depth, *size = shape
        axes, self.finer = len(size), finer
        self.first = convolution(depth, channels, 3, axes, padding=1)
        unfolded = finer**axes * context
        self.context = zero_init(convolution(unfolded, channels, 3, axes, padding=1, bias=False)) if context else None
        self.place = nn.Parameter(torch.zeros(channels, *size))
        body = [GatedConvResidual(channels, dropout, axes) for _ in range(blocks)]
        self.rest = zero_init(nn.Sequential(*body, nn.SiLU(), convolution(channels, n_out, 1, axes)))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        seen = self.first(x) + self.place
        if self.context is not None:
            seen = seen + self.context(unfold(h, self.finer))
        out: Tensor = self.rest(seen)
        return out


def unfold(h: Tensor, factor: int) -> Tensor:
    """(B, M, factor H, factor W) -> (B, factor^2 M, H, W), or (B, M, factor T) -> (B, factor M, T)."""
    if h.dim() == 4:
        return F.pixel_unshuffle(h, factor)
    return h.unflatten(2, (-1, factor)).movedim(-1, 2).flatten(1, 2)
