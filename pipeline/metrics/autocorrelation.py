"""Error of the autocorrelation of sequences: how values that are k steps apart go together.

    r_k = sum_n sum_t (x_nt - m)(x_n(t+k) - m) / (T - k)  /  sum_n sum_t (x_nt - m)^2 / T,    k = 1 .. K
    error = sqrt(1/K sum_k (r_k of samples - r_k of test items)^2)

m is the mean over all items and steps of a side; sums run over channels too. K is a quarter of the length, `LAGS` at
most. Two samples of one process differ by about 1 / sqrt(N T): read the number beside that of `real`.

r_k is a function of means over items: of x, x², x_t x_(t+k), x_t and x_(t+k) within an item. So the sampling interval
is of resampled items, of both sides (`bootstrap`).

References:
    Box, Jenkins, Reinsel & Ljung 2015, Time Series Analysis, section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.bootstrap import Bootstrap
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
    return _of_moments(_moments(x, lags).mean(dim=0))


def _moments(x: Tensor, lags: int) -> Tensor:
    """x (N, C, T) -> (N, 2 + 3 K) float64: the means within each item of x, x², x_t x_(t+k), x_t and x_(t+k), the last
    three over the steps that have a partner; x from the mean of all, for which r_k is the same."""
    import torch

    centred = x.double() - x.double().mean()
    steps = range(1, lags + 1)
    first, second = ([centred[..., :-k] for k in steps], [centred[..., k:] for k in steps])
    products = [a * b for a, b in zip(first, second, strict=True)]
    parts = [centred, centred.square(), *products, *first, *second]
    return torch.stack([part.mean(dim=(1, 2)) for part in parts], dim=1)


def _of_moments(means: Tensor) -> Tensor:
    """Means (..., 2 + 3 K) of the moments of items -> r (..., K)."""
    m, square, rest = means[..., :1], means[..., 1:2], means[..., 2:]
    product, first, second = rest.unflatten(-1, (3, -1)).unbind(-2)
    return (product - m * (first + second) + m * m) / (square - m * m).clamp(min=1e-12)


def autocorrelation_error(real: Tensor, fake: Tensor) -> Tensor:
    """r (..., K) of two sides -> (...): the root of the mean square of their difference."""
    return (real - fake).square().mean(dim=-1).sqrt()


def resampled(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor, lags: int) -> Tensor:
    """x (N, C, T) and (M, C, T) -> (B,) float64: the error of each resample."""
    sides = {"real": real, "fake": fake}
    found = (_of_moments(bootstrap.means(side, _moments(x, lags))) for side, x in sides.items())
    return autocorrelation_error(*found)


def lags_of(length: int) -> int:
    """K of sequences of a length."""
    return max(1, min(LAGS, length // 4))


def _error(context: EvaluationContext) -> float:
    lags = lags_of(context.task.event.shape[-1])
    return float(autocorrelation_error(*(autocorrelation(x[:], lags) for x in (context.test[0], context.samples))))


def _resampled(context: EvaluationContext) -> Tensor:
    lags = lags_of(context.task.event.shape[-1])
    return resampled(context.bootstrap, real=context.test[0][:], fake=context.samples[:], lags=lags)


METRICS = (
    Metric(
        name="autocorrelation_error", title="autocorrelation error", unit="correlation", better="lower", order=335,
        digits=3, high=2.0, compute=_error, requires=lambda c: has_samples(c) and c.is_sequences,
        protocol=lambda c: (
            f"{protocol.test(c)}, {protocol.samples(c)}, {lags_of(c.task.event.shape[-1])} lags"
        ),
        interval=of_resamples(_resampled, 0, 2),
    ),
)  # fmt: skip
