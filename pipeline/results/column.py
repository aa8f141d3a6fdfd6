"""How a metric is written: its title, its decimals, the table it stands in. An unknown metric gets a plain column."""

from __future__ import annotations

import math
from typing import NamedTuple

from pipeline.metrics import registry
from pipeline.metrics.registry import Table, base, ordered

__all__ = ["DASH", "LIKELIHOODS", "Column", "arrow", "base", "bound", "column", "is_optimistic_bound", "ordered"]

DASH = "—"
LIKELIHOODS = ("nats", "nats_per_step", "bits_per_dim")
RISE = "validation_rise"
"""How much the validation score still rose at the end of a training: `convergence`."""
FALL = "sample_distance_fall"
"""How much the distance of an adversarial model's samples still fell at the end of a training: `convergence`."""


class Column(NamedTuple):
    """`table`: "file" stands in the csv files alone, "reference" in results.csv alone.

    `decimals=None`: three significant digits, for what spans orders of magnitude.
    """

    title: str
    table: Table = "quality"
    decimals: int | None = None
    log: bool = False
    """The interval over seeds is taken on the log scale."""
    varies: bool = True
    """Differs between seeds; what does not is written without an interval."""

    def text(self, value: float) -> str:
        return f"{value:,.{_decimals(value) if self.decimals is None else self.decimals}f}"

    def spread(self, mean: float, low: float | None, high: float | None, log: bool = False) -> str:
        """'mean ± half'; on the log scale, where the halves differ, 'mean [low, high]'; one seed: 'mean'."""
        if low is None or high is None or not self.varies:
            return self.text(mean)
        if log:
            return f"{self.text(mean)} [{self.text(low)}, {self.text(high)}]"
        decimals = _decimals(mean) if self.decimals is None else self.decimals
        return f"{mean:,.{decimals}f} ± {(high - low) / 2:,.{decimals}f}"


def column(metric: str) -> Column:
    """How a metric is written, as it declares itself. Of a reference, as the metric that it is read by."""
    if metric == RISE:
        return Column("rise of the validation score", "reference", 4)
    if metric == FALL:
        return Column("fall of the distance of samples", "reference", 4)
    found = registry.find(registry.base(metric))
    if found is None:
        return Column(metric.replace("_", " "))
    table = found.table if metric == registry.base(metric) else "reference"
    return Column(found.title, table, found.digits, found.log_scale, found.varies)


def arrow(better: str) -> str:
    return {"higher": " ↑", "lower": " ↓"}.get(better, "")


def bound(kind: str) -> str:
    """'<= (ELBO)' -> '≤ (ELBO)'."""
    return kind.replace("<=", "≤").replace(">=", "≥")


def is_optimistic_bound(kind: str, better: str) -> bool:
    """Whether the true value can only be worse than this bound."""
    return (kind[:2], better) in {("<=", "higher"), (">=", "lower")}


def _decimals(value: float, digits: int = 3) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1
