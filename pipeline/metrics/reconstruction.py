"""How well a model's codes remember held-out data.

    (1 / D) E |x - D(E(x, c), c)|^2

per value, in squared units of the data; images lie in [-1, 1].
"""

from __future__ import annotations

import torch

from pipeline.contract import Batch, Reconstructs


@torch.no_grad()
def reconstruction_error(model: Reconstructs, data: Batch, *, chunk: int) -> float:
    """Mean squared error per value of (x (N, *event), c (N, *condition)), `chunk` items at a time."""
    x, c = data
    parts = zip(x.split(chunk), c.split(chunk), strict=True)
    errors = [(model.decode(model.encode(x, c), c) - x).double().square().flatten(1).mean(1) for x, c in parts]
    return torch.cat(errors).mean().item()
