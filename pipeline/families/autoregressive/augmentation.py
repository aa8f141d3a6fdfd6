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
from pipeline.networks.layers import one_hot

SPREAD = (0.15, 0.1, 0.1, 0.15, 0.12, 0.12)
"""Standard deviations of the turn in radians, two logarithms of scale, the shear, and two shifts in half sides."""
WARPED, PLAIN = 0.7, 0.5
"""Share of images that A moves at all, and share whose symmetry is the identity: plain images are frequent."""
SQUARE, OBLONG = (0, 1, 2, 3), (0, 2)
"""Quarter turns that keep the height and the width of an image."""


class Transformation(NamedTuple):
    """One for each image of a batch."""

    noise: Tensor
    """(B, 6): n, zeros for the identity."""
    symmetry: Tensor
    """(B,) long: index in `symmetries`, 0 for the identity."""

    def apply(self, maps: Tensor) -> Tensor:
        """maps (B, n, H, W) float -> the same shape, each under its own transformation."""
        return self._turned(self._warped(maps))

    def features(self, event: Event) -> Tensor:
        """(B, transformation_width(event)): the condition of the network."""
        return torch.cat([self.noise, one_hot(self.symmetry, len(symmetries(event)))], dim=1)

    def _warped(self, maps: Tensor) -> Tensor:
        turn, a, b, shear, u, v = (n * spread for n, spread in zip(self.noise.unbind(dim=1), SPREAD, strict=True))
        rows = [turn.cos() * a.exp(), shear - turn.sin(), u, turn.sin(), turn.cos() * b.exp(), v]
        grid = F.affine_grid(torch.stack(rows, dim=1).unflatten(1, (2, 3)), list(maps.shape), align_corners=False)
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)

    def _turned(self, maps: Tensor) -> Tensor:
        places = torch.arange(maps.shape[2:].numel(), device=maps.device).view(1, 1, *maps.shape[2:])
        source = torch.cat([symmetry(places) for symmetry in symmetries(maps)])  # (symmetries, 1, H, W): of each place
        chosen = source[self.symmetry].flatten(2).expand(-1, maps.shape[1], -1)
        return maps.flatten(2).gather(2, chosen).view(maps.shape)


def transformation_width(event: Event) -> int:
    """The number of values that describe a transformation to the network."""
    return len(SPREAD) + len(symmetries(event))


def identity(count: int, device: torch.device | None = None) -> Transformation:
    noise = torch.zeros(count, len(SPREAD), device=device)
    return Transformation(noise, torch.zeros(count, dtype=torch.long, device=device))


def random_transformation(event: Event, count: int, device: torch.device | None = None) -> Transformation:
    draw, kinds = partial(torch.rand, device=device), len(symmetries(event))
    noise = torch.randn(count, len(SPREAD), device=device) * (draw(count, 1) < WARPED)
    symmetry = torch.randint(kinds, (count,), device=device) * (draw(count) >= PLAIN)
    return Transformation(noise, symmetry)


def symmetries(images: Event | Tensor) -> list[partial[Tensor]]:
    """The identity first: quarter turns, with and without a reflection, that keep the shape of (B, n, H, W)."""
    height, breadth = images.shape[-2:]
    turns = SQUARE if height == breadth else OBLONG
    return [partial(_symmetry, turns=k, flip=flip) for flip in (False, True) for k in turns]


def _symmetry(maps: Tensor, turns: int, flip: bool) -> Tensor:
    return torch.rot90(maps.flip(-1) if flip else maps, turns, (-2, -1))


class AugmentedImages(AutoregressiveImages):
    """Images whose network has T as a condition: the last channels of its context, one for each number."""

    @staticmethod
    def extra_channels(event: Event) -> int:
        return transformation_width(event)

    def context(self, c: Tensor) -> Tensor:
        return self._with_transformation(super().context(c), identity(len(c), c.device))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        t, condition = random_transformation(self.event, len(x), x.device), self.condition(c)
        moved, places = t.apply(torch.cat([x, condition.map], dim=1)).tensor_split([x.shape[1]], dim=1)
        x, context = self.event.quantise(moved), condition._replace(map=places).everywhere()
        nll = -self.pixels.log_prob(x, self.network(x, self._with_transformation(context, t))).mean()
        return Loss(nll, {"nll": nll})

    def _with_transformation(self, context: Tensor, t: Transformation) -> Tensor:
        """(B, M, H, W) -> (B, M + extra_channels, H, W)."""
        features = t.features(self.event)[:, :, None, None].expand(-1, -1, *context.shape[2:])
        return torch.cat([context, features], dim=1)
