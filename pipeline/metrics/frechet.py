"""Fréchet distance between Gaussians fitted to real and fake features.

    d² = |m_r - m_f|² + tr(S_r + S_f - 2 (S_r S_f)^(1/2))

Two samples of N from the *same* white Gaussian in d dimensions are about d (d + 5) / (2 N) apart: read the number
beside that of the `real` control.

Dowson, Landau 1982; Heusel et al. 2017, GANs trained by a two time-scale update rule, arXiv:1706.08500.
"""

from __future__ import annotations

from torch import Tensor, nn


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
