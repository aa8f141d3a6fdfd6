"""The spectrum of a sequence as its features: how strong each frequency is, on average and how much that varies.

    S_fk = log(eps + |sum_t w_t x_(t + k hop) e^(-2 pi i f t / window)|^2),    features: mean and deviation of S over k

w is Hann's window; frames overlap by half. Nothing is learnt and no phase is kept, so that two draws of one stationary
process are near each other. Of sound in mu-law levels it is the spectrum of the companded values.

References:
    Oppenheim & Schafer 2010, Discrete-Time Signal Processing, section 10.5 (Welch's averaged periodogram).
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor

from pipeline.errors import UserError
from pipeline.metrics.extractors.extractor import Extractor
from pipeline.metrics.extractors.network import fingerprint

FLOOR = 1e-3
"""eps: a share of the power that a white sequence of variance 1 would have in each frame."""


class Spectrum(Extractor):
    """x (N, C, T) -> (N, 2 C (window / 2 + 1)), shifted and scaled as a whole by the training split."""

    name = "spectrum"
    centre: Tensor
    """(size,)."""
    scale: Tensor
    """()."""
    taper: Tensor
    """(window,): w, of which the squares add up to 1."""

    def __init__(self, *, dataset: str, channels: int, window: int) -> None:
        super().__init__()
        self.architecture = {"dataset": dataset, "channels": channels, "window": window}
        self.window, self.size = window, 2 * channels * (window // 2 + 1)
        taper = torch.hann_window(window, periodic=False, dtype=torch.float64) + 1e-12
        self.register_buffer("taper", (taper / taper.square().sum().sqrt()).float(), persistent=False)
        self.register_buffer("centre", torch.zeros(self.size))
        self.register_buffer("scale", torch.ones(()))

    @property
    def id(self) -> str:
        return f"{self.architecture['dataset']}-{self.name}@{fingerprint(self)}"

    def forward(self, x: Tensor) -> Tensor:
        if not len(x):  # MKL has no Fourier transform of nothing
            return x.new_zeros(0, self.size)
        frames = x.unfold(2, self.window, max(1, self.window // 2))  # (N, C, K, window)
        power = torch.fft.rfft(frames * self.taper).abs().square()
        log_power = (power + FLOOR).log()  # (N, C, K, F)
        both = torch.cat([log_power.mean(2), log_power.std(2, correction=0)], dim=-1).flatten(1)
        features: Tensor = (both - self.centre) / self.scale
        return features


def spectrum(dataset: str, x: Tensor, label: Tensor | None, *, window: PositiveInt = 32) -> Spectrum:
    """Frames of `window` steps; x (N, C, T) gives origin and unit.

    Raises:
        UserError: x are no sequences, or shorter than a window.
    """
    if x.ndim != 3 or not 4 <= window <= x.shape[2]:
        raise UserError(
            f"dataset {dataset} has no sequences of {window} steps or more, in windows of 4 or more, for extractor "
            "spectrum; choose a smaller `window`, or extractor identity"
        )
    found = Spectrum(dataset=dataset, channels=x.shape[1], window=window)
    features = found.extract(x)
    found.centre.copy_(features.mean(dim=0))
    found.scale.copy_(features.var(dim=0).mean().sqrt().clamp(min=1e-6))
    return found.eval().requires_grad_(False)
