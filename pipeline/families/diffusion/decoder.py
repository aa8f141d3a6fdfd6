"""p(x | z_0): a Gaussian around z_0 / alpha_0 of the noise's own width s = sigma_0 / alpha_0.

On points that is the density. On levels it is the Gaussian's mass in each bin, the outermost bins reaching to
infinity, so that the bound is one on a mass and a draw is the nearest level (Ho et al. 2020, arXiv:2006.11239,
eq. 13).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipeline.contract import Event
from pipeline.families.likelihood import LOG_2PI


def clearance(event: Event, margin: float) -> float:
    """gamma_0 at which half a bin of the event's levels is `margin` times s, so that z_0 nearly tells the level."""
    return -2 * math.log(margin * (event.grid - 1))


class Decoder:
    """p(x | z_0) of an event; a `gamma` is -log SNR at step 0, ()."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def reconstruction(self, x: Tensor, gamma: Tensor) -> Tensor:
        """(B,): E log p(x | z_0) over z_0 given x; on points in closed form, on levels by one draw."""
        if self.event.levels is None:
            return (-0.5 * self.event.dims * (1 + LOG_2PI + gamma)).expand(len(x))
        s = (gamma / 2).exp()
        return self.log_mass(x, x + s * torch.randn_like(x), s).flatten(1).sum(-1)

    def log_mass(self, x: Tensor, mean: Tensor, s: Tensor) -> Tensor:
        """Elementwise log[ Phi((x + d - mean) / s) - Phi((x - d - mean) / s) ], d half a bin."""
        half = 1 / (self.event.grid - 1)
        above = ((x + half - mean) / s).masked_fill(x > 1 - half, math.inf)
        below = ((x - half - mean) / s).masked_fill(x < half - 1, -math.inf)
        low, high = torch.where(below + above > 0, -above, below), torch.where(below + above > 0, -below, above)
        upper = torch.special.log_ndtr(high)  # both in the lower tail, where a difference keeps its digits
        return upper + torch.log1p(-(torch.special.log_ndtr(low) - upper).exp())

    def draw(self, z: Tensor, gamma: Tensor) -> Tensor:
        """x given z_0 (B, *event)."""
        x = z / (-gamma).sigmoid().sqrt() + (gamma / 2).exp() * torch.randn_like(z)
        return x if self.event.levels is None else self.event.quantise(x)
