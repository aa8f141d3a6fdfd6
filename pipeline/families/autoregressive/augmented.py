"""Distribution augmentation: more images for a network that has too few, and a likelihood that stays exact.

    trained    log p(T(x) | T, c)     T one of the symmetries of the grid of pixels, drawn anew for each image
    scored     log p(x | id, c)       and drawn likewise

A network that is told T learns the turned images beside the plain ones, not in their place: no score and no sample is
of a turned image (Jun, Child, Chen, Schulman, Ramesh, Radford & Sutskever 2020, ICML, section 3).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event, Loss
from pipeline.families.autoregressive.image import AutoregressiveImages, Network
from pipeline.families.autoregressive.pixels import Pixels

SQUARE, OBLONG = (0, 1, 2, 3), (0, 2)
"""Quarter turns that keep the height and the width of an image."""


class AugmentedImages(AutoregressiveImages):
    """The context of `network` ends with one map for each of `symmetries(event)`: 1 where it is the one that holds."""

    def __init__(self, event: Event, condition: nn.Module, network: Network, pixels: Pixels) -> None:
        super().__init__(event, condition, network, pixels)
        self.symmetries = symmetries(event)

    @staticmethod
    def told(event: Event) -> int:
        return len(symmetries(event))

    def context(self, c: Tensor) -> Tensor:
        plain = super().context(c)
        return self._told(plain, torch.zeros(len(c), dtype=torch.long))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        which = torch.randint(len(self.symmetries), (len(x),))
        plain = super().context(c)
        x, context = self._turned(torch.cat([x, plain], dim=1), which).split([x.shape[1], plain.shape[1]], dim=1)
        nll = -self.pixels.log_prob(x, self.network(x, self._told(context, which))).mean()
        return Loss(nll, {"nll": nll})

    def _turned(self, maps: Tensor, which: Tensor) -> Tensor:
        """Each row of maps (B, n, H, W) under its own symmetry, which (B,) long."""
        turned = torch.empty_like(maps)
        for index, symmetry in enumerate(self.symmetries):
            rows = (which == index).nonzero()[:, 0]
            turned = turned.index_copy(0, rows, symmetry(maps[rows]))
        return turned

    def _told(self, context: Tensor, which: Tensor) -> Tensor:
        """(B, M, H, W) -> (B, M + S, H, W)."""
        told = F.one_hot(which, len(self.symmetries)).to(context)[:, :, None, None]
        return torch.cat([context, told.expand(-1, -1, *context.shape[2:])], dim=1)


def symmetries(event: Event) -> list[partial[Tensor]]:
    """The identity first: quarter turns, with and without a reflection, that keep the shape of (B, n, H, W)."""
    turns = SQUARE if event.shape[-2] == event.shape[-1] else OBLONG
    return [partial(symmetry, turns=k, flip=flip) for flip in (False, True) for k in turns]


def symmetry(maps: Tensor, turns: int, flip: bool) -> Tensor:
    """(B, n, H, W) reflected in its vertical axis or not, then turned by as many quarters."""
    return torch.rot90(maps.flip(-1) if flip else maps, turns, (-2, -1))
