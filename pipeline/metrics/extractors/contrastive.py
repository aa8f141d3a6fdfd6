"""A small network that tells each training image from the others, trained without labels (SimCLR).

    L = - mean over 2 B views of log( exp(z·z' / t) / sum over the other views v of exp(z·v / t) )

z and z' are the projections, of length 1, of two random views of one image: shifted, of another brightness and
contrast, and with a square left out. No view adds noise or blurs, as the features would become invariant to what they
are meant to show. The features are the hidden layer before the projection, as in the paper.

References:
    Chen, Kornblith, Norouzi, Hinton 2020, A simple framework for contrastive learning of visual representations,
    arXiv:2002.05709.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from pipeline import device as devices
from pipeline.errors import UserError
from pipeline.metrics.extractors.network import descend
from pipeline.metrics.extractors.small_network import SmallNetwork

LEARNING_RATE = 3e-3
"""The peak of a one-cycle schedule."""
TEMPERATURE = 0.2
PROJECTION = 32
"""Dimensions of z."""
SHIFT, HOLE = 1 / 8, 1 / 4
"""Of the side: the farthest shift, and the square that is left out."""
CONTRAST, BRIGHTNESS = 0.2, 0.2
"""The largest change, of the values' range about 0."""


class Contrastive(SmallNetwork):
    """The hidden layer of a funnel that ends in a projection."""

    name = "contrastive"

    def __init__(self, *, dataset: str, channels: int, width: int, features: int) -> None:
        super().__init__(dataset=dataset, channels=channels, width=width, features=features)
        self.head = nn.Sequential(nn.Linear(features, features), nn.SiLU(), nn.Linear(features, PROJECTION))

    def loss(self, x: Tensor) -> Tensor:
        """(): of two views of each of x (B, C, H, W)."""
        first, second = (F.normalize(self.head(self.body(view(x))), dim=1) for _ in range(2))
        return nt_xent(first, second)


def nt_xent(a: Tensor, b: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """(): the loss of pairs a, b (B, D) of rows of length 1."""
    z = torch.cat([a, b])
    logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    other = torch.arange(len(z)).roll(len(a))
    return F.cross_entropy(logits, other)


def view(x: Tensor) -> Tensor:
    """A random view of each of x (B, C, H, W), values of -1 to 1, drawn from torch's global generator."""
    height, width = x.shape[2:]
    rows, columns = _shifts(len(x), height), _shifts(len(x), width)  # (B, H), (B, W)
    item = torch.arange(len(x))[:, None, None]
    x = x.movedim(1, 3)[item, rows[:, :, None], columns[:, None, :]].movedim(3, 1)  # edges are repeated
    scale, offset = (1 + CONTRAST * _signed(len(x)), BRIGHTNESS * _signed(len(x)))
    hole = _inside(len(x), height)[:, :, None] & _inside(len(x), width)[:, None, :]  # (B, H, W)
    return (scale * x + offset).masked_fill(hole[:, None], 0.0)


def _signed(count: int) -> Tensor:
    """(B, 1, 1, 1) uniform in [-1, 1]."""
    return 2 * torch.rand(count, 1, 1, 1) - 1


def _shifts(count: int, side: int) -> Tensor:
    """(B, side) long: which pixel comes to each place."""
    most = max(1, round(SHIFT * side))
    return (torch.arange(side) + torch.randint(-most, most + 1, (count, 1))).clamp(0, side - 1)


def _inside(count: int, side: int) -> Tensor:
    """(B, side) bool: an interval at a random place."""
    length = max(1, round(HOLE * side))
    start = torch.randint(side - length + 1, (count, 1))
    return (torch.arange(side) >= start) & (torch.arange(side) < start + length)


def contrastive(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    width: PositiveInt = 32,
    features: PositiveInt = 64,
    steps: PositiveInt = 600,
    seed: NonNegativeInt = 0,
) -> Contrastive:
    """Train on x (N, C, H, W) without its labels, on the CPU: the hash of its weights is in its name.

    Raises:
        UserError: x are no images.
    """
    if x.ndim != 4:
        raise UserError(f"dataset {dataset} has no images for extractor contrastive; use extractor identity")
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        model = Contrastive(dataset=dataset, channels=x.shape[1], width=width, features=features)
        descend(model, lambda rows: model.loss(x[rows]), len(x), steps, LEARNING_RATE)
    model.standardise(x)
    return model.eval().requires_grad_(False)
