"""`coverseek compare`: how the results of one revision differ from those of another, beyond noise."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.errors import UserError, suggest
from pipeline.history import result_set, revisions
from pipeline.history.differences import Difference, Differences, Verdict, differences, quality_numbers
from pipeline.history.result_set import Key, ResultSet
from pipeline.results.column import DASH, Column, arrow, column
from pipeline.stages.titled_table import TitledTable, as_markdown, show

RUN = re.compile(r"[0-9a-f]{32}")
"""The id of a run of MLflow; a git commit has 40 digits."""
TITLES: dict[Verdict, str] = {
    "worse": "Worse",
    "improved": "Improved",
    "unknown": "Changed, with unknown noise: a single seed, and no sampling interval",
    "within noise": "Changed within noise",
}
BASES = {
    "seeds": "t over training seeds",
    "sampling": "sampling interval; training noise unknown",
    "none": "noise unknown",
}
RULE = (
    "Change: after - before, or after / before (×) for distances, with its 95 % interval. A verdict is Holm-corrected "
    "over all numbers that changed. With one seed it rests on the sampling intervals alone: training noise is unknown."
)
CHANGE = Column("change")
"""Three significant digits: a change may be far smaller than the numbers that it is the difference of."""


def main(before: str, after: str | None, task: str | None, metric: str | None, form: str) -> None:
    """Print how `after`, the work tree where it is None, differs from `before`.

    Args:
        form: "table", "markdown" or "json".

    Raises:
        UserError: a side cannot be read, or neither holds such a task or metric.
    """
    old, new = read(before), read(after) if after else result_set.work_tree()
    if RUN.fullmatch(old.name) and RUN.fullmatch(new.name):  # two runs are compared whatever their models are called
        name = " → ".join(dict.fromkeys(key.model for side in (old, new) for key in side.numbers))
        old, new = old.renamed(name), new.renamed(name)
    found = differences(old, new, chosen(old, new, task, metric))
    if form == "json":
        print(json.dumps(as_json(old.name, new.name, found), indent=2, allow_nan=False))
    elif form == "markdown":
        print(as_markdown(tables(old.name, new.name, found, brief=True)), end="")
    else:
        show(tables(old.name, new.name, found, brief=False))


def read(name: str) -> ResultSet:
    """The results that a git revision or the id of a run of MLflow names.

    Raises:
        UserError: neither git nor MLflow has it, or it holds no results.
    """
    commit = revisions.resolve(name)
    if commit is not None:
        return result_set.from_commit(name, commit)
    if RUN.fullmatch(name):
        from pipeline.tracking import address, run_results  # imports mlflow: 2 s

        return run_results.read(address.uri(), name)
    raise UserError(f"{name!r} is neither a git revision here nor the id of a run of MLflow; see: git branch --all")


def chosen(before: ResultSet, after: ResultSet, task: str | None, metric: str | None) -> list[Key]:
    """The numbers to compare: of one task or all; of one metric, or of all that measure quality.

    Raises:
        UserError: neither side holds such a task or metric.
    """
    every = list(dict.fromkeys((*before.numbers, *after.numbers)))
    for kind, word in (("task", task), ("metric", metric)):
        allowed = list(dict.fromkeys(getattr(key, kind) for key in every))
        if word is not None and word not in allowed:
            raise UserError(f"{kind} {word!r} is in neither {before.name} nor {after.name}; {suggest(word, allowed)}")
    keys = [key for key in every if key.metric == metric] if metric else quality_numbers(before, after)
    return [key for key in keys if task in (None, key.task)]


def tables(before: str, after: str, found: Differences, brief: bool) -> Iterator[TitledTable]:
    """A table for each verdict. `brief`: what changed within noise is counted only."""
    yield TitledTable(f"{before} → {after}: {summary(found)}", ())
    for verdict, title in TITLES.items():
        rows = [one for one in found.compared if one.verdict == verdict and one.change]
        if rows and not (brief and verdict == "within noise"):
            yield _table(title, rows)
    yield from refusals(found)
    for title, keys in ((f"Only in {before}", found.gone), (f"Only in {after}", found.new)):
        if keys:
            yield TitledTable(title, (), _count(keys))
    yield TitledTable("How to read this", (), RULE)


def refusals(found: Differences) -> Iterator[TitledTable]:
    """What could not be compared, by the fields in which protocols differ."""
    groups: dict[str, list[Key]] = {}
    for key, fields in found.refused:
        groups.setdefault(", ".join(fields), []).append(key)
    for names, keys in groups.items():
        yield TitledTable(f"Not compared: protocols differ in {names}", (), _count(keys))


def summary(found: Differences) -> str:
    """'2 worse, 1 improved, 0 within noise, 40 unchanged, 3 not compared'"""
    counts = Counter(one.verdict if one.change else "unchanged" for one in found.compared)
    counts["not compared"] = len(found.refused)
    always = ("worse", "improved", "within noise", "unchanged")
    words = [*always, *(word for word in ("unknown", "not compared") if counts[word])]
    return ", ".join(f"{counts[word]} {word}" for word in words)


def line(one: Difference) -> str:
    """'bits/dim ↓ of vae on digits: 2.193 → 2.301, change 0.108 [0.046, 0.170] (t over training seeds)'"""
    style = column(one.key.metric)
    values = f"{style.text(one.before)} → {style.text(one.after)}"
    return f"{_title(one)} of {one.key.model} on {one.key.task}: {values}, change {_change(one)} ({BASES[one.basis]})"


def as_json(before: str, after: str, found: Differences) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "compared": [_full(one) for one in found.compared],
        "refused": [{**key._asdict(), "fields": fields} for key, fields in found.refused],
        "gone": [key._asdict() for key in found.gone],
        "new": [key._asdict() for key in found.new],
    }


def _table(title: str, rows: Iterable[Difference]) -> TitledTable:
    cells = [
        (r.key.task, r.key.model, _title(r), column(r.key.metric).text(r.before), column(r.key.metric).text(r.after),
         _change(r), DASH if r.holm is None else f"{r.holm:.2g}", BASES[r.basis])
        for r in rows
    ]  # fmt: skip
    titles = ("task", "model", "metric", "before", "after", "change", "p (Holm)", "why")
    return TitledTable.from_rows(title, titles, cells)


def _title(one: Difference) -> str:
    return column(one.key.metric).title + arrow(one.better)


def _change(one: Difference) -> str:
    """'0.108 [0.046, 0.170]'; on the log scale '×1.05 [1.02, 1.08]'."""
    ends = [one.change] if one.low is None or one.high is None else [one.change, one.low, one.high]
    mean, *span = [CHANGE.text(math.exp(end) if one.log else end) for end in ends]
    return ("×" if one.log else "") + mean + (f" [{', '.join(span)}]" if span else "")


def _count(keys: Iterable[Key]) -> str:
    """'digits: vae (12 numbers), glow (3 numbers); ring: gan (1 number)'"""
    tasks: dict[str, Counter[str]] = {}
    for key in keys:
        tasks.setdefault(key.task, Counter())[key.model] += 1
    return "; ".join(
        f"{task}: " + ", ".join(f"{model} ({n} number{'s' * (n > 1)})" for model, n in models.items())
        for task, models in tasks.items()
    )


def _full(one: Difference) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in ("before", "after", "change", "low", "high", "log", "p", "holm")}
    return {**one.key._asdict(), "better": one.better, "verdict": one.verdict, **values, "basis": one.basis}
