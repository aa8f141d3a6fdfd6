"""The first screen: the answer to the page's question, how sure it is, on what evidence, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.claims import answer_md, claims_md
from pipeline.claims.claims_md import Judged
from pipeline.html.view import VerdictView
from pipeline.params import Params
from pipeline.report.answer import ENOUGH, Answer, Behaviour, Evidence, answer, groups
from pipeline.report.charts import answer_chart
from pipeline.report.charts.chart import Chart
from pipeline.report.leaderboard import Board
from pipeline.results.column import column

HEADS: dict[Behaviour, tuple[str, str]] = {
    "covers": ("Cover the data", f"at least {ENOUGH:.0%} of what held-out data cover"),
    "seeks": ("Seek a few modes", "they miss data, and their samples are like data"),
    "neither": ("Do neither", "they miss data, and some of their samples are unlike data"),
    "misses": ("Miss data", "and whether their samples are faithful is not known"),
}
DEPENDS = "It depends on the task"
UNDECIDED = ("Not known", "one seed, or intervals too wide")
TOPIC = ("precision", "recall", "coverage", "modes")
"""Metrics of the claims that are about covering and seeking."""


@dataclass(frozen=True)
class Summary:
    """What the template shows.

    Attributes:
        lines: (head, its meaning, families).
        evidence: (family, model, its evidence on each of `tasks`, None where there is none).
        tasks: (task, what coverage is there).
        sure: how sure the answer is.
        claims: the claims about covering and seeking.
        unknown: what is not known.
        chart: the picture.
        sentences: the answer in ten sentences, from the claims.
        open_claims: what the claims leave open.
    """

    lines: Sequence[tuple[str, str, list[str]]]
    evidence: Sequence[tuple[str, str, list[Evidence | None]]]
    tasks: Sequence[tuple[str, str]]
    sure: str
    claims: Sequence[VerdictView]
    unknown: Sequence[str]
    chart: Chart | None
    sentences: Sequence[str] = ()
    open_claims: Sequence[str] = ()


def summary(params: Params, boards: Sequence[Board], claims: Sequence[VerdictView], judged: Judged) -> Summary:
    """From the boards of the default suites and the verdicts on all claims."""
    records, catalogue = claims_md.records(judged), [claim for claim, _ in judged]
    found = answer([board for board in boards if params.suites[board.suite].default])
    lines = [(*HEADS[word], families) for word, families in groups(found)] if found.evidence else []
    lines += [(DEPENDS, _by_task(found.families[family]), [family]) for family in found.depends]
    lines += [(*UNDECIDED, found.undecided)] if found.undecided else []
    return Summary(
        lines=lines,
        evidence=[
            (*pair, _by_task_of(found, *pair)) for pair in dict.fromkeys((e.family, e.model) for e in found.evidence)
        ],
        tasks=[(task, column(metric).title) for task, metric in found.tasks.items()],
        sure=_sure(found),
        claims=[claim for claim in claims if any(word in claim.metric for word in TOPIC)],
        unknown=found.unknown,
        chart=answer_chart.draw(found),
        sentences=answer_md.sentences(records, catalogue),
        open_claims=answer_md.unknown(records, catalogue),
    )


def _by_task_of(found: Answer, family: str, model: str) -> list[Evidence | None]:
    known = {one.task: one for one in found.evidence if (one.family, one.model) == (family, model)}
    return [known.get(task) for task in found.tasks]


def _by_task(found: Sequence[Evidence]) -> str:
    """'covers on ring_wide; neither on ring, grid'"""
    words: dict[str, list[str]] = {}
    for one in found:
        words.setdefault(one.behaviour, []).append(one.task)
    return "; ".join(f"{word} on {', '.join(dict.fromkeys(tasks))}" for word, tasks in words.items() if word != "open")


def _sure(found: Answer) -> str:
    """'Decided by 95 % t intervals over 3 to 5 trainings on ring, grid; open in 4 of 24 cases.'"""
    decided = [one for one in found.evidence if one.behaviour != "open"]
    if not found.evidence:
        return "Nothing of the default suites is measured yet, or no control to compare with."
    open_cases = f"{len(found.evidence) - len(decided)} of {len(found.evidence)} pairs of a model and a task are open"
    if not decided:
        return f"All {len(found.evidence)} pairs of a model and a task are open."
    counts = sorted({one.coverage.n for one in decided})
    trainings = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    tasks = ", ".join(dict.fromkeys(one.task for one in decided))
    return f"Decided by 95 % t intervals over {trainings} trainings, on {tasks}; {open_cases}."
