"""Claims about covering and seeking: which models keep to the data, and which leave modes out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference
from pipeline.claims.roster import GAN, LIKELIHOOD, ROSTERS
from pipeline.results.selection import Results

TASKS, KNOWN = ("ring", "grid", "shapes_none"), ("ring", "grid")
SPARSE, DENSE = "shapes_class", "shapes_grayscale"
KNOBS = (
    ("temperature", "digits", ("pixelcnn", "realnvp", "vae"), 0.7),
    ("truncation", "digits", ("gan_nonsaturating",), 0.7),
    ("guidance", "shapes_class", ("guided_ddpm",), 3.0),
)
"""Name, task, models and the setting that is compared with 1, as they stood in the commit that added the sweeps."""
WIDE = {
    "grid": {LIKELIHOOD: ("ar_mixture", "realnvp", "vae", "ddpm"), GAN: ("gan_nonsaturating",)},
    "digits": {LIKELIHOOD: ("pixelcnn", "realnvp", "vae"), GAN: ("gan_nonsaturating",)},
}
"""Models that are trained at an eighth of their width as well, in as many steps."""


def _gaps(results: Results, task: str, metric: str, more: str, less: str) -> Iterator[Contrast]:
    """Each declared model of one side against each of the other; both are keys of ROSTERS."""
    for a, b in product(ROSTERS[task][more], ROSTERS[task][less]):
        sides = (results.seeds(task, model, metric) for model in (a, b))
        yield difference(f"{task}, {metric.replace('_', ' ')}, {a} - {b}", *sides, part=metric)


def _seeking(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        yield from _gaps(results, task, "precision", GAN, LIKELIHOOD)
        yield from _gaps(results, task, "recall", LIKELIHOOD, GAN)


def _modes(results: Results) -> Iterator[Contrast]:
    for task in KNOWN:
        yield from _gaps(results, task, "modes_hit", LIKELIHOOD, GAN)


def _price(results: Results) -> Iterator[Contrast]:
    """The recall that a GAN gives up against each likelihood model, under a sparse condition and under a dense one."""
    for gan, model in product(ROSTERS[DENSE][GAN], ROSTERS[DENSE][LIKELIHOOD]):
        sparse, dense = (
            difference(task, *(results.seeds(task, of, "recall") for of in (model, gan))).seeds
            for task in (SPARSE, DENSE)
        )
        yield difference(
            f"recall that {gan} gives up against {model}, {SPARSE} - {DENSE}", sparse, dense, part="recall"
        )
    yield from _gaps(results, DENSE, "precision", GAN, LIKELIHOOD)


def _turned(results: Results) -> Iterator[Contrast]:
    """A knob turned towards the modes: precision above that at 1, recall below."""
    for name, task, models, setting in KNOBS:
        for model, metric in product(models, ("precision", "recall")):
            down, one = (results.turned(task, model, at, metric) for at in (setting, 1.0))
            sides, ends = ((down, one), (setting, 1)) if metric == "precision" else ((one, down), (1, setting))
            yield difference(f"{task}, {metric}, {model}, {name} {ends[0]:g} - {ends[1]:g}", *sides, part=metric)


def _narrow(results: Results) -> Iterator[Contrast]:
    """What an eighth of the width costs in precision, and that it is more than in recall; of GANs the other way."""
    for task, side in product(WIDE, (LIKELIHOOD, GAN)):
        first, second = ("recall", "precision") if side == GAN else ("precision", "recall")
        for model in WIDE[task][side]:
            losses = [_loss(results, task, model, metric, side) for metric in (first, second)]
            yield losses[0]
            name = f"{task}, {model}, loss of {first} - of {second}"
            yield difference(name, losses[0].seeds, losses[1].seeds, part=side)


def _loss(results: Results, task: str, model: str, metric: str, side: str) -> Contrast:
    wide, narrow = (results.seeds(task, name, metric) for name in (model, f"{model}_eighth"))
    return difference(f"{task}, {model}, loss of {metric}", wide, narrow, part=side)


CLAIMS = (
    Claim(
        "gan-seeks",
        "GANs have higher precision and lower recall than each of the models trained on likelihood.",
        "precision, recall", ("gan", "likelihood models"), _seeking, "points-grid-plane.png",
    ),
    Claim(
        "likelihood-covers",
        "Each of the models trained on likelihood hits more of the modes; GANs drop some.",
        "modes_hit", ("likelihood models", "gan"), _modes, "points-grid-samples.png",
    ),
    Claim(
        "capacity",
        "With too little capacity each likelihood model gives up precision first, and a GAN recall: here at an eighth "
        "of the width, of both players, with the same steps.",
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
