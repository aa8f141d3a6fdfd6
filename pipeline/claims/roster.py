"""The models that a claim about families compares, declared by task.

A roster is the one model of each family that `params.yaml` names in the suite that measures the task with every family:
`points` for mixtures, `conditions` with `extremes` and `colourisation` for shapes, `repeats` for digits. The VAE of
digits is `conv_vae`, since `vae` has a two-dimensional code there, for plots. No test result enters, and neither does a
model that another suite adds. Each model is compared on its own: no mean over models is taken, so that no model's
weight depends on how many others stand on a task.
"""

from __future__ import annotations

from collections.abc import Mapping

GAN, LIKELIHOOD = "gan", "likelihood models"

_POINTS = {LIKELIHOOD: ("ar_mixture", "realnvp", "vae", "ddpm"), GAN: ("gan_nonsaturating",)}
_SHAPES = {LIKELIHOOD: ("conditional_pixelcnn", "conditional_glow", "cvae", "guided_ddpm"), GAN: ("cgan",)}

SHAPES = ("shapes_none", "shapes_class", "shapes_box", "shapes_segmentation", "shapes_grayscale")
"""From no condition to the densest."""

ROSTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ring": _POINTS,
    "grid": _POINTS,
    **dict.fromkeys(SHAPES, _SHAPES),
}
"""Task -> side -> models."""

EXACT = ("ar_mixture", "made", "nice", "realnvp", "spline_flow", "flow_matching")
"""The models of mixtures whose likelihood is exact, in the suites `points`, `densities` and `overlap`."""
VAES = ("vae", "iwae", "hierarchical_vae")
"""The models of mixtures with an ELBO and an IWAE-64, in the same suites."""
