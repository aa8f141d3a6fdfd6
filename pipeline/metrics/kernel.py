"""Kernel distance: the squared maximum mean discrepancy of real and fake features under a cubic kernel.

    MMD² = E k(r, r') + E k(f, f') - 2 E k(r, f),     k(a, b) = (a·b / D + 1)³

The estimate is unbiased, so it can be below 0 where the two are alike.

Bińkowski et al. 2018, Demystifying MMD GANs, arXiv:1801.01401.
"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor, nn

LARGEST = 2500
"""Rows of the largest kernel matrix: 50 MB in float64."""


def subsets(real: int, fake: int) -> tuple[int, int]:
    """Number and size of the subsets: all samples at once while the kernel matrix is small, else enough of them."""
    size = min(real, fake)
    return math.ceil(size / LARGEST), min(size, LARGEST)


def kernel(*, real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) -> MMD², in float64; lower is better. The subsets are drawn from a fixed seed.

    Raises:
        ValueError: there are no samples.
    """
    from torchmetrics.image.kid import KernelInceptionDistance  # WHY here: the import costs seconds

    count, size = subsets(len(real), len(fake))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # WHY: it warns of keeping the features, which we have anyway
        torch.manual_seed(0)
        metric = KernelInceptionDistance(nn.Identity(), subsets=count, subset_size=size)
        metric.update(real.double(), real=True)
        metric.update(fake.double(), real=False)
        mean, _ = metric.compute()
    return float(mean)
