"""Vendi score: the effective number of different items among the samples.

    VS = exp(-sum_i λ_i log λ_i)      λ_i the eigenvalues of K / n, K the matrix of similarities of n items

n identical items score 1, n items without any similarity n. It needs no real data and says nothing of fidelity: noise
scores high, so there is no better direction, and it is compared with the score of the control `real`.

Of images K_ij is the cosine similarity of features. Its nonzero eigenvalues are those of the D x D matrix of normalised
features, which is used where D < n. Of points K_ij = exp(-|x_i - x_j|² / (2 h²)), with h a fifth of the standard
deviation of the real points (root of the mean variance of the coordinates), so that modes further apart than about 4 h
count as different. The n items are the first ones, 1,000 at most: the time is O(n³), on
the CPU.

References:
    Friedman, Dieng 2023, The Vendi Score: A diversity evaluation metric for machine learning, arXiv:2210.02410.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

MOST = 1000
"""Items that the score is of, at most."""
BANDWIDTH = 0.2
"""h, in standard deviations of the real points."""


def vendi(similarities: Tensor, items: int | None = None) -> float:
    """The score of a matrix of similarities.

    Args:
        similarities: (n, n), positive semidefinite, with ones on the diagonal; or another matrix with the same nonzero
            eigenvalues, of `items` items.

    Returns:
        The effective number of items, in [1, n].
    """
    import torch

    values = torch.linalg.eigvalsh(similarities.double() / (items or len(similarities))).clamp(min=0)
    return float(torch.special.entr(values).sum().exp())


def cosine_vendi(x: Tensor) -> float:
    """With the cosine similarities of x (n, D)."""
    import torch

    unit = torch.nn.functional.normalize(x.double(), dim=1)
    gram = unit.T @ unit if x.shape[1] < len(x) else unit @ unit.T
    return vendi(gram, len(x))


def rbf_vendi(x: Tensor, bandwidth: float) -> float:
    """With a Gaussian kernel of the distances of x (n, D)."""
    import torch

    squared = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    return vendi((-squared / (2 * bandwidth**2)).exp())


def _score(context: EvaluationContext) -> float:
    x = context.fake[:MOST]
    if context.is_images:
        return cosine_vendi(x)
    return rbf_vendi(x, BANDWIDTH * float(context.real.double().var(dim=0).mean().sqrt()))


def _protocol(context: EvaluationContext) -> str:
    kernel = (
        "cosine" if context.is_images else f"RBF of {BANDWIDTH:g} standard deviations of test n={len(context.real)}"
    )
    return f"fake n={len(context.fake[:MOST])}, {context.extractor}, {kernel}"


METRICS = (
    Metric(
        name="vendi", title="Vendi score", unit="effective number of items", better="none", order=370, table="file",
        low=1.0, compute=_score, requires=has_samples, protocol=_protocol,
    ),
)  # fmt: skip
