"""`coverseek score`: samples of another implementation -> reports/scored/<task>.<name>.json, its numbers, and .png.

Samples from a file go through the evaluation of every cell: the same metrics under the same protocol.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from PIL.Image import Image
from torch import Tensor

from pipeline import files, params, paths
from pipeline.data import prepared
from pipeline.data.external import csv_tables, sample_files, value_range
from pipeline.data.external.sample_files import Samples
from pipeline.data.external.stored_model import ExhaustedError, StoredSamples, StoredSamplesAndBound
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError, suggest
from pipeline.html.sample_pictures import Gallery
from pipeline.metrics.evaluation import draws, reported
from pipeline.metrics.registry import Entry
from pipeline.params import Evaluation, Params
from pipeline.results import external
from pipeline.results.outcomes import Measurement
from pipeline.stages.evaluate import evaluate
from pipeline.training import reproducible

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
TABLE = ".csv"
SEED = 0
"""Of the resamples behind the sampling intervals: that of a cell's first seed."""


class ScoreInput(NamedTuple):
    """What the user gave: samples or a table of metrics, log-likelihoods, or one of the former with the latter."""

    path: Path | None
    nll: Path | None
    span: str | None
    nearest: bool


def main(task: str, name: str | None, source: ScoreInput) -> None:
    """Measure what applies, write it and print it.

    Raises:
        UserError: the task, the name or what was given does not fit; nothing is then written.
    """
    configured = params.load()
    configured.task(task)
    name = _name(configured, name, source)
    reproducible.seed(SEED)
    data = prepared.load(task)
    described = {"task": task, "model": name, "family": external.EXTERNAL, "condition": data.task.condition.kind}
    try:
        found, picture = _score(source, data, _settings(configured, data))
    except FloatingPointError as error:
        raise UserError(f"{name} cannot be measured: {error}") from None
    metrics = {metric: Measurement.model_validate(entry) for metric, entry in found["metrics"].items()}
    record = described | {"status": "ok"} | found | {"protocols": external.protocols(task, metrics)}
    _write_picture(external.sheet(task, name), picture)
    files.write_json(external.path(task, name), record)
    print(*external.lines(record), sep="\n")


def remove(task: str, name: str) -> None:
    """Raises `UserError` where nothing of that name is scored on the task."""
    params.load().task(task)
    scored = external.names(task)
    if name not in scored:
        raise UserError(f"--remove {name!r}: nothing of that name is scored on {task}; {suggest(name, scored)}")
    external.path(task, name).unlink()
    _write_picture(external.sheet(task, name), None)
    print(f"{name} is no longer scored on {task}. Take it out of the tables: coverseek report")


def _name(configured: Params, name: str | None, source: ScoreInput) -> str:
    given = source.path or source.nll
    if given is None:
        raise UserError("nothing to score: give a PATH with samples, or --nll with log-likelihoods")
    name = given.resolve().stem if name is None else name
    if not NAME.fullmatch(name):
        raise UserError(f"the name {name!r} has to be of letters, digits, _ and -, 64 at most: choose one with --name")
    if any(name in configured.models[events] for events in params.EVENTS):
        raise UserError(f"{name} is a model of {paths.PARAMS}: choose another name with --name")
    return name


def _settings(configured: Params, data: Prepared) -> Evaluation:
    """Those of the task's own cells."""
    return configured.evaluation_of(data.task.name, data.task.event.kind)[1]


def _write_picture(path: Path, picture: Image | None) -> None:
    if picture is None:
        path.unlink(missing_ok=True)
    else:
        with files.atomic_write(path) as draft:
            picture.save(draft, format="png")


def _score(source: ScoreInput, data: Prepared, settings: Evaluation) -> tuple[dict[str, Any], Image | None]:
    """Trust, metrics, and the hashes of what they were made from; and a sheet of samples where there are some."""
    event, (x, c) = data.task.event, data.test
    log_p = csv_tables.read_log_likelihoods(source.nll, event, len(x)) if source.nll else None
    hashes = {"nll_sha256": files.sha256(source.nll)} if source.nll else {}
    if source.path and source.path.suffix.lower() != TABLE:
        span, count = value_range.parse(source.span) if source.span else None, _sample_count(settings)
        found = sample_files.read(data.task, source.path, count=count, span=span, nearest=source.nearest)
        metrics = _measure(found, data, settings, log_p)
        described = {"sha256": found.sha256, "count": count, "offered": found.offered, "rounded": found.rounded}
        described |= {"order": found.order} if found.order else {}
        picture = Gallery(data.task.name).sheet(draws.stored(event, found.x[:count]).numpy(), external.EXTERNAL)
        return {"trust": "re-scored", "metrics": metrics} | described | hashes, picture
    metrics = {}
    if source.path:
        metrics = reported.quoted(csv_tables.read_metrics(source.path, reported.quotable(event)), event)
        hashes["sha256"] = files.sha256(source.path)
    if log_p is not None:
        model = StoredSamplesAndBound(x[:0], c[:0], log_p)
        metrics |= reported.without_samples(model, data.task, data.test, settings)
    return {"trust": "reported", "metrics": metrics} | hashes, None


def _sample_count(settings: Evaluation) -> int:
    """How many samples the numbers of a task are computed from."""
    return max(settings.samples, settings.modes or 0)


def _measure(found: Samples, data: Prepared, settings: Evaluation, log_p: Tensor | None) -> dict[str, Entry]:
    """Every metric that applies to samples, and what follows from log_p (T,) nats of the test items where given.

    Raises:
        UserError: a condition of the test split has too few samples.
        FloatingPointError: a number is not finite; the message names it.
    """
    settings = _check_conditions(StoredSamples(found.x, found.c), data, settings)
    model = StoredSamples(found.x, found.c) if log_p is None else StoredSamplesAndBound(found.x, found.c, log_p)
    return reported.relabelled(evaluate(model, data, settings, SEED).metrics)


def _check_conditions(trial: StoredSamples, data: Prepared, settings: Evaluation) -> Evaluation:
    """The settings without repeated sampling per condition, if there are too few samples for that."""
    count, asked = _sample_count(settings), data.test[1]
    try:
        draws.draw(trial, data.task.event, asked, count=count, chunk=settings.chunk)
    except ExhaustedError as error:
        where = f"{paths.prepared(data.task.name)}/test.npz"
        raise UserError(
            f"{error}: task {data.task.name} is measured on {count:,} samples under the rows of c in {where}, cycled"
        ) from None
    try:
        draws.repeat(
            trial, data.task, asked,
            conditions=settings.conditions, repeats=settings.repeats, chunk=settings.chunk,
        )  # fmt: skip
    except ExhaustedError:
        return settings.model_copy(update={"conditions": 0})
    return settings
