"""The times at which a batch trains a diffusion or flow-matching model."""

from __future__ import annotations

import torch
from torch import Tensor


def evenly_spread(count: int, device: torch.device) -> Tensor:
    """(count,) numbers of [0, 1), evenly spread after one uniform offset.

    (Kingma et al. 2021, arXiv:2107.00630, appendix I.1.)
    """
    return (torch.rand((), device=device) + torch.arange(count, device=device) / count) % 1
