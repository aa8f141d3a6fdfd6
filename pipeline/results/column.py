"""How a metric is written: its title, its decimals, the table it stands in. An unknown metric gets a plain column."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

DASH = "—"
LIKELIHOODS = ("nats", "bits_per_dim")
REFERENCES = ("_ceiling", "_floor", "_real")
"""How a metric's name ends where it is that of real images: under their own conditions, under shuffled ones, or of
those that share a condition. A number to read the metric by, not one of the model."""


class Column(NamedTuple):
    """`table`: "file" stands in the csv files alone, "reference" in results.csv alone.

    `decimals=None`: three significant digits, for what spans orders of magnitude.
    """

    title: str
    table: Literal["quality", "cost", "file", "reference"] = "quality"
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


COLUMNS = {
    "nats": Column("nats", decimals=3),
    "bits_per_dim": Column("bits/dim", decimals=3),
    "bits_per_dim_unconditional": Column("bits/dim unconditional", decimals=3),
    "frechet": Column("Fréchet", log=True),
    "frechet_infinity": Column("Fréchet∞", "file"),
    "precision": Column("precision", decimals=3),
    "recall": Column("recall", decimals=3),
    "coverage": Column("coverage", decimals=3),
    "class_accuracy": Column("class accuracy", decimals=3),
    "box_iou": Column("box IoU", decimals=3),
    "segmentation_miou": Column("segmentation mIoU", decimals=3),
    "luma_error": Column("luma error"),
    "conditional_diversity": Column("conditional diversity"),
    "conditional_precision": Column("conditional precision", decimals=3),
    "conditional_recall": Column("conditional recall", decimals=3),
    "modes_hit": Column("modes hit", decimals=1),
    "high_quality": Column("high quality", decimals=3),
    "tail_recall": Column("tail recall", decimals=3),
    "modes_covered": Column("modes covered", decimals=1),
    "tail_covered": Column("tail covered", decimals=3),
    "kl_pq": Column("KL(p‖q)", decimals=3),
    "kl_qp": Column("KL(q‖p)", decimals=3),
    "reconstruction": Column("reconstruction MSE"),
    "restoration": Column("restoration MSE"),
    "authenticity": Column("authenticity", decimals=3),
    "elbo": Column("ELBO", "file", decimals=3),
    "iwae_64": Column("IWAE-64", "file", decimals=3),
    "kernel": Column("kernel", "file", decimals=3),
    "density": Column("density", "file", decimals=3),
    "f_8": Column("F_8", "file", decimals=3),
    "f_1_8": Column("F_1/8", "file", decimals=3),
    "mode_kl_pq": Column("mode KL(p‖q)", "file", decimals=3),
    "mode_kl_qp": Column("mode KL(q‖p)", "file", decimals=3),
    "knob_area": Column("area under the knob", "file", decimals=3),
    "knob_best": Column("knob at best F_1", "file", decimals=2),
    "memorisation_ct": Column("memorisation C_T", "file", decimals=2),
    "parameters": Column("parameters", "cost", decimals=0, varies=False),
    "sample_depth": Column("sequential operations / sample", "cost", decimals=0, varies=False),
    "likelihood_depth": Column("sequential operations / likelihood", "cost", decimals=0, varies=False),
    "sample_flops": Column("FLOPs / sample", "cost", decimals=0, varies=False),
    "likelihood_flops": Column("FLOPs / likelihood", "cost", decimals=0, varies=False),
    "train_seconds": Column("train s", "cost"),
    "evaluate_seconds": Column("evaluate s", "file"),
    "sample_seconds_per_1000": Column("s / 1,000 samples", "cost"),
    "likelihood_seconds_per_1000": Column("s / 1,000 likelihoods", "cost"),
}


def column(metric: str) -> Column:
    if metric.startswith("iwae_"):
        return COLUMNS["iwae_64"]._replace(title=metric.replace("_", "-").upper())
    known = COLUMNS.get(base(metric)) or Column(base(metric).replace("_", " "))
    return known if metric == base(metric) else known._replace(table="reference")


def base(metric: str) -> str:
    """The metric that a reference is of; any other metric itself."""
    ending = next((ending for ending in REFERENCES if metric.endswith(ending)), "")
    return metric.removesuffix(ending) if metric.removesuffix(ending) in COLUMNS else metric


def ordered(metrics: Iterable[str]) -> list[str]:
    """The known metrics in the order of `COLUMNS`, each before its references, then the others by name."""
    places = {name: place for place, name in enumerate(COLUMNS)}
    return sorted(set(metrics), key=lambda metric: (places.get(base(metric), len(places)), metric))


def arrow(better: str) -> str:
    return {"higher": " ↑", "lower": " ↓"}.get(better, "")


def bound(kind: str) -> str:
    """'<= (ELBO)' -> '≤ (ELBO)'."""
    return kind.replace("<=", "≤").replace(">=", "≥")


def flatters(kind: str, better: str) -> bool:
    """Whether the true value can only be worse than this bound."""
    return (kind[:2], better) in {("<=", "higher"), (">=", "lower")}


def _decimals(value: float, digits: int = 3) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1
