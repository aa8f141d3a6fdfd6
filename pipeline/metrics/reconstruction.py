"""How well a model's codes remember held-out data.

    (1 / D) E |x - D(E(x, c), c)|^2

per value, in squared units of the data; images lie in [-1, 1]. Restoration is the same from a corrupted input,
x + σ ε: what a denoising autoencoder is for (Vincent et al. 2008, doi:10.1145/1390156.1390294).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Batch, Reconstructs
from pipeline.metrics.finite import check_finite

CORRUPTION = 0.3
"""σ, in units of the data's scale."""


def reconstruction_error(model: Reconstructs, data: Batch, *, chunk: int) -> Tensor:
    """(N,) float64: mean squared error per value of (x (N, *event), c (N, *condition)), `chunk` items at a time."""
    return _error(model, data[0], data, chunk)


def restoration_error(model: Reconstructs, data: Batch, *, scale: float, chunk: int) -> Tensor:
    """The same, where the model is shown x corrupted by the same noise each time."""
    noise = torch.randn(data[0].shape, generator=torch.Generator().manual_seed(0))
    return _error(model, data[0] + CORRUPTION * scale * noise, data, chunk)


@torch.no_grad()
def _error(model: Reconstructs, shown: Tensor, data: Batch, chunk: int) -> Tensor:
    """Of what the model makes of `shown` (N, *event), against x."""
    parts = zip(shown.split(chunk), *(part.split(chunk) for part in data), strict=True)
    errors = [(model.decode(model.encode(s, c), c) - x).double().square().flatten(1).mean(1) for s, x, c in parts]
    return check_finite(torch.cat(errors), "the reconstruction error of item")
