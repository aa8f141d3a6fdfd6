"""evaluate: a trained model, prepared data and features -> reports/metrics/<cell>, its samples and times."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import NamedTuple

from torch import Tensor

from pipeline import files, hardware, paths
from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.data.prepared import Prepared
from pipeline.metrics.evaluation import operations
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.draws import draw_timed, repeat, stored
from pipeline.metrics.evaluation.latent import plane
from pipeline.metrics.evaluation.measure import measure
from pipeline.metrics.extractors import reference
from pipeline.metrics.log_likelihood import test_likelihood
from pipeline.metrics.registry import Entry
from pipeline.params import Evaluation
from pipeline.paths import Cell
from pipeline.stages import trained as cells


class Measured(NamedTuple):
    """All that is to be known of one trained model on one task."""

    drawn: dict[str, Tensor]
    """x (M, *event) as stored and c (M, *condition). Of a task with a condition also `repeated` (K, R, *event), R
    samples under each row of `repeated_c` (K, *condition); of a model with a latent plane also `plane`."""
    metrics: dict[str, Entry]
    seconds: hardware.Seconds
    likelihood: str
    """`exact`, `IWAE-64` or `ELBO`; empty where the model knows none."""


def main(task: str, model: str, seed: int) -> None:
    start, cell = perf_counter(), Cell(task, model, seed)
    trained = cells.load(cell)
    event, test = trained.data.task.event, trained.data.test
    if trained.model is None:
        nothing = {"x": stored(event, test[0][:0]), "c": test[1][:0]}
        measured, replicated = Measured(nothing, {}, {}, ""), True
    else:
        measured = evaluate(trained.model, trained.data, trained.settings, seed)
        measured.metrics["parameters"] = Entry(
            value=trained.manifest["parameters"], unit="parameters", better="none", kind="exact", protocol="model"
        )
        measured.metrics.update(operation_counts(trained.model, test, measured.likelihood))
        replicated = trained.model.replicates(measured.drawn["c"])
    known = trained.known("task", "model", "family", "seed", "status", "diverged")
    record = {
        "condition": trained.data.task.condition.kind,
        "replicated": replicated,
        "metrics": measured.metrics,
    }
    files.write_npz(paths.samples(cell), {name: value.numpy() for name, value in measured.drawn.items()})
    times = hardware.timed({"evaluate_seconds": (perf_counter() - start, "measured")})
    times["metrics"] |= hardware.timed(measured.seconds, hardware.MEDIAN)["metrics"]
    files.write_json(paths.times("evaluate", cell), times)
    files.write_json(paths.metrics(cell), known | record)


def evaluate(model: GenerativeModel, data: Prepared, settings: Evaluation, seed: int) -> Measured:
    """Draw, measure what applies, and take the seconds for 1,000 samples and 1,000 likelihoods."""
    event = data.task.event
    count = max(settings.samples, settings.modes or 0)
    chunk = hardware.batch_size(count, settings.chunk) if model.independent_samples else count
    many, c, each = draw_timed(model, event, data.test[1], count=count, chunk=chunk)
    seconds = {"sample_seconds_per_1000": (1000 * median(each), "measured")}
    x, c = many[: settings.samples], c[: settings.samples]
    again, held = repeat(
        model, data.task, data.test[1],
        conditions=settings.conditions, repeats=settings.repeats, chunk=settings.chunk,
    )  # fmt: skip
    extractor, features, judges = reference.load(data.task)
    context = EvaluationContext(
        model=model, task=data.task, test=data.test, samples=x, many=many, c=c, train=features["train"],
        real=features["test"][: settings.samples], fake=extractor.extract(x),
        repeated=extractor.extract(again.flatten(0, 1)).unflatten(0, again.shape[:2]), judges=judges,
        extractor=extractor.id, settings=settings, seed=seed, sources=data.sources.get("test"),
    )  # fmt: skip
    name = test_likelihood(context).name if isinstance(model, Bounded) else ""
    if name:
        seconds["likelihood_seconds_per_1000"] = 1000 * median(test_likelihood(context).seconds), f"measured ({name})"
    metrics, decoded = measure(context), plane(model, event, data.test)
    drawn = {"x": stored(event, x), "c": c}
    if len(held):
        drawn |= {"repeated": stored(event, again), "repeated_c": held}
    if decoded is not None:
        drawn["plane"] = stored(event, decoded)
    return Measured(drawn, metrics, seconds, name)


def operation_counts(model: GenerativeModel, test: Batch, likelihood: str) -> dict[str, Entry]:
    """The work and the depth of one sample, and of one evaluation of the likelihood where there is one.

    Args:
        likelihood: its name; what is counted is one log p of an `exact` one, and one draw of any bound.
    """
    found = _entries("sample", operations.sampling(model, test[1]), "counted", "one sample")
    if isinstance(model, Bounded):
        kind = "counted (exact)" if likelihood == "exact" else "counted (one draw)"
        found |= _entries("likelihood", operations.evaluation(model, test), kind, "one test item")
    return found


def _entries(way: str, cost: operations.Cost, kind: str, what: str) -> dict[str, Entry]:
    words = f"{what}, {operations.WORK}", f"{what}, {operations.DEPTH}"
    return {
        f"{way}_flops": Entry(value=cost.flops, unit="FLOPs", better="none", kind=kind, protocol=words[0]),
        f"{way}_depth": Entry(value=cost.depth, unit="operations", better="none", kind=kind, protocol=words[1]),
    }
