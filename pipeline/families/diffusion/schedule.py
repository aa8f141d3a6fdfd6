"""How fast the noise grows: gamma_t = -log SNR at the steps t = 0 .. T, rising from `low` to `high`.

    linear   gamma_t = low + (high - low) t / T                   (Kingma et al. 2021, arXiv:2107.00630, fixed form)
    cosine   gamma_t = 2 log tan phi_t + shift,  phi_t linear     (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17)

At shift 0 alpha_t = cos phi_t. The paper's cosine runs from the angle that its offset s = 0.008 gives (low = -8.8) to
pi/2, where no signal is left; here both ends are given, so that z_0 is as clear as the data's levels need and z_T has
a finite gamma. Most steps are where gamma is about `shift`: a negative one moves them from what an image shows to its
finer levels, where a likelihood's bits are (Hoogeboom et al. 2023, arXiv:2301.11093, eq. 4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def linear(low: float, high: float, steps: int) -> Tensor:
    """(T + 1,) float32."""
    return torch.linspace(low, high, steps + 1, dtype=torch.float64).float()


def cosine(low: float, high: float, steps: int, shift: float = 0.0) -> Tensor:
    """(T + 1,) float32."""
    first, last = (math.atan(math.exp((gamma - shift) / 2)) for gamma in (low, high))
    return (2 * torch.linspace(first, last, steps + 1, dtype=torch.float64).tan().log() + shift).float()
