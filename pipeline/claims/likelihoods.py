"""Claims about likelihoods: the families' bits/dim, importance weights, and parameters.

The families report numbers of different kinds: autoregressive models exact ones, flows of images, VAEs and diffusion
models upper bounds on bits/dim. A bound below an exact number decides; a bound above it does not (`contrast`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.claims.claim import Claim, roster
from pipeline.claims.contrast import Contrast, by_sign, difference, families, unmeasured
from pipeline.results.table import NARROW, Results

DIGITS, IMAGES, MIXTURES = "digits", "shapes_none", ("ring", "ring_wide", "grid", "grid_wide")
"""Of images, that on which each explicit family has two models or more; and that of the pair below."""
OTHERS = ("flow", "vae", "diffusion")
BITS = 0.02
"""The equivalence bound of bits per dimension."""
AUTOREGRESSIVE, FACTORISED = "conditional_pixelcnn", "cvae"
FLOWS = tuple(f"realnvp{width}" for width in ("", *NARROW))
RIVALS = {
    "autoregressive": tuple(f"pixelcnn{width}" for width in ("", *NARROW)),
    "vae": ("conv_vae",),
}
"""Models of digits by family. Not `vae`, whose two-dimensional code is for plots."""


def _leads(results: Results) -> Iterator[Contrast]:
    own = roster(results, DIGITS, "autoregressive", "bits_per_dim")
    for family in OTHERS:
        rivals = roster(results, DIGITS, family, "bits_per_dim")
        yield families(f"{DIGITS}, bits/dim, {family} - autoregressive", rivals, own)


def _draws(results: Results) -> Iterator[Contrast]:
    """A theorem (Burda et al. 2016, arXiv:1509.00519): E IWAE-k does not fall in k, so that the sign decides, at any
    step of a training."""
    found = [(task, model) for task in MIXTURES for model in results.models(task, ("vae",))]
    for task, model in found:
        one, many = (results.seeds(task, model, metric, at_any_step=True) for metric in ("elbo", "iwae_64"))
        yield by_sign(difference(f"{task}, {model}, IWAE-64 - ELBO", many, one, as_reported=True))
    if not found:
        yield unmeasured(f"a VAE on one of {', '.join(MIXTURES)}")


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
        "than flows, VAEs and diffusion models.",
        "autoregressive models have the best bits/dim",
        "bits_per_dim", ("autoregressive", "flow, vae, diffusion, by their bounds"), _leads, None, BITS,
    ),
    Claim(
        "more-draws",
        "More importance weights tighten a VAE's bound: IWAE-64 lies above the ELBO.",
        "64 importance weights tighten a VAE's bound",
        "iwae_64, elbo", ("IWAE-64", "ELBO"), _draws,
    ),
    Claim(
        "factorised-decoder",
        "A decoder whose values are independent given the code has worse bits/dim than an autoregressive model that "
        "is no larger.",
        "a factorised decoder costs bits/dim",
        "bits_per_dim", ("autoregressive", "vae"), _factorised, None, BITS,
    ),
    Claim(
        "flow-parameters",
        "A flow needs more parameters than an autoregressive model or a VAE for the same bits/dim.",
        "a flow needs more parameters for the same bits/dim",
        "bits_per_dim, parameters", ("other explicit families", "flow"),
        _parameters, "capacity_digits-digits-plane.png", BITS,
    ),
)  # fmt: skip
