"""The committed results against the numbers that this benchmark sets itself: `python benchmarks/targets.py`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parents[1] / "reports" / "results.csv"
LIKELIHOOD_MODELS = ("ar_mixture", "realnvp", "vae", "ddpm")


def main() -> None:
    results = pd.read_csv(RESULTS)

    def each(task: str, model: str, metric: str) -> pd.Series:
        rows = results[(results.task == task) & (results.model == model) & (results.metric == metric)]
        return rows.set_index("seed").value

    for model, limit in (("pixelcnn", 1.77), ("realnvp", 2.00), ("vae", 2.08)):
        bits = each("digits", model, "bits_per_dim").mean()
        show(f"digits: {model}, bits/dim on test", bits, "<=", limit)
    for task in ("ring", "ring_wide"):
        for model in LIKELIHOOD_MODELS:
            show(f"{task}: modes that {model} hits, worst seed", each(task, model, "modes_hit").min(), ">=", 8)
    gap = {
        (task, model): (each(task, "oracle", "nats") - each(task, model, "nats")).mean()
        for task in ("ring", "ring_wide")
        for model in LIKELIHOOD_MODELS
    }
    show("ring_wide: ar_mixture, nats below the oracle", gap["ring_wide", "ar_mixture"], "<=", 0.05)
    show("ring_wide: realnvp, nats below the oracle", gap["ring_wide", "realnvp"], "<=", 0.35)
    best = min(value for (task, _), value in gap.items() if task == "ring")
    show("ring: the best likelihood model, nats below the oracle", best, "<=", 1.5)


def show(name: str, value: float, sign: str, limit: float) -> None:
    reached = value <= limit if sign == "<=" else value >= limit
    print(f"{name:<60} {value:8.3f}  {sign} {limit:g}  {'ok' if reached else 'MISSED'}")


if __name__ == "__main__":
    main()
