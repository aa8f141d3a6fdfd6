"""What is said of covering and seeking: who keeps to the data, and who leaves modes out."""

from __future__ import annotations

from collections.abc import Iterator

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
"""Models that are trained at an eighth of their width as well."""
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
        for metric, more in (("precision", True), ("recall", False)):
            down, one = (mean([results.turned(task, m, at, metric) for m in models]) for at in (setting, 1.0))
            sides = (down, one) if more else (one, down)
            ends = f"{setting:g} - 1" if more else f"1 - {setting:g}"
            yield difference(f"{task}, {metric}, {name} {ends}", *sides)


def _narrow(results: Results) -> Iterator[Contrast]:
    """What an eighth of the width costs in precision, less what it costs in recall; of GANs the other way round."""
    for task, models in WIDE.items():
        for side, names in models.items():
            lost = {}
            for metric in ("precision", "recall"):
                wide, narrow = (mean([results.seeds(task, n + end, metric) for n in names]) for end in ("", "_eighth"))
                lost[metric] = difference(metric, wide, narrow).seeds
            first, second = ("recall", "precision") if side == "gan" else ("precision", "recall")
            yield difference(f"{task}, {side}, loss of {first} - of {second}", lost[first], lost[second])


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
