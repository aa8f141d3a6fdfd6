"""A sentence of the textbooks, the contrasts that speak for or against it, and the models that enter them.

A roster is made by a rule that looks at no result: of a claim about families on a task, every model of these families
that some suite of params.yaml measures there, at full width, whose training converged or has no score to decide it by
(`pipeline.results.convergence`). A model that did not converge is left out by name. The tasks of a claim are those
where each family has two models or more: one model is no sample of a family. Each model has one vote, its mean over
seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.claims.contrast import Contrast
from pipeline.results.table import Results, SeedValues


@dataclass(frozen=True)
class Claim:
    """A sentence and its contrasts.

    Attributes:
        short: the sentence in a few words. metric: the columns of results.csv that decide. groups: what is compared
        with what; a positive contrast is for the first. figure: its picture, a file of reports/figures. margin: the
        equivalence bound: a difference below it, either way, is "no difference of that size". In the unit of
            the contrasts, a ratio where they are ratios; None where no size is negligible.
    """

    id: str
    statement: str
    short: str
    metric: str
    groups: tuple[str, str]
    contrasts: Callable[[Results], Iterable[Contrast]]
    figure: str | None = None
    margin: float | None = None


GAN, LIKELIHOOD = "gan", "likelihood models"

SIDES: Mapping[str, tuple[str, ...]] = {LIKELIHOOD: ("autoregressive", "flow", "vae", "diffusion"), GAN: ("gan",)}
"""Side -> families."""
SHAPES = ("shapes_none", "shapes_class", "shapes_box", "shapes_segmentation", "shapes_grayscale")
"""From no condition to the densest."""
EXACT = ("ar_mixture", "made", "nice", "realnvp", "spline_flow", "flow_matching")
"""The models of mixtures whose likelihood is exact."""


def seeing(results: Results, task: str, metrics: Sequence[str]) -> str:
    """The first of several metrics of one property that the controls of a task admit (`pipeline.statistics.admission`).

    Args:
        results: the table.
        task: of params.yaml.
        metrics: columns of results.csv, the most used first. The first is returned where none is admitted.
    """
    found = (metric for metric in metrics if (known := results.admitted.get((task, metric))) and known.admitted)
    return next(found, metrics[0])


def roster(results: Results, task: str, side: str, metric: str) -> dict[str, SeedValues]:
    """Model -> its values of a metric, of every model of a side on a task; empty of a model that did not converge.

    Args:
        results: the table.
        task: of params.yaml.
        side: a key of `SIDES`, or a family.
        metric: a column of results.csv.
    """
    models = results.models(task, SIDES.get(side, (side,)))
    return {model: results.seeds(task, model, metric) for model in models}
