"""What is said of autoencoders: poor generators, and good menders of what was spoilt."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, log_ratio
from pipeline.results.selection import Results


def _prior(results: Results) -> Iterator[Contrast]:
    sides = (results.seeds("digits", model, "frechet") for model in ("plain_autoencoder_standard", "code_vae"))
    yield log_ratio("digits, Fréchet distance, draws from a standard normal, plain_autoencoder / code_vae", *sides)


def _restoring(results: Results) -> Iterator[Contrast]:
    plain, denoising = (
        results.seeds("digits", m, "restoration") for m in ("plain_autoencoder", "denoising_autoencoder")
    )
    yield log_ratio("digits, squared error of restored images, plain / denoising autoencoder", plain, denoising)


CLAIMS = (
    Claim(
        "autoencoder-prior",
        "A plain autoencoder is a poor generator: its decoder was never shown a draw from a prior.",
        "frechet", ("vae", "autoencoder"), _prior, "images-digits-samples.png",
    ),
    Claim(
        "denoising",
        "A denoising autoencoder restores spoilt input better than a plain one.",
        "restoration", ("denoising_autoencoder", "plain_autoencoder"), _restoring,
    ),
)  # fmt: skip
