"""What is said of covering and seeking: who keeps to the data, and who leaves modes out."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference, unmeasured
from pipeline.claims.results import EXPLICIT, Results, Seeds

TASKS, KNOWN = ("ring", "grid", "shapes_none"), ("ring", "grid")
SPARSE, DENSE = "shapes_class", "shapes_grayscale"


def _sides(results: Results, task: str, metric: str) -> tuple[Seeds, Seeds]:
    """Means of the GANs and of the likelihood models."""
    return results.family(task, ["gan"], metric), results.family(task, EXPLICIT, metric)


def _seeking(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        gan, explicit = _sides(results, task, "precision")
        yield difference(f"{task}, precision, gan - likelihood models", gan, explicit)
        gan, explicit = _sides(results, task, "recall")
        yield difference(f"{task}, recall, likelihood models - gan", explicit, gan)


def _modes(results: Results) -> Iterator[Contrast]:
    for task in KNOWN:
        gan, explicit = _sides(results, task, "modes_hit")
        yield difference(f"{task}, modes hit, likelihood models - gan", explicit, gan)


def _price(results: Results) -> Iterator[Contrast]:
    lost = {}
    for task in (SPARSE, DENSE):
        gan, explicit = _sides(results, task, "recall")
        lost[task] = difference(task, explicit, gan).seeds
    yield difference(f"recall that a GAN gives up, {SPARSE} - {DENSE}", lost[SPARSE], lost[DENSE])
    gan, explicit = _sides(results, DENSE, "precision")
    yield difference(f"{DENSE}, precision, gan - likelihood models", gan, explicit)


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
