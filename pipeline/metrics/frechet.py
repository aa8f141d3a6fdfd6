"""Fréchet distance between Gaussians fitted to real and fake features.

    d² = |m_r - m_f|² + tr(S_r + S_f - 2 (S_r S_f)^(1/2))

Two samples of N from the *same* white Gaussian in d dimensions are about d (d + 5) / (2 N) apart: read the number
beside that of the `real` control, or with that bias taken away: it falls as 1 / N, so the intercept of a line through
the distances of smaller samples over 1 / N is what infinitely many would score. Noise is then all that is left of it,
to either side of 0.

Dowson, Landau 1982; Heusel et al. 2017, GANs trained by a two time-scale update rule, arXiv:1706.08500; Chong, Forsyth
2020, Effectively unbiased FID, arXiv:1911.07023.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

SIZES = 15
"""The paper's."""
SMALLEST = 1 / 3
"""Of the samples there are. WHY not a tenth, as in the paper: ours are hundreds, not tens of thousands."""


class _Features(nn.Identity):
    """What torchmetrics asks of a feature extractor whose features are already there."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.num_features = size


def frechet(*, real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) -> the squared distance, with statistics in float64; lower is better.

    Raises:
        RuntimeError: N or M is below 2.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance  # WHY here: the import costs seconds

    metric = FrechetInceptionDistance(_Features(real.shape[1]))
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return float(metric.compute())


def frechet_infinity(*, real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) -> the distance extrapolated to infinitely many of both; a fixed seed draws the parts.

    Raises:
        RuntimeError: a third of N or M is below 2.
    """
    most = min(len(real), len(fake))
    rng = torch.Generator().manual_seed(0)
    sizes = [round(size) for size in np.linspace(SMALLEST * most, most, SIZES)]
    parts = [[x[torch.randperm(len(x), generator=rng)[:size]] for x in (real, fake)] for size in sizes]
    found = [frechet(real=a, fake=b) for a, b in parts]
    return float(np.polynomial.Polynomial.fit([1 / size for size in sizes], found, 1)(0.0))
