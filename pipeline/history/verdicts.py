"""Differences in words: what got worse, what improved, what is unknown, and what could not be compared."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.history.difference import Difference, Differences, Verdict
from pipeline.history.sheet import Sheet
from pipeline.history.side import Key
from pipeline.results.column import DASH, Column, arrow, column

TITLES: dict[Verdict, str] = {
    "worse": "Worse",
    "improved": "Improved",
    "unknown": "Changed, with unknown noise: a single seed, and no sampling interval",
    "within noise": "Changed within noise",
}
WHY = {
    "seeds": "t over training seeds",
    "sampling": "sampling interval; training noise unknown",
    "none": "noise unknown",
}
RULE = (
    "Change: after - before, or after / before (×) for distances, with its 95 % interval. A verdict is Holm-corrected "
    "over all numbers that changed. With one seed it rests on the sampling intervals alone: training noise is unknown."
)
DIGITS = Column("change")
"""Three significant digits: a change may be far smaller than what it is one of."""


def sheets(before: str, after: str, found: Differences, brief: bool) -> Iterator[Sheet]:
    """A table for each verdict. `brief`: what changed within noise is counted alone."""
    yield Sheet(f"{before} → {after}: {summary(found)}", ())
    for verdict, title in TITLES.items():
        rows = [one for one in found.compared if one.verdict == verdict and one.change]
        if rows and not (brief and verdict == "within noise"):
            yield _sheet(title, rows)
    yield from refusals(found)
    for title, keys in ((f"Only in {before}", found.gone), (f"Only in {after}", found.new)):
        if keys:
            yield Sheet(title, (), _named(keys))
    yield Sheet("How to read this", (), RULE)


def refusals(found: Differences) -> Iterator[Sheet]:
    """What could not be compared, by the fields in which protocols differ."""
    groups: dict[str, list[Key]] = {}
    for key, fields in found.refused:
        groups.setdefault(", ".join(fields), []).append(key)
    for names, keys in groups.items():
        yield Sheet(f"Not compared: protocols differ in {names}", (), _named(keys))


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
    return f"{_title(one)} of {one.key.model} on {one.key.task}: {values}, change {change(one)} ({WHY[one.basis]})"


def change(one: Difference) -> str:
    """'0.108 [0.046, 0.170]'; on the log scale '×1.05 [1.02, 1.08]'."""
    ends = [one.change] if one.low is None or one.high is None else [one.change, one.low, one.high]
    mean, *span = [DIGITS.text(math.exp(end) if one.log else end) for end in ends]
    return ("×" if one.log else "") + mean + (f" [{', '.join(span)}]" if span else "")


def as_json(before: str, after: str, found: Differences) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "compared": [_full(one) for one in found.compared],
        "refused": [{**key._asdict(), "fields": fields} for key, fields in found.refused],
        "gone": [key._asdict() for key in found.gone],
        "new": [key._asdict() for key in found.new],
    }


def _sheet(title: str, rows: Iterable[Difference]) -> Sheet:
    made = [
        (r.key.task, r.key.model, _title(r), column(r.key.metric).text(r.before), column(r.key.metric).text(r.after),
         change(r), DASH if r.holm is None else f"{r.holm:.2g}", WHY[r.basis])
        for r in rows
    ]  # fmt: skip
    titles = ("task", "model", "metric", "before", "after", "change", "p (Holm)", "why")
    return Sheet(title, [list(cells) for cells in zip(titles, *made, strict=True)])


def _title(one: Difference) -> str:
    return column(one.key.metric).title + arrow(one.better)


def _named(keys: Iterable[Key]) -> str:
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
