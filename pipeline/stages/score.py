"""`coverseek score`: samples of a model from elsewhere -> reports/scored/<task>.<name>.json, its numbers, and .png."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from PIL.Image import Image

from pipeline import files, params, paths
from pipeline.data import prepared
from pipeline.data.external import csv_tables, sample_files, value_range
from pipeline.data.external.stored_model import StoredSamplesAndBound
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError, suggest
from pipeline.html.sample_pictures import Gallery
from pipeline.metrics.evaluation import reported
from pipeline.metrics.evaluation.draws import stored
from pipeline.params import Evaluation, Params
from pipeline.paths import Cell
from pipeline.results import external
from pipeline.results.outcomes import Metric
from pipeline.stages import rescore
from pipeline.training import reproducible

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
TABLE = ".csv"


class Source(NamedTuple):
    """What the user gave: samples or a table of metrics, log-likelihoods, or one of the former with the latter."""

    path: Path | None
    nll: Path | None
    span: str | None
    nearest: bool


def main(task: str, name: str | None, source: Source) -> None:
    """Measure what applies, write it and print it.

    Raises:
        UserError: the task, the name or what was given does not fit; nothing is then written.
    """
    configured = params.load()
    configured.task(task)
    name = _name(configured, name, source)
    reproducible.seed(rescore.SEED)
    data = prepared.load(task)
    described = {"task": task, "model": name, "family": external.EXTERNAL, "condition": data.task.condition.kind}
    try:
        found, picture = _scored(source, data, _settings(configured, data))
    except FloatingPointError as error:
        raise UserError(f"{name} cannot be measured: {error}") from None
    told = {metric: Metric.model_validate(entry) for metric, entry in found["metrics"].items()}
    record = described | {"status": "ok"} | found | {"protocols": external.protocols(task, told)}
    _keep(external.sheet(task, name), picture)
    files.write_json(external.path(task, name), record)
    print(*external.lines(record), sep="\n")


def remove(task: str, name: str) -> None:
    """Raises `UserError` where nothing of that name is scored on the task."""
    params.load().task(task)
    known = external.names(task)
    if name not in known:
        raise UserError(f"--remove {name!r}: nothing of that name is scored on {task}; {suggest(name, known)}")
    external.path(task, name).unlink()
    _keep(external.sheet(task, name), None)
    print(f"{name} is no longer scored on {task}. Take it out of the tables: coverseek report")


def _name(configured: Params, name: str | None, source: Source) -> str:
    given = source.path or source.nll
    if given is None:
        raise UserError("nothing to score: give a PATH with samples, or --nll with log-likelihoods")
    name = given.resolve().stem if name is None else name
    if not NAME.fullmatch(name):
        raise UserError(f"the name {name!r} has to be of letters, digits, _ and -, 64 at most: choose one with --name")
    if name in configured.models.points or name in configured.models.images:
        raise UserError(f"{name} is a model of {paths.PARAMS}: choose another name with --name")
    return name


def _settings(configured: Params, data: Prepared) -> Evaluation:
    """Those of the task's own cells."""
    of = data.task.name
    cells = (cell for suite in configured.suites.values() for cell in suite.cells() if cell.task == of)
    cell = next(cells, Cell(of, "", rescore.SEED))
    return configured.evaluated(cell, data.task.event.kind)


def _keep(path: Path, picture: Image | None) -> None:
    if picture is None:
        path.unlink(missing_ok=True)
    else:
        with files.whole(path) as draft:
            picture.save(draft, format="png")


def _scored(source: Source, data: Prepared, settings: Evaluation) -> tuple[dict[str, Any], Image | None]:
    """Trust, metrics, and the hashes of what they were made from; and a sheet of samples where there are some."""
    event, (x, c) = data.task.event, data.test
    log_p = csv_tables.read_log_likelihoods(source.nll, event, len(x)) if source.nll else None
    hashes = {"nll_sha256": files.sha256(source.nll)} if source.nll else {}
    if source.path and source.path.suffix.lower() != TABLE:
        span, count = value_range.parse(source.span) if source.span else None, rescore.needed(settings)
        found = sample_files.read(data.task, source.path, count=count, span=span, nearest=source.nearest)
        metrics = rescore.measured(found, data, settings, log_p)
        kept = {"sha256": found.sha256, "count": count, "offered": found.offered, "rounded": found.rounded}
        kept |= {"order": found.order} if found.order else {}
        picture = Gallery(data.task.name).sheet(stored(event, found.x[:count]).numpy(), external.EXTERNAL)
        return {"trust": "re-scored", "metrics": metrics} | kept | hashes, picture
    metrics = {}
    if source.path:
        metrics = reported.quoted(csv_tables.read_metrics(source.path, reported.quotable(event)), event)
        hashes["sha256"] = files.sha256(source.path)
    if log_p is not None:
        metrics |= reported.without_samples(StoredSamplesAndBound(x[:0], c[:0], log_p), data.task, data.test, settings)
    return {"trust": "reported", "metrics": metrics} | hashes, None
