"""What is said of covering and seeking: who keeps to the data, and who leaves modes out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference
from pipeline.claims.results import EXPLICIT, Results, mean

TASKS, KNOWN = ("ring", "grid", "shapes_none"), ("ring", "grid")
SPARSE, DENSE = "shapes_class", "shapes_grayscale"
SIDES = {"gan": ("gan",), "likelihood models": EXPLICIT}
KNOBS = (
    ("temperature", "digits", ("pixelcnn", "realnvp", "vae"), 0.7),
    ("truncation", "digits", ("gan_nonsaturating",), 0.7),
    ("guidance", "shapes_class", ("guided_ddpm",), 3.0),
)
"""Name, task, models and the setting that is compared with 1; fixed before any was turned."""
WIDE = {
    "grid": {"likelihood models": ("ar_mixture", "realnvp", "vae", "ddpm"), "gan": ("gan_nonsaturating",)},
    "digits": {"likelihood models": ("pixelcnn", "realnvp", "vae"), "gan": ("gan_nonsaturating",)},
}
"""Models that are trained at an eighth of their width as well, in as many steps."""
ABLE = 0.5
"""Precision and recall that a model of full width has to have: what stands at the floor cannot fall."""
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


def _turned(results: Results) -> Iterator[Contrast]:
    """A knob turned towards the modes: precision above that at 1, recall below."""
    for name, task, models, setting in KNOBS:
        for model, metric in product(models, ("precision", "recall")):
            down, one = (results.turned(task, model, at, metric) for at in (setting, 1.0))
            sides, ends = ((down, one), (setting, 1)) if metric == "precision" else ((one, down), (1, setting))
            yield difference(f"{task}, {metric}, {model}, {name} {ends[0]:g} - {ends[1]:g}", *sides)


def _narrow(results: Results) -> Iterator[Contrast]:
    """What an eighth of the width costs in precision, and that it is more than in recall; of GANs the other way."""
    for task, models in WIDE.items():
        for side, names in models.items():
            able = [name for name in names if _able(results, task, name)]
            first, second = ("recall", "precision") if side == "gan" else ("precision", "recall")
            lost = {metric: _lost(results, task, able, metric) for metric in (first, second)}
            yield replace(lost[first], name=f"{task}, {side}, loss of {first}")
            yield difference(f"{task}, {side}, loss of {first} - of {second}", lost[first].seeds, lost[second].seeds)


def _able(results: Results, task: str, model: str) -> bool:
    """Whether at full width it has both to lose."""
    return all(ABLE <= results.mean(task, model, metric) < math.inf for metric in ("precision", "recall"))


def _lost(results: Results, task: str, models: Sequence[str], metric: str) -> Contrast:
    wide, narrow = (mean([results.seeds(task, m + end, metric) for m in models]) for end in ("", "_eighth"))
    return difference(f"{task}, loss of {metric}", wide, narrow)


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
        "With too little capacity a likelihood model gives up precision first, and a GAN recall: here at an eighth of "
        "the width, of both players, with the same steps.",
        "precision, recall", ("likelihood models", "gan"),
        _narrow, "capacity-grid-plane.png",
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
        _turned, "images-digits-plane.png",
    ),
)  # fmt: skip
