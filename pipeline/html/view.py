"""What the templates show: suites with their tasks, and on each task tables, charts and records; verdicts on claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, Literal, NamedTuple, get_args

from pipeline import paths
from pipeline.claims import richer_conditions
from pipeline.claims.claim import Claim
from pipeline.claims.claims_md import Judged, line, notes, significance
from pipeline.claims.rule import ContrastTest, Judgement, Word
from pipeline.html import cell_records, leaderboard_tables
from pipeline.html.cell_records import CellRecord, ExternalRecord
from pipeline.html.leaderboard_tables import BoardTable, ProtocolRow
from pipeline.html.sample_pictures import EmbeddedPicture, Gallery
from pipeline.params import Params
from pipeline.report import equal_precision_table, figures, published_md, reference_values
from pipeline.report.charts import (
    conditioning_chart,
    cost_chart,
    matched_curves,
    objective_curves,
    precision_recall_plane,
    training_curves,
)
from pipeline.report.charts.chart import Chart
from pipeline.report.leaderboard import Board, Standing
from pipeline.report.published_md import Reproduced
from pipeline.results.conditioning import ConditioningSeries

SIGNS: dict[Word, str] = {"supported": "✓", "contradicted": "✗", "no difference": "≈", "undecided": "?"}
REDUCTIONS: tuple[dict[str, Any], ...] = (
    {"live": "default"},
    {"curves": False},
    {"costs": False},
    {"controls": False},
    {"pictures": False},
    {"live": "none"},
)


class Scope(NamedTuple):
    """What is shown of the suites outside the default run. Tables and numbers always are.

    `live`: whose charts are interactive, which takes their specifications and the embedded library. `controls`: the
    pictures of the controls.
    """

    live: Literal["all", "default", "none"] = "all"
    curves: bool = True
    costs: bool = True
    controls: bool = True
    pictures: bool = True

    def is_live(self, default: bool) -> bool:
        return self.live == "all" or (self.live == "default" and default)


def scopes() -> Iterator[Scope]:
    """From all to least. In order: interactive charts, training curves, costs and pictures of controls of the other
    suites, then those of their models; at last the interactive charts of the default run, with the library."""
    scope = Scope()
    yield scope
    for less in REDUCTIONS:
        yield (scope := scope._replace(**less))


@dataclass(frozen=True)
class TaskView:
    """One board, and the records below it: each model of a task has one, on one of the task's boards.

    Attributes:
        board: its table and its charts.
        default: whether its suite is in the default run.
        gallery: the pictures of the task.
        standings: the models whose records are here.
        scored: the same of models from elsewhere.
        protocols: those of every board of the task, on the first of them.
    """

    board: Board
    default: bool
    gallery: Gallery
    standings: Sequence[Standing]
    scored: Sequence[Standing]
    protocols: Sequence[ProtocolRow]

    @property
    def key(self) -> str:
        return f"{self.board.suite}-{self.board.task}"

    @property
    def fuller(self) -> bool:
        """Whether some model's records stand on a board that has more of its seeds."""
        return any(s.cells for s in self.board.standings if s not in self.standings)

    @cached_property
    def quality(self) -> BoardTable:
        return leaderboard_tables.table(self.board)

    @cached_property
    def references(self) -> str:
        return ". ".join(reference_values.sentences(self.board))

    @cached_property
    def equal_precision(self) -> list[tuple[str, ...]]:
        """The rows of that table, its heads first; empty where no knob was turned."""
        return list(zip(*equal_precision_table.columns(self.board), strict=True))

    @cached_property
    def drawn(self) -> Mapping[str, Chart]:
        curves = training_curves.draw(self.board, {standing.model for standing in self.standings})
        drawn = {
            "plane": precision_recall_plane.draw(self.board),
            "objectives": objective_curves.draw(self.board),
            "curves": curves,
            "cost": cost_chart.draw(self.board),
            "matched": matched_curves.draw(self.board),
        }
        return {name: chart for name, chart in drawn.items() if chart}

    @cached_property
    def pictures(self) -> Mapping[str, Sequence[EmbeddedPicture]]:
        return {standing.model: list(self.gallery.of(standing)) for standing in self.standings}

    @cached_property
    def real(self) -> EmbeddedPicture | None:
        return self.gallery.real()

    @cached_property
    def kept(self) -> Sequence[tuple[str, str]]:
        """(name, path from the page) of the pictures that an earlier run drew."""
        found = figures.kept(self.board)
        return [(name, path.relative_to(paths.RESULTS.parent).as_posix()) for name, path in found.items()]

    @cached_property
    def external(self) -> list[ExternalRecord]:
        return [cell_records.external_record(self.board.task, one, self.gallery) for one in self.scored]

    def charts(self, scope: Scope) -> list[Chart]:
        costs, curves = self.default or scope.costs, self.default or scope.curves
        hidden = {"cost": not costs, "matched": not costs, "curves": not curves}
        return [chart for name, chart in self.drawn.items() if not hidden.get(name)]

    def records(self, scope: Scope) -> list[CellRecord]:
        return [cell_records.record(s, self._shown(s, scope)) for s in self.standings]

    def _shown(self, standing: Standing, scope: Scope) -> Sequence[EmbeddedPicture]:
        visible = self.default or (scope.pictures and (scope.controls or not standing.control))
        return self.pictures[standing.model] if visible else ()


@dataclass(frozen=True)
class SuiteView:
    """The tasks of one suite, and its conditioning series if it declares one."""

    name: str
    question: str
    default: bool
    tasks: Sequence[TaskView]
    series: ConditioningSeries | None = field(repr=False)

    @property
    def measured(self) -> bool:
        return any(task.board.measured for task in self.tasks)

    @cached_property
    def series_chart(self) -> Chart | None:
        return conditioning_chart.draw(self.series) if self.series else None

    @cached_property
    def sentence(self) -> str:
        return (
            richer_conditions.sentence(richer_conditions.verdicts(self.series)).replace("**", "") if self.series else ""
        )

    def whole(self, scope: Scope) -> bool:
        """Whether all of its charts and pictures are shown."""
        return self.default or (scope.curves and scope.costs and scope.controls and scope.pictures)

    def live(self, scope: Scope) -> Iterator[Chart]:
        """The interactive charts."""
        if scope.is_live(self.default):
            yield from [self.series_chart] if self.series_chart else []
            yield from (chart for task in self.tasks for chart in task.charts(scope))


def suites(params: Params, boards: Sequence[Board], series: Sequence[ConditioningSeries]) -> list[SuiteView]:
    """In the order of params.yaml."""
    galleries = {board.task: Gallery(board.task) for board in boards}
    owned: dict[int, list[Standing]] = {id(board): [] for board in boards}
    for board, standing in cell_records.fullest(boards):
        owned[id(board)].append(standing)
    scored, protocols = cell_records.external_on(boards), leaderboard_tables.protocols(boards)
    of_suite = {one.suite: one for one in series}
    made = []
    for name, group in groupby(boards, key=lambda board: board.suite):
        default = params.suites[name].default
        tasks = [
            TaskView(
                board=board,
                default=default,
                gallery=galleries[board.task],
                standings=owned[id(board)],
                scored=scored.get(id(board), ()),
                protocols=protocols.pop(board.task, ()),
            )
            for board in group
        ]
        made.append(SuiteView(name, tasks[0].board.question, default, tasks, of_suite.get(name)))
    return made


class PublishedView(NamedTuple):
    """A table of published numbers: its columns' titles, and the texts of each row."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def published(found: Reproduced) -> list[PublishedView]:
    """Published numbers beside ours, as published.md has them."""
    columns = published_md.COLUMNS
    return [
        PublishedView(table.title, list(columns), [[cell(row) for cell in columns.values()] for row in rows])
        for table, rows in found
    ]


class VerdictView(NamedTuple):
    """A claim with its verdict.

    Attributes:
        reason: why it is undecided.
        decisive: the contrast that decides.
        significance: the p-value of the verdict, and the equivalence bound.
        contrasts: all measured ones.
        notes: what they lack, and which contrasts are set aside.
    """

    key: str
    statement: str
    metric: str
    word: Word
    reason: str
    sign: str
    decisive: str
    significance: str
    contrasts: list[str]
    notes: list[str]


def verdicts(found: Judged) -> list[VerdictView]:
    return [_verdict(claim, judgement) for claim, judgement in found]


def counts(found: Iterable[VerdictView]) -> list[tuple[Word, str, int]]:
    """(word, its sign, how many claims have it)."""
    counted = Counter(verdict.word for verdict in found)
    return [(word, SIGNS[word], counted[word]) for word in get_args(Word)]


def _verdict(claim: Claim, found: Judgement) -> VerdictView:
    contrasts = [_line(finding) for finding in found.findings if finding.interval]
    word = found.verdict
    return VerdictView(
        key=claim.id,
        statement=claim.statement,
        metric=claim.metric,
        word=word,
        reason=found.reason,
        sign=SIGNS[word],
        decisive=_decisive(found),
        significance=significance(claim, found),
        contrasts=contrasts,
        notes=notes(found),
    )


def _decisive(found: Judgement) -> str:
    weakest = found.weakest
    if weakest is None:
        return "every contrast is set aside"
    return _line(weakest) if weakest.interval else "nothing measured yet"


def _line(finding: ContrastTest) -> str:
    return line(finding.contrast, finding.interval) if finding.interval else finding.contrast.name
