"""What is said of autoencoders: poor generators, and good menders of what was spoilt."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, log_ratio, unmeasured
from pipeline.claims.results import Results


def _prior(results: Results) -> Iterator[Contrast]:
    sides = (results.seeds("digits", model, "frechet") for model in ("dense_autoencoder_standard", "conv_vae"))
    yield log_ratio("digits, Fréchet distance, draws from a standard normal, dense_autoencoder / conv_vae", *sides)


CLAIMS = (
    Claim(
        "autoencoder-prior",
        "A plain autoencoder is a poor generator: its decoder was never shown a draw from a prior.",
        "frechet", ("vae", "autoencoder"), _prior, "images-digits-samples.png",
    ),
    Claim(
        "denoising",
        "A denoising autoencoder restores spoilt input better than a plain one.",
        "reconstruction of spoilt input", ("denoising_autoencoder", "dense_autoencoder"),
        lambda _: [unmeasured("reconstruction of test images with noise on them")],
    ),
)  # fmt: skip
