"""The latent plane: what a two-dimensional code decodes to, over the middle of its standard normal prior.

Codes lie at the normal's quantiles, evenly spread in probability (Kingma & Welling 2014, arXiv:1312.6114, figure 4).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel, Reconstructs, Weighted

SIDE = 16
"""Images along an axis; the outermost lie at the quantiles 1 / 32 and 31 / 32."""


@torch.no_grad()
def plane(model: GenerativeModel, event: Event, data: Batch) -> Tensor | None:
    """(SIDE, SIDE, *event), the first code growing to the right, the second upwards, under the first condition.

    None for what is no image, has no prior over its code, or has another number of code dimensions.
    """
    if not (isinstance(model, Reconstructs) and isinstance(model, Weighted) and event.kind == "images"):
        return None
    x, c = data
    if model.encode(x[:1], c[:1]).shape[1] != 2:
        return None
    steps = torch.special.ndtri((torch.arange(SIDE) + 0.5) / SIDE)
    up, right = torch.meshgrid(steps.flip(0), steps, indexing="ij")
    z = torch.stack([right, up], dim=-1).flatten(0, 1)  # (SIDE SIDE, 2)
    return model.decode(z, c[:1].expand(len(z), *c.shape[1:])).unflatten(0, (SIDE, SIDE))
