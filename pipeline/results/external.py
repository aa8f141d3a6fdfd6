"""External models: trained elsewhere, and scored from files of samples, likelihoods or numbers.

They are not cells of the grid: each has one set of numbers and no seeds, and appears on every board of its task.
`trust` says how the numbers were obtained:

    reported      published numbers, not verified
    re-scored     computed here from the model's samples
    re-trained    computed here from a model trained here, as all cells of params.yaml are

A score is stale where a protocol id is no longer what it was when it was computed (other test data of the same size,
say), or where the cells have another protocol: it is shown without numbers until it is scored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.metrics.registry import version
from pipeline.params import EVENTS, Params
from pipeline.paths import Cell
from pipeline.results.column import column, ordered
from pipeline.results.outcomes import CellMetrics, Measurement, Outcome, parse
from pipeline.results.protocol import Protocol
from pipeline.results.task_facts import split

FOLDER = Path("reports/scored")
EXTERNAL = "external"
"""The family of these rows."""
Trust = Literal["reported", "re-scored"]

Protocols = dict[tuple[str, str, str], str]
"""(task, metric, kind) -> how it was measured."""


class ExternalMetrics(CellMetrics):
    """A file of the folder."""

    trust: Trust
    protocols: Mapping[str, str] = Field(default_factory=dict)
    """Metric -> its protocol id when it was scored."""
    sha256: str | None = None
    """Of the samples, or of a table of metrics; None of what has likelihoods alone."""
    nll_sha256: str | None = None
    """Of the likelihoods, where there are any."""
    rounded: float | None = None
    """The share of the values that were rounded to a level."""


def path(task: str, name: str) -> Path:
    """json: status, trust, the origin of the samples, and one entry for each metric that applies."""
    return FOLDER / f"{task}.{name}.json"


def sheet(task: str, name: str) -> Path:
    """png: the first samples, small; none of reported numbers."""
    return FOLDER / f"{task}.{name}.png"


def names(task: str) -> list[str]:
    """The external models of a task, sorted."""
    return sorted(found.name[len(task) + 1 : -len(".json")] for found in FOLDER.glob(f"{task}.*.json"))


def command(task: str, name: str) -> str:
    """The command that scores it again, with placeholders PATH and FILE for the model's files.

    Raises:
        UserError: its record is damaged.
    """
    score = _read(task, name)
    words = ["PATH"] if score.sha256 or score.nll_sha256 is None else []
    words += ["--nll FILE"] if score.nll_sha256 else []
    words += ["--round"] if score.rounded else []
    return " ".join(["coverseek score", *words, f"--task {task} --name {name}"])


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """A file of the folder for a terminal: each number with its sampling interval, and how the samples were read."""
    metrics = record["metrics"]
    for name in ordered(metrics):
        found, style = metrics[name], column(name)
        spread = f" [{style.text(found['low'])}, {style.text(found['high'])}]" if "low" in found else ""
        yield f"{name:28} {style.text(found['value'])}{spread}  {found['unit']}, {found['kind']}"
    if record.get("rounded"):
        yield f"{record['rounded']:.2%} of the values lay between two levels and were rounded."
    if record.get("order"):
        yield f"Order of the files: {record['order']}."
    if record.get("offered", 0) > record.get("count", 0):
        which = "the first" if record["condition"] == "none" else "the first of each condition"
        yield f"{record['count']:,} of {record['offered']:,} samples were used: {which}."
    if record["trust"] == "re-scored":
        yield _memorisation(record["task"], 1 - metrics["authenticity"]["value"])
    yield f"{record['model']} is {record['trust']} on {record['task']}. See it in the tables: coverseek report"


def _memorisation(task: str, near: float) -> str:
    """The share of samples that may be copies, with that of held-out data where it is measured."""
    real = paths.metrics(Cell(task, "real", 0))
    metrics = (
        parse(CellMetrics, real, f"coverseek evaluate --task {task} --model real").metrics if real.exists() else {}
    )
    held_out = f" (of held-out data: {1 - metrics['authenticity'].value:.1%})" if "authenticity" in metrics else ""
    return f"Memorisation: {near:.1%} of the samples{held_out} lie as near to a training item as its nearest neighbour."


def read(params: Params, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """All external models by task, in the order of params.yaml; `outcomes` are the cells, whose protocols are current.

    Raises:
        UserError: a file is damaged, or has the name of a model.
    """
    known: Protocols = {}
    for outcome in outcomes:
        _learn(known, outcome)
    found = []
    for outcome in _outcomes(params):
        found.append(_current(known, outcome))
        _learn(known, found[-1])
    return found


def _outcomes(params: Params) -> Iterator[Outcome]:
    for task in params.tasks:
        for name in names(task):
            if any(name in params.models[events] for events in EVENTS):
                raise UserError(f"{path(task, name)} has the name of a model of {paths.PARAMS}: score it by another")
            score = _read(task, name)
            found = Outcome(
                cell=Cell(task, name, 0), family=EXTERNAL, condition=score.condition, status="ok",
                metrics=score.metrics, trust=score.trust, data=split(task),
            )  # fmt: skip
            yield found if score.protocols == protocols(task, score.metrics) else _stale(found)


def _read(task: str, name: str) -> ExternalMetrics:
    return parse(ExternalMetrics, path(task, name), _again(task, name))


def content(task: str, name: str) -> dict[str, Any]:
    """A file of the folder as it stands, checked. Raises `UserError` where it is missing or damaged."""
    return files.read_json(path(task, name), _again(task, name), schema=ExternalMetrics)


def _again(task: str, name: str) -> str:
    return f"coverseek score PATH --task {task} --name {name}"


def protocols(task: str, metrics: Mapping[str, Measurement]) -> dict[str, str]:
    """Metric -> current protocol id."""
    data = split(task)
    return {name: Protocol(name, m.kind, m.protocol, data, version(name)).id for name, m in metrics.items()}


def _learn(known: Protocols, outcome: Outcome) -> None:
    for name, metric in outcome.metrics.items():
        known.setdefault((outcome.cell.task, name, metric.kind), metric.protocol)


def _current(known: Protocols, outcome: Outcome) -> Outcome:
    """The outcome; stale if one of its numbers has another protocol than the known ones."""
    same = all(
        known.get((outcome.cell.task, name, metric.kind), metric.protocol) == metric.protocol
        for name, metric in outcome.metrics.items()
    )
    return outcome if same else _stale(outcome)


def _stale(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"status": "stale", "metrics": {}})
