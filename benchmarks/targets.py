"""The committed results against the numbers that this benchmark sets itself: `python benchmarks/targets.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from pipeline.results.conditioning import BITS, OBEDIENCE
from pipeline.statistics.intervals import student_t

REPORTS = Path(__file__).parents[1] / "reports"
RESULTS = REPORTS / "results.csv"
DENSITIES = ("ar_mixture", "made", "spline_flow")
MODES = {"ring": 8, "grid": 25}
RUNGS = tuple(f"shapes_{condition}" for condition in ("none", *OBEDIENCE))


class Results:
    """reports/results.csv."""

    def __init__(self) -> None:
        self.rows = pd.read_csv(RESULTS)

    def each(self, task: str, model: str, metric: str) -> pd.Series:
        """The numbers of one model by seed."""
        r = self.rows
        return r[(r.task == task) & (r.model == model) & (r.metric == metric)].set_index("seed").value

    def best(self, task: str, family: str, metric: str) -> tuple[str, float]:
        """The model of a family with the lowest mean."""
        r = self.rows
        means = r[(r.task == task) & (r.family == family) & (r.metric == metric)].groupby("model").value.mean()
        return str(means.idxmin()), float(means.min())

    def climbers(self) -> list[str]:
        """The models, controls aside, that stand on every rung."""
        r = self.rows[self.rows.task.isin(RUNGS) & (self.rows.family != "control")]
        rungs = r.groupby("model", sort=False).task.nunique()
        return list(rungs[rungs == len(RUNGS)].index)

    def gap(self, task: str, model: str) -> float:
        """Mean nats below the oracle."""
        return float((self.each(task, "oracle", "nats") - self.each(task, model, "nats")).mean())


def main() -> None:
    results = Results()
    images(results)
    for task in ("ring_wide", "grid_wide"):
        for model in DENSITIES:
            show(f"{task}: {model}, nats below the oracle", results.gap(task, model), "<=", 0.05)
    for task, modes in MODES.items():
        for model in DENSITIES:
            show(f"{task}: {model}, nats below the oracle", results.gap(task, model), "<=", 0.5)
            worst = results.each(task, model, "modes_hit").min()
            show(f"{task}: modes that {model} hits, worst seed", worst, ">=", modes)
    packing(results)
    conditions(results)
    thousand(results)
    knobs()
    verdicts()


def images(results: Results) -> None:
    for family, limit in (("autoregressive", 1.70), ("flow", 1.92), ("vae", 2.00), ("diffusion", 2.10)):
        model, bits = results.best("digits", family, "bits_per_dim")
        show(f"digits: best {family} ({model}), bits/dim", bits, "<=", limit)
    model, distance = results.best("digits", "gan", "frechet")
    floor = results.each("digits", "real", "frechet").mean()
    show(f"digits: best GAN ({model}), Fréchet distance over real against real", distance / floor, "<=", 2)


def packing(results: Results) -> None:
    """Published: 17.3 of 25 modes for the GAN, 24.8 for PacGAN4 (Lin et al. 2018, arXiv:1712.04086, table 2)."""
    for model in ("gan_minimax", "pacgan"):
        span = student_t(results.each("grid", model, "modes_hit").to_numpy(dtype=float))
        low, high = ("?" if end is None else f"{end:.1f}" for end in (span.low, span.high))
        print(f"grid: modes that {model} hits: {span.mean:.1f} of 25, 95 % interval [{low}, {high}]")
    gain = results.each("grid", "pacgan", "modes_hit") - results.each("grid", "gan_minimax", "modes_hit")
    span = student_t(gain.to_numpy(dtype=float))
    show("grid: modes that packing gains, lower end of the 95 % interval", span.low or 0.0, ">=", 0)


def conditions(results: Results) -> None:
    """What each model knows at each rung, and whether it obeys each condition: its floor is real images, shuffled."""
    models = results.climbers()
    for model in models:
        rungs = {task: results.each(task, model, BITS) for task in RUNGS}
        known = [f"{task.removeprefix('shapes_')} {bits.mean():.3f}" for task, bits in rungs.items() if len(bits)]
        print(f"shapes: {model}, bits/dim: {', '.join(known) or 'no likelihood'}")
    for condition, metric in OBEDIENCE.items():
        task, lower = f"shapes_{condition}", metric == "luma_error"
        for model in models:
            score, floor = results.each(task, model, metric), results.each(task, model, f"{metric}_floor").mean()
            worst, sign = (score.max(), "<=") if lower else (score.min(), ">=")
            show(f"{task}: {metric} of {model}, worst seed", worst, sign, floor)


def thousand(results: Results) -> None:
    """Stacked digits: published for stacked MNIST are 99 of 1,000 modes for a DCGAN, 1,000 for PacDCGAN2."""
    rows = results.rows[(results.rows.task == "stacked_digits") & (results.rows.metric == "modes_hit")]
    for model in rows.model.unique():
        hit = results.each("stacked_digits", model, "modes_hit")
        kl = results.each("stacked_digits", model, "mode_kl_qp")
        print(f"stacked digits: {model}: {hit.mean():.0f} of 1,000 modes, KL(q || p) {kl.mean():.3f} nats")
    right = rows.protocol.str.extract(r"\(([\d.]+) on test\)")[0].astype(float).min()
    show("stacked digits: triples that the judge reads right", right, ">=", 0.98)


def knobs() -> None:
    """Settings of each curve."""
    swept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((REPORTS / "sweeps").glob("*.json"))]
    least = min((len(one.get("turns", ())) for one in swept if one["status"] == "ok"), default=0)
    print(f"knobs: {len(swept)} curves of {len({one['model'] for one in swept})} models")
    show("knobs: settings of the shortest curve", least, ">=", 7)


def verdicts() -> None:
    for claim in json.loads((REPORTS / "claims.json").read_text(encoding="utf-8")):
        lacks = f", lacks {len(claim['missing'])}" if claim["missing"] else ""
        print(f"claim {claim['id']}: {claim['verdict']}{lacks}")


def show(name: str, value: float, sign: str, limit: float) -> None:
    reached = value <= limit if sign == "<=" else value >= limit
    print(f"{name:<75} {value:8.3f}  {sign} {limit:g}  {'ok' if reached else 'MISSED'}")


if __name__ == "__main__":
    main()
