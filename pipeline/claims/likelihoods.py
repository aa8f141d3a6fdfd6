"""What is said of likelihoods: who has the best, what bounds cost, and that a better one is no better picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference, unmeasured
from pipeline.claims.results import EXPLICIT, NARROW, Results

FLOW, RIVALS, WIDTHS = "realnvp", ("pixelcnn", "vae"), ("", *NARROW)
"""Trained on digits at each width."""
IMAGES, MIXTURES = "shapes_none", ("ring", "ring_wide", "grid", "grid_wide")


def _lead(results: Results) -> Iterator[Contrast]:
    others = [family for family in EXPLICIT if family != "autoregressive"]
    rival, own = (results.best(IMAGES, families, "bits_per_dim") for families in (others, ["autoregressive"]))
    yield difference(f"{IMAGES}, best of the others - best autoregressive", rival, own)


def _draws(results: Results) -> Iterator[Contrast]:
    for task in MIXTURES:
        one, many = (results.family(task, ["vae"], metric) for metric in ("elbo", "iwae_64"))
        yield difference(f"{task}, mean over VAEs, IWAE-64 - ELBO", many, one)


def _factorised(results: Results) -> Iterator[Contrast]:
    vae, autoregressive = (results.seeds(IMAGES, m, "bits_per_dim") for m in ("cvae", "conditional_pixelcnn"))
    yield difference(f"{IMAGES}, cvae - conditional_pixelcnn", vae, autoregressive)


def _frugal(results: Results) -> Iterator[Contrast]:
    """A flow at each of its widths, against the best of each rival's widths that have no more parameters."""
    for rival, width in product(RIVALS, WIDTHS):
        own, size = (results.seeds("digits", FLOW + width, metric) for metric in ("bits_per_dim", "parameters"))
        small = [m for m in _widths(rival) if results.mean("digits", m, "parameters") <= max(size.values(), default=0)]
        if small:
            best = min(small, key=lambda model: results.mean("digits", model, "bits_per_dim"))
            name = f"digits, bits/dim, {FLOW}{width} - {best}, which has no more parameters"
            yield difference(name, own, results.seeds("digits", best, "bits_per_dim"))
    if not results.seeds("digits", FLOW, "parameters"):
        yield unmeasured("a flow and its rivals at several widths on digits")


def _widths(model: str) -> list[str]:
    return [model + width for width in WIDTHS]


CLAIMS = (
    Claim(
        "autoregressive-likelihood",
        "Autoregressive models capture how the elements of an image depend on each other: of all explicit families "
        "they have the best bits/dim.",
        "bits_per_dim", ("autoregressive", "the best of flow, vae, diffusion, by their bounds"), _lead,
    ),
    Claim(
        "more-draws",
        "More importance weights tighten a VAE's bound: IWAE-64 lies above the ELBO.",
        "iwae_64, elbo", ("IWAE-64", "ELBO"), _draws,
    ),
    Claim(
        "factorised-decoder",
        "A decoder whose values are independent given the code pays in bits/dim against an autoregressive model that "
        "is no larger.",
        "bits_per_dim", ("autoregressive", "vae"), _factorised,
    ),
    Claim(
        "flow-parameters",
        "A flow needs more parameters than an autoregressive model or a VAE for the same bits/dim.",
        "bits_per_dim, parameters", ("other explicit families", "flow"),
        _frugal, "capacity_digits-digits-plane.png",
    ),
)  # fmt: skip
