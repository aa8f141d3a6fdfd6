"""The registry of metrics: each module of this folder declares its own, and no other place lists them.

    METRICS = (Metric(name="recall", title="recall", unit="share", better="higher", compute=..., requires=..., ...),)

The modules directly in `pipeline.metrics` are found by listing the folder, so that a new file is a new metric. They are
imported without torch, because reports read titles and digits from them: heavy imports stand inside functions. What
several metrics need of one cell is a `shared` function, computed once for each context. A metric imports the modules of
the shared functions that it uses, which is how `code_hash` finds the code that a number depends on.
Subfolders hold such modules, and no metrics.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, NotRequired, TypedDict, TypeVar

if TYPE_CHECKING:
    from pipeline.metrics.evaluation.context import EvaluationContext

PACKAGE, FOLDER = "pipeline.metrics", str(Path(__file__).parent)
SHARES = frozenset({"share", "F-score", "intersection over union", "probability"})
"""Units of what lies between 0 and 1."""
ROUNDING = 1e-9
SECOND = "_second"
"""How the name of a metric ends that is computed by the features of a task's second extractor."""
REFERENCES = ("_ceiling", "_floor", "_real", "_truth")
"""How the name of a metric of real images, or of the truth, ends, which another metric is read by."""

Better = Literal["higher", "lower", "none"]
"""`none`: no ranking, as the number is one of the data, or the ideal lies in the middle."""
Table = Literal["quality", "cost", "file", "reference"]
"""Where a number is shown. `file`: in the csv files alone; `reference`: in results.csv alone."""


class Ends(NamedTuple):
    """A sampling interval."""

    low: float
    high: float


class Entry(TypedDict):
    """One number as it is written, with all that is needed to compare it."""

    value: float
    unit: str
    better: Better
    kind: str
    protocol: str
    low: NotRequired[float]
    """Of the sampling interval, where one is known."""
    high: NotRequired[float]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How a number is shown, and where.

    Attributes:
        name: as in results.csv; may hold `{draws}`.
        title: the head of its column.
        order: of columns, ascending.
        table: where it is shown.
        digits: decimals; None for three significant digits, for what spans orders of magnitude.
        log_scale: the interval over seeds is taken on the log scale.
        varies: differs between seeds; what does not is written without an interval.
        version: of its meaning, to be raised when the same words begin to name another number. Counts and weights are
            in the protocol, and faster code gives the same number: neither needs a new version.
    """

    name: str
    title: str
    order: int
    table: Table = "quality"
    digits: int | None = None
    log_scale: bool = False
    varies: bool = True
    version: int = 1


Words = Callable[["EvaluationContext"], str]
Requirement = Callable[["EvaluationContext"], bool]
Interval = Callable[["EvaluationContext", float], Ends | None]
"""The sampling interval of the number that was measured."""


@dataclass(frozen=True, kw_only=True)
class Metric(Quantity):
    """A number of a model's samples or likelihood. Metrics of one name are never measured of the same cell.

    Attributes:
        unit: as in results.csv.
        better: which direction is better.
        requires: whether it applies to a cell.
        protocol: how the number was made, in words. Numbers are ranked where these are equal.
        kind: of statement, `estimate`, `measured`, `exact` or a bound such as `<= (ELBO)`.
        low: the smallest value that it can have; 0 of what is a share.
        high: the largest value that it can have; 1 of what is a share.
        interval: the sampling interval.
    """

    unit: str
    better: Better
    compute: Callable[[EvaluationContext], float]
    requires: Requirement
    protocol: Words
    kind: str | Words = "estimate"
    low: float = 0.0
    high: float = math.inf
    interval: Interval | None = None

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return (0.0, 1.0) if self.unit in SHARES else (self.low, self.high)

    def mistake(self, value: float) -> str:
        """What is wrong with a value outside the range, in words; empty where it lies within.

        Returns:
            For example 'precision is a share between 0 and 1, not 79.6: a percentage? 79.6 % is 0.796'.
        """
        low, high = self.range
        if low - ROUNDING <= value <= high + ROUNDING:
            return ""
        if self.unit in SHARES:
            percent = f": a percentage? {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
            return f"{self.name} is a {self.unit} between 0 and 1, not {value:g}{percent}"
        if self.unit == "bits/dim":
            what = f"{self.name} of discrete data is at least 0, not {value:g}"
            return f"{what}: the sign, or a density for a probability?"
        bound = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        return f"{self.name} is {bound}, not {value:g}: the sign?"


T = TypeVar("T")


def shared(function: Callable[[EvaluationContext], T]) -> Callable[[EvaluationContext], T]:
    """Compute a function of the context once for each context."""

    @wraps(function)
    def cached(context: EvaluationContext) -> T:
        if function not in context.computed:
            context.computed[function] = function(context)
        found: T = context.computed[function]
        return found

    return cached


def has_samples(context: EvaluationContext) -> bool:
    """Whether there are samples: what every model has."""
    return len(context.samples) > 0


@cache
def declared() -> Mapping[str, tuple[Quantity, ...]]:
    """Module -> what it declares, for each module directly in this package."""
    names = sorted(f"{PACKAGE}.{one.name}" for one in pkgutil.iter_modules([FOLDER]) if not one.ispkg)
    return {name: importlib.import_module(name).METRICS for name in names if name != __name__}


@cache
def quantities() -> tuple[Quantity, ...]:
    """Everything that has a column, in the order of the columns."""
    return tuple(sorted((one for group in declared().values() for one in group), key=lambda one: one.order))


def metrics() -> tuple[Metric, ...]:
    """What is measured of samples and likelihoods, in the order of the columns."""
    return tuple(one for one in quantities() if isinstance(one, Metric))


def find(name: str) -> Quantity | None:
    """The declaration of a metric by its name in results.csv; None if there is none.

    A name with draws, such as `iwae_64`, has them in its title as well.
    """
    return _by_name().get(name) or _with_draws(name)


def measured_name(metric: Metric, draws: int) -> str:
    """The name in results.csv of a metric that is measured with so many draws."""
    return metric.name.format(draws=draws)


def version(name: str) -> int:
    """The version of a metric's meaning, 1 if it is not declared."""
    found = find(name)
    return found.version if found else 1


def base(name: str) -> str:
    """The metric that a reference, such as `box_iou_floor`, is read by; any other metric itself."""
    ending = next((ending for ending in REFERENCES if name.endswith(ending)), "")
    stem = name.removesuffix(ending)
    return stem if find(stem) else name


def ordered(names: Iterable[str]) -> list[str]:
    """The declared metrics in the order of their columns, each before its references, then the others by name."""
    last = math.inf

    def place(name: str) -> tuple[float, str]:
        found = find(base(name))
        return (found.order if found else last), name

    return sorted(set(names), key=place)


@cache
def _by_name() -> Mapping[str, Quantity]:
    return {one.name: one for one in reversed(quantities())}


def _with_draws(name: str) -> Quantity | None:
    for one in quantities():
        pattern = re.escape(one.name).replace(re.escape("{draws}"), "([0-9]+)")
        if "{draws}" in one.name and (found := re.fullmatch(pattern, name)):
            return replace(one, title=one.title.format(draws=found[1]))
    return None
