"""Claims about mode covering and mode seeking: precision, recall and the modes that a model covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.claims.claim import GAN, LIKELIHOOD, SIDES, Claim, roster, seeing
from pipeline.claims.contrast import Contrast, difference, families, within
from pipeline.results.column import column
from pipeline.results.table import Results, SeedValues, sources
from pipeline.statistics.intervals import Seeds

PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "precision": ("precision", "p_precision", "alpha_precision"),
    "recall": ("recall", "beta_recall", "coverage"),
}
"""What a sentence says -> the metrics of it. Each task is judged by the first that its controls admit."""
TASKS = ("ring", "grid", "digits", "stacked_digits")
"""The tasks of params.yaml on which both sides have two models or more."""
MODES: Mapping[str, int] = {"ring": 8, "grid": 25, "stacked_digits": 1000}
"""Of these, those with known modes, and how many they have."""
SPARSE, DENSE = "shapes_class", "shapes_grayscale"
SETTINGS: Mapping[str, float] = {"temperature": 0.7, "truncation": 0.7, "guidance": 3.0}
"""Knob -> the setting that is compared with 1, as declared in the commit that added the sweeps."""
TURNED = ("digits", "shapes_class")
"""The tasks of images whose knobs are turned."""
CAPACITY, EIGHTH = ("grid", "digits"), "_eighth"
"""The tasks on which models are trained at an eighth of their width as well, in as many steps."""
SHARE = 0.1
"""The equivalence bound of shares: a tenth of the samples, of the data or of the modes."""


def _gap(results: Results, task: str, what: str, more: str, less: str) -> Contrast:
    """Every model of one side against every model of the other; `what`: of `PROPERTIES`."""
    metric = seeing(results, task, PROPERTIES[what])
    name = f"{task}, {column(metric).title}, {more} - {less}"
    return families(name, *(roster(results, task, side, metric) for side in (more, less)), part=what)


def _seeking(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        yield _gap(results, task, "precision", GAN, LIKELIHOOD)
        yield _gap(results, task, "recall", LIKELIHOOD, GAN)


def _modes(results: Results) -> Iterator[Contrast]:
    for task, modes in MODES.items():
        sides = (
            {model: _share(of, modes) for model, of in roster(results, task, side, "modes_covered").items()}
            for side in (LIKELIHOOD, GAN)
        )
        yield families(f"{task}, share of the modes covered, {LIKELIHOOD} - {GAN}", *sides)


def _share(counts: SeedValues, modes: int) -> Seeds:
    return SeedValues({seed: count / modes for seed, count in counts.items()}, sources(counts), counts.excess)


def _sparse_and_dense(results: Results) -> Iterator[Contrast]:
    """The recall that GANs give up against likelihood models, under a sparse condition less under a dense one."""
    sides, metric = [], seeing(results, SPARSE, PROPERTIES["recall"])
    for side in (LIKELIHOOD, GAN):
        sparse, dense = (roster(results, task, side, metric) for task in (SPARSE, DENSE))
        shared = [model for model in sparse if model in dense]
        sides.append({model: difference(model, sparse[model], dense[model]).seeds for model in shared})
    yield families(f"recall that GANs give up, {SPARSE} - {DENSE}", *sides, part="recall")
    yield _gap(results, DENSE, "precision", GAN, LIKELIHOOD)


def _knob(results: Results) -> Iterator[Contrast]:
    """A knob set below or above 1, towards the modes: higher precision than at 1, lower recall."""
    for metric in ("precision", "recall"):
        turned = {}
        for task in TURNED:
            knobs = {model: knob for model, knob in results.swept(task).items() if knob in SETTINGS}
            for model, knob in knobs.items():
                down, one = (results.at_setting(task, model, at, metric) for at in (SETTINGS[knob], 1.0))
                sides = (down, one) if metric == "precision" else (one, down)
                turned[f"{model}, {knob} {SETTINGS[knob]:g}"] = difference(f"{task}-{model}", *sides)
        yield within("gain of precision" if metric == "precision" else "loss of recall", turned, part=metric)


def _narrow(results: Results) -> Iterator[Contrast]:
    """The loss of precision at an eighth of the width, and that it exceeds the loss of recall; of GANs the reverse."""
    for task in CAPACITY:
        for side, of in SIDES.items():
            narrow = results.models(task, of, EIGHTH)
            models = [model for model in results.models(task, of) if f"{model}{EIGHTH}" in narrow]
            first, second = ("recall", "precision") if side == GAN else ("precision", "recall")
            metrics = [seeing(results, task, PROPERTIES[what]) for what in (first, second)]
            losses = [{model: _loss(results, task, model, metric) for model in models} for metric in metrics]
            more = {model: difference(model, *(loss[model].seeds for loss in losses)) for model in models}
            one, other = (column(metric).title for metric in metrics)
            yield within(f"{task}, {side}, loss of {one}", losses[0], part=side)
            yield within(f"{task}, {side}, loss of {one} - of {other}", more, part=side)


def _loss(results: Results, task: str, model: str, metric: str) -> Contrast:
    wide, narrow = (results.seeds(task, name, metric) for name in (model, f"{model}{EIGHTH}"))
    return difference(f"{task}, {model}, loss of {metric}", wide, narrow)


CLAIMS = (
    Claim(
        "gan-seeks",
        "GANs have higher precision and lower recall than models trained on likelihood.",
        "GANs seek modes, with more precision and less recall",
        "precision, recall", ("gan", "likelihood models"), _seeking, "points-grid-plane.png", SHARE,
    ),
    Claim(
        "likelihood-covers",
        "Models trained on likelihood cover more of the modes than GANs, which drop some.",
        "likelihood models cover more modes than GANs",
        "modes_covered", ("likelihood models", "gan"), _modes, "points-grid-samples.png", SHARE,
    ),
    Claim(
        "capacity",
        "With too little capacity likelihood models give up precision first, and GANs recall: here at an eighth "
        "of the width, of both players, with the same steps.",
        "small likelihood models lose precision, GANs recall",
        "precision, recall", ("likelihood models", "gan"),
        _narrow, "capacity-grid-plane.png", SHARE,
    ),
    Claim(
        "dense-seeking",
        "Under a dense condition a GAN's gain in precision costs it little recall; under a sparse one, much.",
        "under a dense condition seeking costs GANs little recall",
        "precision, recall", ("sparse", "dense"), _sparse_and_dense, "conditions-series.png", SHARE,
    ),
    Claim(
        "knob",
        "A knob of the sampler moves a model from covering to seeking, without a change of family.",
        "a knob of the sampler trades recall for precision",
        "precision, recall", ("a knob turned down", "the knob at 1"),
        _knob, "images-digits-plane.png", SHARE,
    ),
)  # fmt: skip
