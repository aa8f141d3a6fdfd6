"""Corrupted images: uniform noise, real images with shuffled pixels, and blurred real images.

A classifier that is trained on real images alone is not trained to separate these from them: the features of noise may
lie among those of a class. They are the examples of a further class, `noise_class`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLUR = 3
"""Side of the box that is averaged over, twice."""


def uniform(x: Tensor) -> Tensor:
    """Independent uniform values in [-1, 1], of the shape of x (N, C, H, W)."""
    return 2 * torch.rand_like(x) - 1


def shuffled(x: Tensor) -> Tensor:
    """The pixels of each image in an order of its own, the same for its channels, so that its colours stay."""
    places = torch.rand(len(x), 1, x[0, 0].numel(), device=x.device).argsort(dim=2)
    return x.flatten(2).gather(2, places.expand(-1, x.shape[1], -1)).view_as(x)


def blurred(x: Tensor) -> Tensor:
    """The mean over a box, twice: a triangular kernel of 5 x 5 pixels."""
    for _ in range(2):
        x = F.avg_pool2d(x, BLUR, stride=1, padding=BLUR // 2, count_include_pad=False)
    return x


KINDS = (uniform, shuffled, blurred)


def corrupted(x: Tensor) -> Tensor:
    """x (N, C, H, W) -> images (N, C, H, W): a third of each kind, drawn from torch's global generator."""
    parts = x.tensor_split(len(KINDS))
    return torch.cat([kind(part) for kind, part in zip(KINDS, parts, strict=True)])
