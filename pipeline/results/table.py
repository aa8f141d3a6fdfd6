"""results.csv: one table of every measured number, one number a row (Wickham 2014, J. Stat. Software 59(10)).

`Results` is that table in memory. It is made from the evaluated cells and the external models, written as CSV, and
selected by task, model and metric. A selection carries its sources, so that a contrast of selections can name the seeds
that a source lacks, whether a metric is blind on its task (`pipeline.statistics.admission`), and whether a number is a
bound.
"""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import pandas as pd

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.results import convergence, objective_series
from pipeline.results.column import ordered
from pipeline.results.external import EXTERNAL
from pipeline.results.outcomes import Outcome
from pipeline.statistics.admission import Admission, admissions
from pipeline.statistics.intervals import Seeds

CELL = ("task", "condition", "model", "family", "seed")
SAMPLING = ("sampling_low", "sampling_high")
NUMBER = ("metric", "value", *SAMPLING, "unit", "better", "kind", "protocol")
IDENTITY = ("split", "version", "protocol_id")
"""What defines a number besides its kind and the words of its protocol, and a short name for all of it."""
HEADLINES = frozenset({"nats", "nats_per_step", "bits_per_dim", "frechet", "precision", "recall", "modes_hit"})
"""The metrics that `dvc metrics` shows and compares; results.csv has all."""
SWEEP = ("setting", "precision", "recall", "frechet", "obedience")
DIGITS = 6
"""Significant digits in the file: more than any metric's noise, few enough for a readable diff."""
UPPER, LOWER = "<=", ">="
"""How the kind of an upper bound begins, and that of a lower bound."""
NARROW = ("_half", "_quarter", "_eighth")
"""How the name of a model ends that has a share of another one's width."""
BUDGETS = ("_steps_25", "_steps_50", "_steps_200")
"""How the name of a model ends that has a percentage of another one's training steps."""


@dataclass(frozen=True)
class Source:
    """One metric of one model on one task.

    Attributes:
        seeds: the training seeds that it is measured on, without those whose training had not converged.
        kinds: the kinds of its numbers, 'exact' or '<= (IWAE-64)'.
        blind: why the metric is not informative on this task; empty if it is admitted.
        model: the model, without the ending of a narrow one or of one with another number of steps.
        cell: the task and the model, 'ring-vae'.
        unconverged: the seeds whose training had not converged (`pipeline.results.convergence`).
    """

    seeds: frozenset[int]
    kinds: frozenset[str] = frozenset()
    blind: str = ""
    model: str = ""
    cell: str = ""
    unconverged: frozenset[int] = frozenset()


class SeedValues(dict[int, float]):
    """Training seed -> value, with the sources that it is computed from.

    Attributes:
        sources: 'precision of ring-vae' -> the source.
        excess: the signs of (value - true value) that bounds allow: +1 of an upper bound, -1 of a lower one, both of a
            difference of two upper bounds, neither of exact values and estimates.
    """

    def __init__(self, values: Seeds, sources: Mapping[str, Source], excess: Iterable[int] = ()) -> None:
        super().__init__(values)
        self.sources = sources
        self.excess = frozenset(excess)


def sources(*sides: Seeds) -> Mapping[str, Source]:
    """The sources of all sides; a plain mapping has none."""
    return {name: source for side in sides if isinstance(side, SeedValues) for name, source in side.sources.items()}


@dataclass(frozen=True)
class Results:
    """The table of results.

    Attributes:
        frame: the columns of results.csv, one row for each number.
        sweeps: a row for each knob setting of each cell: task, model, seed, setting, precision, recall, ...
    """

    frame: pd.DataFrame
    sweeps: pd.DataFrame | None = None

    @classmethod
    def from_outcomes(cls, outcomes: Sequence[Outcome]) -> Results:
        """The numbers of all measured cells, in the order of the grid, then of the columns.

        Raises:
            UserError: one kind of one metric of one task has two protocol ids, so that its numbers cannot be compared.
        """
        numbers = [
            (o.cell.task, o.condition, o.cell.model, o.family, o.cell.seed, name, *_number(o, name))
            for o in outcomes
            for name in ordered(o.metrics)
        ]
        frame = pd.DataFrame(numbers, columns=[*CELL, *NUMBER, *IDENTITY]).astype(dict.fromkeys(SAMPLING, float))
        _refuse_mixed_protocols(frame)
        settings = [
            (o.cell.task, o.cell.model, o.family, o.cell.seed, o.knob, *(getattr(turn, name) for name in SWEEP))
            for o in outcomes
            for turn in o.turns
        ]
        return cls(frame, pd.DataFrame(settings, columns=["task", "model", "family", "seed", "knob", *SWEEP]))

    @classmethod
    def read(cls) -> Results:
        """The committed table, without the settings of knobs.

        Raises:
            UserError: there is none, or it is damaged.
        """
        text = files.read_utf8(paths.RESULTS, "coverseek report")
        frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
        if missing := [name for name in (*CELL, *NUMBER) if name not in frame]:
            raise UserError(f"{paths.RESULTS} has no column {missing[0]}; make it again with: coverseek report")
        return cls(frame)

    @property
    def trained(self) -> Results:
        """Without the external models: the table itself, with what it has derived, where there are none."""
        own = self.frame["family"] != EXTERNAL
        return self if own.all() else Results(self.frame[own], self.sweeps)

    @cached_property
    def admitted(self) -> Mapping[tuple[str, str], Admission]:
        """(task, metric) -> whether the metric distinguishes the controls; without the pairs that none measures."""
        return admissions(self.frame)

    @cached_property
    def unconverged(self) -> Mapping[tuple[str, str], frozenset[int]]:
        """(task, model) -> the seeds whose validation score was still improving at the end of training."""
        f = self.frame
        limits = f["metric"].map({criterion.metric: criterion.limit for criterion in convergence.CRITERIA})
        rows = f[f["value"] > limits]
        return {
            (str(task), str(model)): frozenset(map(int, of["seed"]))
            for (task, model), of in rows.groupby(["task", "model"], sort=False)
        }

    def models(self, task: str, families: Container[str], width: str = "") -> list[str]:
        """Every model of some families on a task, converged or not, with all of its training steps and the objective of
        its family: the models of `objective_series` have an objective of their own.

        Args:
            task: of params.yaml.
            families: the names of families.
            width: one of `NARROW`, or empty for the full width.
        """
        rows = self.frame[self.frame["task"] == task]
        pairs = dict.fromkeys(zip(rows["model"].astype(str), rows["family"], strict=True))
        whole = {model: family for model, family in pairs if model not in objective_series.models()}
        return [model for model, family in whole.items() if family in families and model == base(model) + width]

    def swept(self, task: str) -> dict[str, str]:
        """Model -> its knob, of the models on a task whose knob is turned, at full width."""
        if self.sweeps is None:
            return {}
        rows = self.sweeps[self.sweeps["task"] == task]
        knobs = dict(zip(rows["model"].astype(str), rows["knob"].astype(str), strict=True))
        return {model: knob for model, knob in knobs.items() if base(model) == model}

    def seeds(self, task: str, model: str, metric: str, at_any_step: bool = False) -> SeedValues:
        """One metric of one model on one task, of the seeds that converged, or whose convergence is not decided; or of
        all seeds, for what is true of a model at any step of its training."""
        f = self.frame
        rows = f[(f["task"] == task) & (f["model"] == model) & (f["metric"] == metric)]
        return self._select(rows, "value", task, model, metric, metric, at_any_step)

    def at_setting(self, task: str, model: str, setting: float, metric: str) -> Seeds:
        """The same with its knob at a setting."""
        if self.sweeps is None:
            return {}
        t = self.sweeps
        rows = t[(t["task"] == task) & (t["model"] == model) & (t["setting"] == setting)]
        return self._select(rows, metric, task, model, metric, f"{metric} at {setting:g}")

    def _select(
        self, rows: pd.DataFrame, column: str, task: str, model: str, metric: str, name: str, at_any_step: bool = False
    ) -> SeedValues:
        still = frozenset() if at_any_step else self.unconverged.get((task, model), frozenset())
        pairs = zip(map(int, rows["seed"]), map(float, rows[column]), strict=True)
        values = {seed: value for seed, value in pairs if seed not in still}
        kinds = frozenset(map(str, rows["kind"])) if "kind" in rows else frozenset()
        admission = self.admitted.get((task, metric))
        blind = f"{task} {metric} is blind: {admission.reason}" if admission and not admission.admitted else ""
        signs = {1 if kind.startswith(UPPER) else -1 for kind in kinds if kind.startswith((UPPER, LOWER))}
        rising = still & frozenset(map(int, rows["seed"]))
        source = Source(frozenset(values), kinds, blind, base(model), f"{task}-{model}", rising)
        return SeedValues(values, {f"{name} of {task}-{model}": source}, signs)

    def means(self, cells: Container[tuple[str, str, int]]) -> dict[str, dict[str, dict[str, float]]]:
        """task -> model -> metric -> mean over the seeds of `cells`, of `HEADLINES`: the metrics file of DVC."""
        values: dict[tuple[str, str, str], list[float]] = {}
        columns = (self.frame[name] for name in ("task", "model", "seed", "metric", "value"))
        for task, model, seed, metric, value in zip(*columns, strict=True):
            if metric in HEADLINES and (task, model, seed) in cells:
                values.setdefault((task, model, metric), []).append(value)
        found: dict[str, dict[str, dict[str, float]]] = {}
        for (task, model, metric), of in values.items():
            found.setdefault(task, {}).setdefault(model, {})[metric] = float(compact(fmean(of)))
        return found

    def csv(self) -> str:
        """The text of results.csv.

        `sampling_low` and `sampling_high` are the 95 % bootstrap interval over samples and test items, empty where none
        is known; the interval over training seeds is in leaderboard.csv.
        """
        numbers = {name: self.frame[name].map(compact, na_action="ignore") for name in ("value", *SAMPLING)}
        return self.frame.assign(**numbers).to_csv(index=False, lineterminator="\n")


def base(model: str) -> str:
    """realnvp_half, realnvp_steps_50 -> realnvp; the name of any other model itself."""
    return next((model.removesuffix(end) for end in (*NARROW, *BUDGETS) if model.endswith(end)), model)


def compact(value: float) -> str:
    """Whole numbers whole, all others with six significant digits: reading and writing again changes nothing."""
    rounded = float(value) if float(value).is_integer() else float(format(value, f".{DIGITS}g"))
    return str(int(rounded)) if rounded.is_integer() else format(rounded, f".{DIGITS}g")


def _number(outcome: Outcome, name: str) -> tuple[object, ...]:
    m, defined = outcome.metrics[name], outcome.protocol(name)
    return m.value, m.low, m.high, m.unit, m.better, m.kind, m.protocol, defined.split, defined.version, defined.id


def _refuse_mixed_protocols(frame: pd.DataFrame) -> None:
    for (task, metric, kind), column in frame.groupby(["task", "metric", "kind"], sort=False):
        first = column.drop_duplicates("protocol_id")
        if len(first) > 1:
            one, two = (row for _, row in first.head(2).iterrows())
            field = next(name for name in ("protocol", "split", "version") if one[name] != two[name])
            a, b = (f"{row['model']} seed {row['seed']}: {row[field]!r}" for row in (one, two))
            raise UserError(
                f"{metric} ({kind}) of {task} holds two protocols, which cannot be compared: they differ in {field} "
                f"({a}; {b}); measure both again with: coverseek run"
            )
