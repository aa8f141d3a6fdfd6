"""Error of the autocorrelation of sequences: how values that are k steps apart go together.

    r_k = sum_n sum_t (x_nt - m)(x_n(t+k) - m) / (T - k)  /  sum_n sum_t (x_nt - m)^2 / T,    k = 1 .. K
    error = sqrt(1/K sum_k (r_k of samples - r_k of test items)^2)

m is the mean over all items and steps of a side; sums run over channels too. K is a quarter of the length, `LAGS` at
most. Two samples of one process differ by about 1 / sqrt(N T): read the number beside that of `real`.

References:
    Box, Jenkins, Reinsel & Ljung 2015, Time Series Analysis, section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

LAGS = 64


def autocorrelation(x: Tensor, lags: int) -> Tensor:
    """The autocorrelation of all items together.

    Args:
        x: (N, C, T).
        lags: K, at most T - 1.

    Returns:
        (K,) float64: r_1 .. r_K; 0 where all values are equal.
    """
    import torch

    centred = x.double() - x.double().mean()
    length = x.shape[-1]
    variance = centred.square().mean().clamp(min=1e-12)
    pairs = [(centred[..., : length - k] * centred[..., k:]).mean() for k in range(1, lags + 1)]
    return torch.stack(pairs) / variance


def lags_of(length: int) -> int:
    """K of sequences of a length."""
    return max(1, min(LAGS, length // 4))


def _error(context: EvaluationContext) -> float:
    lags = lags_of(context.task.event.shape[-1])
    real, fake = (autocorrelation(x[:], lags) for x in (context.test[0], context.samples))
    return float((real - fake).square().mean().sqrt())


METRICS = (
    Metric(
        name="autocorrelation_error", title="autocorrelation error", unit="correlation", better="lower", order=335,
        digits=3, high=2.0, compute=_error, requires=lambda c: has_samples(c) and c.is_sequences,
        protocol=lambda c: (
            f"{protocol.test(c)}, {protocol.samples(c)}, {lags_of(c.task.event.shape[-1])} lags"
        ),
    ),
)  # fmt: skip
