"""A sentence of the textbooks, the contrasts that speak for or against it, and the models that claims compare.

A roster is the one model of each family that `params.yaml` names in the suite that measures the task with every family:
`points` for mixtures, `conditions` with `extremes` and `colourisation` for shapes, `repeats` for digits. The VAE of
digits is `conv_vae`, since `vae` has a two-dimensional code there, for plots. Rosters are declared, not selected by
test results, and do not change with the models of other suites. Each model is compared on its own: no mean over models
is taken, so that no model's weight depends on how many others are measured on a task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.claims.contrast import Contrast
from pipeline.results.table import Results


@dataclass(frozen=True)
class Claim:
    """A sentence and its contrasts.

    Attributes:
        metric: the columns of results.csv that decide.
        groups: what is compared with what; a positive contrast is for the first.
        figure: its picture, a file of reports/figures.
    """

    id: str
    statement: str
    metric: str
    groups: tuple[str, str]
    contrasts: Callable[[Results], Iterable[Contrast]]
    figure: str | None = None


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
