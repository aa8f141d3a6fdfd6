"""evaluate: a trained model, prepared data and features -> reports/metrics/<cell>, its samples and times."""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

from torch import Tensor

from pipeline import files, hardware, paths
from pipeline.contract import Bounded, GenerativeModel
from pipeline.data.prepared import Prepared
from pipeline.metrics import reference
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.latent import plane
from pipeline.metrics.sampling import draw, repeat, stored
from pipeline.metrics.settings import Settings
from pipeline.metrics.table import Entry, measure
from pipeline.paths import Cell
from pipeline.stages import trained as cells


class Measured(NamedTuple):
    """All that is to be known of one trained model on one task."""

    drawn: dict[str, Tensor]
    """x (M, *event) as stored and c (M, *condition). Of a task with a condition also `repeated` (K, R, *event), R
    samples under each row of `repeated_c` (K, *condition); of a model with a latent plane also `plane`."""
    metrics: dict[str, Entry]
    seconds: hardware.Seconds


def main(task: str, model: str, seed: int) -> None:
    cell = Cell(task, model, seed)
    trained = cells.load(cell)
    event, test = trained.data.task.event, trained.data.test
    if trained.model is None:
        nothing = {"x": stored(event, test[0][:0]), "c": test[1][:0]}
        measured = Measured(nothing, {}, {})
    else:
        measured = evaluate(trained.model, trained.data, trained.settings, seed)
        measured.metrics["parameters"] = Entry(
            value=trained.manifest["parameters"], unit="parameters", better="none", kind="exact", protocol="model"
        )
    known = trained.known("task", "model", "family", "seed", "status", "diverged")
    record = {"condition": trained.data.task.condition.kind, "metrics": measured.metrics}
    files.write_npz(paths.samples(cell), {name: value.numpy() for name, value in measured.drawn.items()})
    files.write_json(paths.times("evaluate", cell), hardware.timed(measured.seconds))
    files.write_json(paths.metrics(cell), known | record)


def evaluate(model: GenerativeModel, data: Prepared, settings: Settings, seed: int) -> Measured:
    """Draw, measure what applies, and take the seconds for 1,000 samples and 1,000 likelihoods."""
    event, start = data.task.event, perf_counter()
    count = max(settings.samples, settings.modes or 0)
    many, c = draw(model, event, data.test[1], count=count, chunk=settings.chunk)
    seconds = {"sample_seconds_per_1000": (1000 * (perf_counter() - start) / count, "measured")}
    x, c = many[: settings.samples], c[: settings.samples]
    again, held = repeat(
        model, data.task, data.test[1],
        conditions=settings.conditions, repeats=settings.repeats, chunk=settings.chunk,
    )  # fmt: skip
    extractor, features, judges = reference.load(data.task)
    evidence = Evidence(
        model=model, task=data.task, test=data.test, samples=x, many=many, c=c, train=features["train"],
        real=features["test"][: settings.samples], fake=extractor.extract(x),
        repeated=extractor.extract(again.flatten(0, 1)).unflatten(0, again.shape[:2]), judges=judges,
        extractor=extractor.id, settings=settings, seed=seed, sources=data.sources.get("test"),
    )  # fmt: skip
    if isinstance(model, Bounded):
        start = perf_counter()
        name = evidence.likelihood.name  # computed here once, under the clock, and kept
        seconds["likelihood_seconds_per_1000"] = (
            1000 * (perf_counter() - start) / len(data.test[0]),
            f"measured ({name})",
        )
    metrics, decoded = measure(evidence), plane(model, event, data.test)
    drawn = {"x": stored(event, x), "c": c}
    if len(held):
        drawn |= {"repeated": stored(event, again), "repeated_c": held}
    if decoded is not None:
        drawn["plane"] = stored(event, decoded)
    return Measured(drawn, metrics, seconds)
