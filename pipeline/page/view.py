"""What the templates show: suites, their boards, and on each board its tables, charts and records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from pipeline.claims import conditioning
from pipeline.page import elsewhere, leaderboard
from pipeline.page.charts import cost, curves, ladder, plane
from pipeline.page.charts.chart import Chart
from pipeline.page.elsewhere import Elsewhere
from pipeline.page.leaderboard import Protocol, Table
from pipeline.page.pictures import Gallery, Picture
from pipeline.page.record import Record, fullest, record
from pipeline.page.scope import Scope
from pipeline.params import Params
from pipeline.report import reference_values
from pipeline.report.board import Board, Standing
from pipeline.results.conditioning import ConditioningSeries


@dataclass(frozen=True)
class Task:
    """One board, and the records that stand below it: each model of a task has one, on one of the task's boards."""

    board: Board
    default: bool
    gallery: Gallery
    standings: Sequence[Standing]
    scored: Sequence[Standing]
    """Each on one of the task's boards too."""
    protocols: Sequence[Protocol]
    """Of every board of the task, on the first of them."""

    @property
    def key(self) -> str:
        return f"{self.board.suite}-{self.board.task}"

    @property
    def fuller(self) -> bool:
        """Whether some model's records stand on a board that has more of its seeds."""
        return any(s.cells for s in self.board.standings if s not in self.standings)

    @cached_property
    def quality(self) -> Table:
        return leaderboard.table(self.board)

    @cached_property
    def references(self) -> str:
        return ". ".join(reference_values.sentences(self.board))

    @cached_property
    def drawn(self) -> Mapping[str, Chart]:
        made = {"plane": plane.draw(self.board), "curves": self._curves(), "cost": cost.draw(self.board)}
        return {name: chart for name, chart in made.items() if chart}

    def _curves(self) -> Chart | None:
        return curves.draw(self.board, {standing.model for standing in self.standings})

    @cached_property
    def pictures(self) -> Mapping[str, Sequence[Picture]]:
        return {standing.model: list(self.gallery.of(standing)) for standing in self.standings}

    @cached_property
    def real(self) -> Picture:
        return self.gallery.real()

    @cached_property
    def elsewhere(self) -> list[Elsewhere]:
        return [elsewhere.elsewhere(self.board.task, standing, self.gallery) for standing in self.scored]

    def charts(self, scope: Scope) -> list[Chart]:
        shown = {"plane": True, "cost": self.default or scope.costs, "curves": self.default or scope.curves}
        return [chart for name, chart in self.drawn.items() if shown[name]]

    def records(self, scope: Scope) -> list[Record]:
        return [record(self.board, s, self._shown(s, scope)) for s in self.standings]

    def _shown(self, standing: Standing, scope: Scope) -> Sequence[Picture]:
        seen = self.default or (scope.pictures and (scope.controls or not standing.control))
        return self.pictures[standing.model] if seen else ()


@dataclass(frozen=True)
class Suite:
    name: str
    question: str
    default: bool
    tasks: Sequence[Task]
    ladder: ConditioningSeries | None = field(repr=False)

    @property
    def measured(self) -> bool:
        return any(task.board.measured for task in self.tasks)

    @cached_property
    def climb(self) -> Chart | None:
        return ladder.draw(self.ladder) if self.ladder else None

    @cached_property
    def sentence(self) -> str:
        return conditioning.sentence(conditioning.verdicts(self.ladder)).replace("**", "") if self.ladder else ""

    def whole(self, scope: Scope) -> bool:
        """Whether all of its charts and pictures are shown."""
        return self.default or (scope.curves and scope.costs and scope.controls and scope.pictures)

    def live(self, scope: Scope) -> Iterator[Chart]:
        """The charts that answer a pointer."""
        if scope.lively(self.default):
            yield from [self.climb] if self.climb else []
            yield from (chart for task in self.tasks for chart in task.charts(scope))


def suites(params: Params, boards: Sequence[Board], ladders: Sequence[ConditioningSeries]) -> list[Suite]:
    """In the order of params.yaml."""
    galleries = {board.task: Gallery(board.task) for board in boards}
    owned: dict[int, list[Standing]] = {id(board): [] for board in boards}
    for board, standing in fullest(boards):
        owned[id(board)].append(standing)
    scored = elsewhere.first(boards)
    protocols = leaderboard.protocols(boards)
    climbed = {of.suite: of for of in ladders}
    made = []
    for name, group in groupby(boards, key=lambda board: board.suite):
        default = params.suites[name].default
        tasks = [
            Task(
                board=board,
                default=default,
                gallery=galleries[board.task],
                standings=owned[id(board)],
                scored=scored.get(id(board), ()),
                protocols=protocols.pop(board.task, ()),
            )
            for board in group
        ]
        made.append(Suite(name, tasks[0].board.question, default, tasks, climbed.get(name)))
    return made
