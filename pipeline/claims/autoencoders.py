"""Claims about autoencoders: as generators, and for denoising."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, log_ratio
from pipeline.results.table import Results


def _prior(results: Results) -> Iterator[Contrast]:
    sides = (results.seeds("digits", model, "frechet") for model in ("plain_autoencoder_standard", "code_vae"))
    yield log_ratio("digits, Fréchet distance, draws from a standard normal, plain_autoencoder / code_vae", *sides)


def _restoration(results: Results) -> Iterator[Contrast]:
    plain, denoising = (
        results.seeds("digits", m, "restoration") for m in ("plain_autoencoder", "denoising_autoencoder")
    )
    yield log_ratio("digits, squared error of restored images, plain / denoising autoencoder", plain, denoising)


RATIO = 1.1
"""The equivalence bound of distances and errors."""

CLAIMS = (
    Claim(
        "autoencoder-prior",
        "A plain autoencoder is a poor generator: its decoder was not trained on draws from a prior.",
        "a plain autoencoder generates worse than a VAE",
        "frechet", ("vae", "autoencoder"), _prior, "images-digits-samples.png", RATIO,
    ),
    Claim(
        "denoising",
        "A denoising autoencoder restores corrupted images better than a plain one.",
        "a denoising autoencoder restores better than a plain one",
        "restoration", ("denoising_autoencoder", "plain_autoencoder"), _restoration, None, RATIO,
    ),
)  # fmt: skip
