"""Claims about likelihoods: which family has the best, what bounds cost, and what parameters buy.

The families report numbers of different kinds: autoregressive models exact ones, flows of images, VAEs and diffusion
models upper bounds on bits/dim. A bound below an exact number decides; a bound above it does not (`contrast`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference, unmeasured
from pipeline.claims.roster import LIKELIHOOD, ROSTERS, VAES
from pipeline.results.selection import NARROW, Results

IMAGES, MIXTURES = "shapes_none", ("ring", "ring_wide", "grid", "grid_wide")
AUTOREGRESSIVE, FACTORISED = "conditional_pixelcnn", "cvae"
FLOWS = tuple(f"realnvp{width}" for width in ("", *NARROW))
RIVALS = {
    "autoregressive": tuple(f"pixelcnn{width}" for width in ("", *NARROW)),
    "vae": ("conv_vae",),
}
"""Models of digits by family. Not `vae`, whose two-dimensional code is for plots."""


def _leads(results: Results) -> Iterator[Contrast]:
    own = results.seeds(IMAGES, AUTOREGRESSIVE, "bits_per_dim")
    for model in ROSTERS[IMAGES][LIKELIHOOD]:
        if model != AUTOREGRESSIVE:
            rival = results.seeds(IMAGES, model, "bits_per_dim")
            yield difference(f"{IMAGES}, bits/dim, {model} - {AUTOREGRESSIVE}", rival, own)


def _draws(results: Results) -> Iterator[Contrast]:
    for task in MIXTURES:
        for model in VAES:
            one, many = (results.seeds(task, model, metric) for metric in ("elbo", "iwae_64"))
            yield difference(f"{task}, {model}, IWAE-64 - ELBO", many, one, as_reported=True)


def _factorised(results: Results) -> Iterator[Contrast]:
    vae, autoregressive = (results.seeds(IMAGES, m, "bits_per_dim") for m in (FACTORISED, AUTOREGRESSIVE))
    yield difference(f"{IMAGES}, bits/dim, {FACTORISED} - {AUTOREGRESSIVE}", vae, autoregressive)


def _parameters(results: Results) -> Iterator[Contrast]:
    """Each flow with the largest model of each rival family that has no more parameters."""
    sizes = {model: _size(results, model) for models in (FLOWS, *RIVALS.values()) for model in models}
    for family, models in RIVALS.items():
        pairs = [(flow, rival) for flow in FLOWS if (rival := _largest(models, sizes, sizes[flow]))]
        for flow, rival in pairs:
            own, other = (results.seeds("digits", model, "bits_per_dim") for model in (flow, rival))
            name = f"digits, bits/dim, {flow} - {rival}, the largest with no more parameters"
            yield difference(name, own, other, part=family)
        if not pairs:
            yield unmeasured(f"a flow on digits, and a model of family {family} with no more parameters")


def _size(results: Results, model: str) -> float | None:
    """Its parameters, which are those of any seed."""
    return next(iter(results.seeds("digits", model, "parameters").values()), None)


def _largest(models: Sequence[str], sizes: dict[str, float | None], most: float | None) -> str | None:
    small = {
        model: size for model in models if (size := sizes[model]) is not None and most is not None and size <= most
    }
    return max(small, key=lambda model: small[model], default=None)


CLAIMS = (
    Claim(
        "autoregressive-likelihood",
        "Autoregressive models capture how the elements of an image depend on each other: they have better bits/dim "
        "than the flow, the VAE and the diffusion model.",
        "bits_per_dim", ("autoregressive", "flow, vae, diffusion, by their bounds"), _leads,
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
        _parameters, "capacity_digits-digits-plane.png",
    ),
)  # fmt: skip
