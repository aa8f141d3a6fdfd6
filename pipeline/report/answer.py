"""Which families cover the data, and which seek a few modes: the answer of the boards of the default suites.

Of a model with coverage v and precision p on a task, both as shares of what the control `real` (or `oracle`) scores
there, one value for each training seed:

    covers     the 95 % t interval of v lies above `ENOUGH`
    seeks      that of v lies below it, and that of p above it: the model misses data, and its samples are faithful
    neither    those of v and of p lie below it
    misses     that of v lies below it, and p is not known, or its interval holds `ENOUGH`
    open       all else: one seed, or an interval of v that holds `ENOUGH`

A seed whose training had not converged does not count. Coverage is the first of `COVERAGE` that the controls admit on
the task. Every model of a default suite counts, so that no model is selected by its test scores. The threshold and the
words were chosen after results were seen, as docs/rule-changes.md says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, get_args

from pipeline.report import style
from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import column
from pipeline.statistics.admission import CEILINGS
from pipeline.statistics.intervals import Interval, Seeds, student_t

Behaviour = Literal["covers", "seeks", "neither", "misses", "open"]
ENOUGH = 0.9
"""Share of the control's score from which on a model covers the data, or its samples are faithful."""
COVERAGE = ("modes_covered", "coverage", "recall")
FIDELITY = "precision"


class Evidence(NamedTuple):
    """A model on one task. `coverage` and `fidelity` are shares of what the control scores; without
    `fidelity` where precision is blind."""

    family: str
    task: str
    model: str
    coverage: Interval
    fidelity: Interval | None
    behaviour: Behaviour


@dataclass(frozen=True)
class Answer:
    """What is known of every family.

    Attributes:
        evidence: by family, then by task and model.
        tasks: task -> the metric that measures coverage there; only tasks with evidence.
        unknown: what is not known, and why, one sentence each.
    """

    evidence: Sequence[Evidence]
    tasks: Mapping[str, str]
    unknown: Sequence[str]

    @property
    def families(self) -> dict[str, list[Evidence]]:
        return {family: list(group) for family, group in groupby(self.evidence, key=lambda one: one.family)}

    def of(self, behaviour: Behaviour) -> list[str]:
        """The families that behave so on every task where their behaviour is decided, in the order of `style`."""
        return [family for family, words in self._decided.items() if words == {behaviour}]

    @property
    def depends(self) -> list[str]:
        """The families that behave differently from task to task."""
        return [family for family, words in self._decided.items() if len(words) > 1]

    @property
    def undecided(self) -> list[str]:
        return [family for family, words in self._decided.items() if not words]

    @property
    def _decided(self) -> dict[str, set[Behaviour]]:
        return {family: _distinct({one.behaviour for one in found}) for family, found in self.families.items()}


def _distinct(found: set[Behaviour]) -> set[Behaviour]:
    """Without "open", and without "misses" where "seeks" or "neither" says more."""
    known = found - {"open"}
    return known - {"misses"} if known & {"seeks", "neither"} else known


def answer(boards: Sequence[Board]) -> Answer:
    """From the boards of the default suites; the first board of a task counts."""
    first: dict[str, Board] = {}
    for board in boards:
        first.setdefault(board.task, board)
    metrics: dict[str, str] = {}
    evidence: list[Evidence] = []
    for task, board in first.items():
        metric = _coverage(board)
        found = list(_evidence(board, metric)) if metric else []
        if metric and found:
            metrics[task] = metric
        evidence += found
    order = style.in_order(one.family for one in evidence)
    evidence.sort(key=lambda one: order.index(one.family))
    return Answer(evidence, metrics, list(_unknown(first.values(), evidence)))


def behaviour(coverage: Interval, fidelity: Interval | None) -> Behaviour:
    """`fidelity` is None where precision is not known."""
    covering, faithful = _side(coverage), _side(fidelity) if fidelity else 0
    if covering > 0:
        return "covers"
    if covering == 0:
        return "open"
    words: dict[int, Behaviour] = {1: "seeks", 0: "misses", -1: "neither"}
    return words[faithful]


def _side(share: Interval) -> Literal[-1, 0, 1]:
    """On which side of `ENOUGH` an interval lies; 0 where it holds it, or there is one seed."""
    if share.low is None or share.high is None or share.low <= ENOUGH <= share.high:
        return 0
    return 1 if share.low > ENOUGH else -1


def _coverage(board: Board) -> str | None:
    """The metric that measures coverage; None where no model, no control, or no metric is fit."""
    for metric in COVERAGE:
        if metric not in board.blind and _ceiling(board, metric) and any(metric in s.scores for s in _models(board)):
            return metric
    return None


def _ceiling(board: Board, metric: str) -> float | None:
    controls = {s.model: s for s in board.standings if s.control and metric in s.scores}
    means = [controls[name].scores[metric].interval.mean for name in CEILINGS if name in controls]
    return means[0] if means and means[0] > 0 else None


def _models(board: Board) -> list[Standing]:
    return [s for s in board.standings if s.competes]


def _evidence(board: Board, metric: str) -> Iterator[Evidence]:
    most = _ceiling(board, metric) or math.nan
    faithful = None if FIDELITY in board.blind else _ceiling(board, FIDELITY)
    for standing in _models(board):
        v = _shares(standing, metric, most)
        p = _shares(standing, FIDELITY, faithful) if faithful else {}
        if v:
            coverage, fidelity = student_t(list(v.values())), student_t(list(p.values())) if p else None
            found = behaviour(coverage, fidelity)
            yield Evidence(standing.family, board.task, standing.model, coverage, fidelity, found)


def _shares(standing: Standing, metric: str, ceiling: float) -> Seeds:
    score, rising = standing.scores.get(metric), standing.unconverged
    return {seed: value / ceiling for seed, value in score.seeds.items() if seed not in rising} if score else {}


def _unknown(boards: Iterable[Board], evidence: Sequence[Evidence]) -> Iterator[str]:
    """One sentence for all tasks of which the same is not known."""
    tasks: dict[str, list[str]] = {}
    for board in boards:
        for reason in _reasons(board, [one for one in evidence if one.task == board.task]):
            tasks.setdefault(reason, []).append(board.task)
    return (f"{', '.join(of)}: {reason}" for reason, of in tasks.items())


def _reasons(board: Board, found: Sequence[Evidence]) -> Iterator[str]:
    if not board.measured:
        yield f"not measured; run coverseek run --suite {board.suite}"
        return
    if not found:
        yield "no evidence, since no metric of coverage or no control of it is there"
    if blind := [column(metric).title for metric in (*COVERAGE, FIDELITY) if metric in board.blind]:
        yield f"nothing is concluded from {' and '.join(blind)}: noise or one mode scores like real data there"
    if alone := [one.model for one in found if one.coverage.n == 1]:
        yield f"one seed of {', '.join(alone)}, so that another training may differ"
    if rising := [s.model for s in board.standings if s.competes and s.unconverged]:
        yield f"nothing is concluded from trainings that had not converged: {', '.join(rising)}"
    if lost := [f"{s.model} ({s.status})" for s in board.standings if s.role == "model" and s.status != "ok"]:
        yield f"without a place: {', '.join(lost)}"


def groups(found: Answer) -> Iterator[tuple[Behaviour, list[str]]]:
    """Covering and seeking, also where no family does so, and each other behaviour but "open" that a family shows."""
    for word in get_args(Behaviour):
        families = found.of(word)
        if word in ("covers", "seeks") or (families and word != "open"):
            yield word, families
