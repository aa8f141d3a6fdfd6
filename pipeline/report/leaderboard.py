"""The board of one task: each model's mean and interval over training seeds, in order, and ranked metric by metric.

The seed is the unit of replication: the interval is Student's t over the n means of n trainings, on the log scale for
distances, which are positive and skewed. A metric that does not distinguish the controls of the task is blind there
(`pipeline.statistics.admission`): it ranks and compares nothing. There is no overall rank. Rows are ordered by
likelihood; the models without one follow by Fréchet distance; then, in the same order, the external models; controls
come last, in the order of params.yaml. External models have no seeds: ranks and comparisons ignore them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from pipeline import paths
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.results.column import LIKELIHOODS, column, is_optimistic_bound, ordered
from pipeline.results.external import EXTERNAL
from pipeline.results.outcomes import Better, Outcome, shown
from pipeline.results.table import Results, base
from pipeline.statistics.admission import blind
from pipeline.statistics.comparison import NONE, Comparison, compare
from pipeline.statistics.intervals import Interval, Seeds, student_t
from pipeline.statistics.ranks import Rank, ranks


@dataclass(frozen=True)
class SeedMean:
    """One metric of one model over its seeds; `seeds` are logarithms where `log`."""

    interval: Interval
    kind: str
    better: Better
    log: bool
    seeds: Seeds

    @property
    def is_optimistic_bound(self) -> bool:
        return is_optimistic_bound(self.kind, self.better)


class KnobPoint(NamedTuple):
    """Means over seeds at one setting of a model's knob; `coverage` is None where it was not measured."""

    setting: float
    recall: float
    precision: float
    coverage: float | None = None


@dataclass(frozen=True)
class Standing:
    """One model on one task.

    Attributes:
        status: "ok", or what became of the seeds that were not measured.
        cells: the seeds that were measured.
        scores: metric -> score.
        sampled: metric -> the sampling interval of the first seed.
        curve: precision and recall against the knob, the mean over seeds at each setting that all seeds have.
        trust: how the numbers were obtained (`pipeline.results.external`).
        replicated: whether its seeds draw different samples; if not, there is no interval over seeds.
        unconverged: the seeds whose validation score still rose at the end (`pipeline.results.convergence`).
        convergence_known: whether that is decided of a seed.
        committed: the seeds of `cells` that an earlier run measured: their artifacts are not in this folder.
        locks: seed -> how the md5 of its metrics file begins.
        swept: the seeds whose knob was turned.
    """

    model: str
    family: str
    status: str
    cells: tuple[Cell, ...]
    scores: Mapping[str, SeedMean]
    sampled: Mapping[str, Interval] = field(default_factory=dict)
    curve: tuple[KnobPoint, ...] = ()
    trust: str = "re-trained"
    replicated: bool = True
    unconverged: tuple[int, ...] = ()
    convergence_known: bool = True
    committed: frozenset[Cell] = frozenset()
    locks: Mapping[int, str] = field(default_factory=dict)
    swept: tuple[Outcome, ...] = ()

    @property
    def here(self) -> tuple[Cell, ...]:
        """The seeds that were measured in this folder."""
        return tuple(cell for cell in self.cells if cell not in self.committed)

    @property
    def first(self) -> Cell | None:
        """The first seed, which pictures show; None where its samples are not in this folder."""
        return self.cells[0] if self.cells and self.cells[0] not in self.committed else None

    @property
    def control(self) -> bool:
        return self.family == "control"

    @property
    def external(self) -> bool:
        """Scored from files: trained elsewhere, without cells."""
        return self.family == EXTERNAL

    @property
    def role(self) -> str:
        return "control" if self.control else "external" if self.external else "model"

    @property
    def competes(self) -> bool:
        """A model with all its seeds measured: one that diverged anywhere is not ranked."""
        return self.role == "model" and self.status == "ok"


@dataclass(frozen=True)
class Board:
    """One task of one suite.

    Attributes:
        ranks: metric -> model -> range of ranks, for models with an interval.
        comparisons: metric -> the pairwise comparison of these models.
        protocols: metric -> kind -> how it was measured.
        blind: metric -> why it is not informative on the task.
        devices: GPU, or CPU -> the models that were trained on it.
        count: the cells that were measured or diverged.
        committed: those of them that an earlier run measured -> whether by older code.
    """

    suite: str
    question: str
    task: str
    standings: tuple[Standing, ...]
    ranks: Mapping[str, Mapping[str, Rank]]
    comparisons: Mapping[str, Comparison]
    protocols: Mapping[str, Mapping[str, str]]
    hardware: tuple[str, ...]
    blind: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0
    committed: Mapping[Cell, bool] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        return any(s.cells or s.status.startswith("diverged") for s in self.standings)

    @property
    def likelihood(self) -> str | None:
        return next((name for name in LIKELIHOODS if name in self.protocols), None)

    @property
    def variety(self) -> Literal["recall", "coverage"]:
        """The measure of variety that is plotted against precision: recall, or coverage where only recall is blind."""
        return "coverage" if "recall" in self.blind and "coverage" not in self.blind else "recall"

    def logged(self, metric: str) -> bool:
        """Whether its intervals and differences are those of logarithms."""
        return any(s.scores[metric].log for s in self.standings if metric in s.scores and s.competes)

    def better(self, metric: str) -> Better:
        return next(s.scores[metric].better for s in self.standings if metric in s.scores)


def boards(
    params: Params, outcomes: Sequence[Outcome], results: Results, external: Sequence[Outcome] = ()
) -> list[Board]:
    """One board for each task of each suite that is shown, in the order of params.yaml.

    Args:
        outcomes: the cells of the suites that are shown.
        results: the numbers of the cells and of the external models.
        external: the external models, shown on every board of their task.
    """
    made, found = [], {o.cell: o for o in outcomes}
    rows = {key: frame for key, frame in results.frame.groupby(["task", "model", "seed"], sort=False)}
    for name, suite in shown(params, outcomes).items():
        for task in suite.tasks:
            group = [found[cell] for cell in suite.cells() if cell.task == task]
            group += [o for o in external if o.cell.task == task]
            own = [rows[o.cell] for o in group if o.cell in rows]
            scores = _scores(pd.concat(own)) if own else {}
            made.append(_board(name, suite.question, task, group, scores, blind(results.admitted, task)))
    return made


Scores = dict[str, dict[str, SeedMean]]


def _scores(frame: pd.DataFrame) -> Scores:
    """Of one task: model -> metric -> score."""
    scores: Scores = {}
    for key, rows in frame.groupby(["model", "metric"], sort=False):
        model, metric = map(str, key)
        values = rows["value"].to_numpy(dtype=float)
        log = column(metric).log and bool((values > 0).all())
        kind = ", ".join(rows["kind"].unique())
        seeds = dict(zip(rows["seed"], np.log(values) if log else values, strict=True))
        score = SeedMean(student_t(values, log=log), kind, rows["better"].iloc[0], log, seeds)
        scores.setdefault(model, {})[metric] = score
    return scores


def _board(
    suite: str,
    question: str,
    task: str,
    outcomes: list[Outcome],
    scores: Scores,
    uninformative: Mapping[str, str],
) -> Board:
    seeds: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        seeds.setdefault(outcome.cell.model, []).append(outcome)
    standings = [_standing(model, of, scores.get(model, {})) for model, of in seeds.items()]
    standings.sort(key=lambda standing: _place(standing, uninformative))
    protocols = _protocols(outcomes)
    return Board(
        suite=suite,
        question=question,
        task=task,
        standings=tuple(standings),
        ranks={metric: {} if metric in uninformative else _ranks(standings, metric) for metric in protocols},
        comparisons={metric: NONE if metric in uninformative else _compared(standings, metric) for metric in protocols},
        protocols=protocols,
        hardware=tuple(sorted({", ".join(f"{k} {v}" for k, v in sorted(o.hardware.items())) for o in outcomes} - {""})),
        blind={metric: reason for metric, reason in uninformative.items() if metric in protocols},
        devices=_devices(outcomes),
        count=sum(o.family != EXTERNAL and o.status in ("ok", "diverged") for o in outcomes),
        committed={o.cell: o.older for o in outcomes if o.committed},
    )


def _devices(outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        if outcome.hardware:
            found.setdefault(outcome.hardware.get("device", "CPU"), {})[outcome.cell.model] = None
    return {device: tuple(models) for device, models in sorted(found.items())}


def _protocols(outcomes: Iterable[Outcome]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        for name, metric in outcome.metrics.items():
            found.setdefault(name, {})[metric.kind] = metric.protocol
    return {metric: found[metric] for metric in ordered(found)}


def _standing(model: str, outcomes: list[Outcome], scores: Mapping[str, SeedMean]) -> Standing:
    first, status = outcomes[0], _status(outcomes)
    cells = tuple(o.cell for o in outcomes if o.status == "ok" and o.family != EXTERNAL)
    replicated = all(o.replicated for o in outcomes)
    if not replicated:
        alone = {metric: score.interval._replace(low=None, high=None) for metric, score in scores.items()}
        scores = {metric: replace(score, interval=alone[metric]) for metric, score in scores.items()}
    return Standing(
        model, first.family, status, cells, scores, _sampled(outcomes), tuple(_curve(outcomes)), first.trust,
        replicated,
        tuple(o.cell.seed for o in outcomes if o.converged is False), any(o.converged is not None for o in outcomes),
        frozenset(o.cell for o in outcomes if o.committed), {o.cell.seed: o.lock for o in outcomes if o.lock},
        tuple(o for o in outcomes if o.turns),
    )  # fmt: skip


def _sampled(outcomes: Sequence[Outcome]) -> dict[str, Interval]:
    first = next((o.metrics for o in outcomes if o.status == "ok"), {})
    return {name: Interval(m.value, m.low, m.high, 1) for name, m in first.items() if m.low is not None}


def _curve(outcomes: Sequence[Outcome]) -> Iterator[KnobPoint]:
    swept = [{turn.setting: turn for turn in o.turns} for o in outcomes if o.turns]
    for setting in sorted(set.intersection(*map(set, swept))) if swept else ():
        turns = [of[setting] for of in swept]
        recall, precision = (sum(getattr(t, name) for t in turns) / len(turns) for name in ("recall", "precision"))
        covered = [turn.coverage for turn in turns if turn.coverage is not None]
        yield KnobPoint(setting, recall, precision, sum(covered) / len(turns) if len(covered) == len(turns) else None)


def _status(outcomes: Sequence[Outcome]) -> str:
    """'ok', or 'diverged at step 120 (critic), 1 of 3 seeds; failed: 1 of 3 seeds, see logs/ for ring-gan-2'."""
    places = [f"{o.diverged.step} ({o.diverged.player})" for o in outcomes if o.diverged]
    failed = [o.cell.key for o in outcomes if o.status == "failed" and not o.unused]
    unused = [o.unused for o in outcomes if o.status == "failed" and o.unused]
    of = f"of {len(outcomes)} seed{'s' * (len(outcomes) > 1)}"
    parts = []
    if places:
        parts.append(f"diverged at step {' and '.join(places)}, {len(places)} {of}")
    if failed:
        parts.append(f"failed: {len(failed)} {of}, see {paths.LOGS}/ for {', '.join(failed)}")
    if unused:
        parts.append(f"not measured: {len(unused)} {of}, {' and '.join(dict.fromkeys(unused))}")
    if any(o.status == "stale" for o in outcomes):
        external = any(o.trust != "re-trained" for o in outcomes)
        why = "the models have another protocol by now, score it again" if external else "trained on other data"
        parts.append(f"stale: {why}")
    return "; ".join(parts) or "ok"


ROLES = ("model", "external", "control")


def _place(standing: Standing, uninformative: Mapping[str, str]) -> tuple[int, int, float]:
    """By role; then by likelihood, by Fréchet distance, and what has neither. Ties and controls keep their order."""
    role = ROLES.index(standing.role)
    if standing.control:
        return role, 0, 0.0
    for group, metrics in enumerate((LIKELIHOODS, ("frechet",))):
        for metric in metrics:
            if metric in standing.scores and metric not in uninformative:
                score = standing.scores[metric]
                return role, group, score.interval.mean * (-1 if score.better == "higher" else 1)
    return role, 2, math.inf


def _rivals(standings: Iterable[Standing], metric: str) -> dict[str, SeedMean]:
    """Of models with all their seeds, without optimistic bounds, whose true values may be worse by any amount."""
    rows = {s.model: s.scores[metric] for s in standings if metric in s.scores and s.competes}
    return {model: score for model, score in rows.items() if not score.is_optimistic_bound}


def _compared(standings: Iterable[Standing], metric: str) -> Comparison:
    """On the log scale only where every rival is: logarithms are not compared with values."""
    scores = _rivals(standings, metric)
    alike = len({score.log for score in scores.values()}) == 1
    better = next(iter(scores.values())).better if alike else "none"
    return compare({model: score.seeds for model, score in scores.items()}, better, _is_same_model)


def _is_same_model(a: str, b: str) -> bool:
    """Whether two names are of one model, at two widths or numbers of training steps."""
    return base(a) == base(b)


def _ranks(standings: Iterable[Standing], metric: str) -> dict[str, Rank]:
    scores = _rivals(standings, metric)
    spans = {
        model: (score.interval.low, score.interval.high)
        for model, score in scores.items()
        if score.interval.low is not None and score.interval.high is not None
    }
    return ranks(spans, next(iter(scores.values())).better) if scores else {}
