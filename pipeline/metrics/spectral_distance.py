"""Log-spectral distance: how far the mean power spectrum of samples is from that of test items, in decibels.

    P_f = mean over items of |sum_t x_t e^(-2 pi i f t / T)|^2
    distance = sqrt(1/F sum_f (10 log10((P_f of samples + eps) / (P_f of test items + eps)))^2)

over the frequencies from the first above zero; eps is `FLOOR` times the largest P_f of the test items, so that silence
has no infinite distance. It sees the second moments of a stationary process, all of them; phases it does not see. P_f
is a mean over items, so that the sampling interval is of resampled items, of both sides (`bootstrap`).

References:
    Gray & Markel 1976, Distance measures for speech processing, doi:10.1109/TASSP.1976.1162849.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.bootstrap import Bootstrap

FLOOR = 1e-4
"""40 dB below the strongest frequency."""


def spectra(x: Tensor) -> Tensor:
    """x (N, C, T) -> (N, C, T // 2) float64: power at each frequency above zero."""
    import torch

    return torch.fft.rfft(x.double(), dim=-1).abs().square()[..., 1:]


def log_spectral_distance(*, real: Tensor, fake: Tensor) -> float:
    """Of x (N, C, T) and (M, C, T), in dB, from 0."""
    return float(_distance(spectra(real).mean(dim=0), spectra(fake).mean(dim=0)))


def resampled(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """x (N, C, T) and (M, C, T) -> (B,) float64: the distance of each resample, in dB."""
    return _distance(bootstrap.means("real", spectra(real)), bootstrap.means("fake", spectra(fake)))


def _distance(p: Tensor, q: Tensor) -> Tensor:
    """Mean spectra (..., C, F) of test items and of samples -> (...), in dB."""
    floor = FLOOR * p.amax(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    return (10 * ((q + floor) / (p + floor)).log10()).square().mean(dim=(-2, -1)).sqrt()


METRICS = (
    Metric(
        name="spectral_distance", title="spectral distance", unit="dB", better="lower", order=337, digits=2,
        compute=lambda c: log_spectral_distance(real=c.test[0][:], fake=c.samples[:]),
        requires=lambda c: has_samples(c) and c.is_sequences and c.task.event.shape[-1] > 1,
        protocol=lambda c: f"{protocol.test(c)}, {protocol.samples(c)}",
        interval=of_resamples(lambda c: resampled(c.bootstrap, real=c.test[0][:], fake=c.samples[:]), 0),
    ),
)  # fmt: skip
