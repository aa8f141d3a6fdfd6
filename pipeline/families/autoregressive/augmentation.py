"""Distribution augmentation: more images for a network that has too few, and a likelihood that stays exact.

    trained    log p(T(x) | T, c)     T drawn anew for each image
    scored     log p(x | id, c)       and sampled likewise

A network that is conditioned on T models the transformed images in addition to the plain ones, not in their place: no
score and no sample is of a transformed image (Jun, Child, Chen, Schulman, Ramesh, Radford & Sutskever 2020, ICML,
section 3, with the symmetries of the grid; small affine maps with their parameters as a condition: Karras et al. 2022,
arXiv:2206.00364, F.2). T is an affine map of the plane, then a symmetry of the grid,

    T(x) = S(A x),    A: turn, stretch, shear, shift, as (cos t e^a, h - sin t, u; sin t, cos t e^b, v),    n ~ N(0, I)

with (t, a, b, h, u, v) = SPREAD n. The network's condition is n and the index of S, all zeros but for S of the plain
image. Between pixels values are interpolated, beyond the border they are those of the border.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.contract import Event, Loss
from pipeline.families.autoregressive.image import AutoregressiveImages

SPREAD = (0.15, 0.1, 0.1, 0.15, 0.12, 0.12)
"""Of the turn in radians, two logarithms of scale, the shear, and two shifts in half sides: a hand's variation."""
WARPED, PLAIN = 0.7, 0.5
"""Shares of images that are warped at all and that surely keep the first symmetry: what is scored is seen often."""
SQUARE, OBLONG = (0, 1, 2, 3), (0, 2)
"""Quarter turns that keep the height and the width of an image."""


class Transformation(NamedTuple):
    """One for each image of a batch."""

    noise: Tensor
    """(B, 6): n, zeros for the identity."""
    symmetry: Tensor
    """(B,) long: index in `symmetries`, 0 for the identity."""

    def of(self, maps: Tensor) -> Tensor:
        """maps (B, n, H, W) float -> the same shape, each under its own transformation."""
        return self._turned(self._warped(maps))

    def told(self, event: Event) -> Tensor:
        """(B, transformation_width(event)): what the network is told."""
        return torch.cat([self.noise, F.one_hot(self.symmetry, len(symmetries(event)))], dim=1)

    def _warped(self, maps: Tensor) -> Tensor:
        turn, a, b, shear, u, v = (self.noise * torch.tensor(SPREAD)).unbind(dim=1)
        rows = [turn.cos() * a.exp(), shear - turn.sin(), u, turn.sin(), turn.cos() * b.exp(), v]
        grid = F.affine_grid(torch.stack(rows, dim=1).unflatten(1, (2, 3)), list(maps.shape), align_corners=False)
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)

    def _turned(self, maps: Tensor) -> Tensor:
        order, every = self.symmetry.argsort(), symmetries(maps)
        alike = maps[order].split(self.symmetry.bincount(minlength=len(every)).tolist())
        turned = torch.cat([symmetry(rows) for symmetry, rows in zip(every, alike, strict=True)])
        return turned[order.argsort()]


def transformation_width(event: Event) -> int:
    """Numbers that a network is told of a transformation."""
    return len(SPREAD) + len(symmetries(event))


def identity(count: int) -> Transformation:
    return Transformation(torch.zeros(count, len(SPREAD)), torch.zeros(count, dtype=torch.long))


def random_transformation(event: Event, count: int) -> Transformation:
    noise = torch.randn(count, len(SPREAD)) * (torch.rand(count, 1) < WARPED)
    symmetry = torch.randint(len(symmetries(event)), (count,)) * (torch.rand(count) >= PLAIN)
    return Transformation(noise, symmetry)


def symmetries(images: Event | Tensor) -> list[partial[Tensor]]:
    """The identity first: quarter turns, with and without a reflection, that keep the shape of (B, n, H, W)."""
    height, breadth = images.shape[-2:]
    turns = SQUARE if height == breadth else OBLONG
    return [partial(_symmetry, turns=k, flip=flip) for flip in (False, True) for k in turns]


def _symmetry(maps: Tensor, turns: int, flip: bool) -> Tensor:
    return torch.rot90(maps.flip(-1) if flip else maps, turns, (-2, -1))


class AugmentedImages(AutoregressiveImages):
    """The context of `network` ends with one map for each number that it is told of T."""

    @staticmethod
    def told(event: Event) -> int:
        return transformation_width(event)

    def context(self, c: Tensor) -> Tensor:
        return self._told(super().context(c), identity(len(c)))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        t, condition = random_transformation(self.event, len(x)), self.condition(c)
        moved, places = t.of(torch.cat([x, condition.map], dim=1)).tensor_split([x.shape[1]], dim=1)
        x, context = self.event.quantise(moved), condition._replace(map=places).everywhere()
        nll = -self.pixels.log_prob(x, self.network(x, self._told(context, t))).mean()
        return Loss(nll, {"nll": nll})

    def _told(self, context: Tensor, t: Transformation) -> Tensor:
        """(B, M, H, W) -> (B, M + told, H, W)."""
        told = t.told(self.event)[:, :, None, None].expand(-1, -1, *context.shape[2:])
        return torch.cat([context, told], dim=1)
