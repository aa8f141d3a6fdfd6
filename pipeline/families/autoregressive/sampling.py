"""The naive sampler: the whole network for each (sub-)pixel, of whose parameters all but one place are thrown away.

With the same noise in the same order it draws what `AutoregressiveImages.sample` draws; that is a test, and the time
that it takes is what the cache is measured against.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.families.autoregressive.image import AutoregressiveImages


@torch.no_grad()
def naive(model: AutoregressiveImages, c: Tensor) -> Tensor:
    """c (B, *condition) -> x (B, C, H, W), at the cost of H W passes for each visit of a place."""
    context = model.context(c)

    def parameters(x: Tensor, row: int, column: int) -> Tensor:
        return model.network(x, context)[:, :, row, column]

    return model.draw(len(c), parameters)
