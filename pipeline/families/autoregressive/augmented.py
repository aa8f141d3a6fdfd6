"""Distribution augmentation: more images for a network that has too few, and a likelihood that stays exact.

    trained    log p(T(x) | T, c)     T drawn anew for each image
    scored     log p(x | id, c)       and drawn likewise

A network that is told T learns the transformed images beside the plain ones, not in their place: no score and no
sample is of a transformed image. (Jun, Child, Chen, Schulman, Ramesh, Radford & Sutskever 2020, ICML, section 3, with
the symmetries of the grid; small affine maps told by their parameters: Karras et al. 2022, arXiv:2206.00364, F.2.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Event, Loss
from pipeline.families.autoregressive import transformation
from pipeline.families.autoregressive.image import AutoregressiveImages
from pipeline.families.autoregressive.transformation import Transformation


class AugmentedImages(AutoregressiveImages):
    """The context of `network` ends with one map for each number that it is told of T."""

    @staticmethod
    def told(event: Event) -> int:
        return transformation.width(event)

    def context(self, c: Tensor) -> Tensor:
        return self._told(super().context(c), transformation.identity(len(c)))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        t, condition = transformation.draw(self.event, len(x)), self.condition(c)
        moved, places = t.of(torch.cat([x, condition.map], dim=1)).tensor_split([x.shape[1]], dim=1)
        x, context = self.event.quantise(moved), condition._replace(map=places).everywhere()
        nll = -self.pixels.log_prob(x, self.network(x, self._told(context, t))).mean()
        return Loss(nll, {"nll": nll})

    def _told(self, context: Tensor, t: Transformation) -> Tensor:
        """(B, M, H, W) -> (B, M + told, H, W)."""
        told = t.told(self.event)[:, :, None, None].expand(-1, -1, *context.shape[2:])
        return torch.cat([context, told], dim=1)
