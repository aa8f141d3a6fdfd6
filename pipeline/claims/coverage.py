"""What is said of covering and seeking: who keeps to the data, and who leaves modes out."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference, unmeasured
from pipeline.claims.results import EXPLICIT, Results

TASKS, KNOWN = ("ring", "grid", "shapes_none"), ("ring", "grid")
SPARSE, DENSE = "shapes_class", "shapes_grayscale"
SIDES = {"gan": ("gan",), "likelihood models": EXPLICIT}
SEEKS, COVERS = ("gan", "likelihood models"), ("likelihood models", "gan")


def _gap(results: Results, task: str, metric: str, more: str, less: str) -> Contrast:
    """By how much the mean of one side exceeds that of the other; both are keys of SIDES."""
    means = (results.family(task, SIDES[side], metric) for side in (more, less))
    return difference(f"{task}, {metric.replace('_', ' ')}, {more} - {less}", *means)


def _seeking(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        yield _gap(results, task, "precision", *SEEKS)
        yield _gap(results, task, "recall", *COVERS)


def _modes(results: Results) -> Iterator[Contrast]:
    for task in KNOWN:
        yield _gap(results, task, "modes_hit", *COVERS)


def _price(results: Results) -> Iterator[Contrast]:
    sparse, dense = (_gap(results, task, "recall", *COVERS).seeds for task in (SPARSE, DENSE))
    yield difference(f"recall that a GAN gives up, {SPARSE} - {DENSE}", sparse, dense)
    yield _gap(results, DENSE, "precision", *SEEKS)


CLAIMS = (
    Claim(
        "gan-seeks",
        "GANs have higher precision and lower recall than models trained on likelihood.",
        "precision, recall", ("gan", "likelihood models"), _seeking, "points-grid-plane.png",
    ),
    Claim(
        "likelihood-covers",
        "Models trained on likelihood hit more of the modes; GANs drop some.",
        "modes_hit", ("likelihood models", "gan"), _modes, "points-grid-samples.png",
    ),
    Claim(
        "capacity",
        "With too little capacity a likelihood model gives up precision first, and a GAN recall.",
        "precision, recall", ("likelihood models", "gan"),
        lambda _: [unmeasured("the same models at 1/8, 1/4 and 1/2 of their width")],
    ),
    Claim(
        "dense-seeking",
        "Under a dense condition the realism that a GAN buys costs it little variety; under a sparse one, much.",
        "precision, recall", ("sparse", "dense"), _price, "conditions-ladder.png",
    ),
    Claim(
        "knob",
        "One knob moves a model along the line from covering to seeking, without another family.",
        "precision, recall", ("a knob turned down", "the knob at 1"),
        lambda _: [unmeasured("the same models at several settings of their knobs")],
    ),
)  # fmt: skip
