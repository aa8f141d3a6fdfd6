"""Measure what pairing by the training seed is worth: the correlation of two models' scores over seeds.

    python benchmarks/pairing.py --task ring_wide --models ar_mixture realnvp vae --seeds 8

Models that are trained with one seed see the same items in the same order. If that moves the scores of two models
alike, the variance of their difference falls by the factor 1 - r, where r is the correlation over seeds. For each
pair of models it prints r, with the 95 % interval of Fisher's transformation, of the mean log-likelihood of the
test split (its ELBO where the model has no exact one) and of the Fréchet distance between samples and the test
split. The task has to be prepared and its features extracted.
"""

from __future__ import annotations

import argparse
import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats

from pipeline import families, params
from pipeline.contract import Bounded
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.metrics.evaluation.draws import draw
from pipeline.metrics.extractors import reference
from pipeline.metrics.frechet import frechet
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.training import reproducible
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit


class Scores(NamedTuple):
    """`nats`: for each test item; nan without a likelihood."""

    nats: float
    frechet: float


def score(configured: Params, data: Prepared, name: str, seed: int, steps: int | None) -> Scores:
    """The scores of a model that is trained with one seed."""
    events = configured.events(Cell(data.task.name, name, seed), data.task.event.kind)
    spec = configured.model(events, name)
    training = configured.train(events, name)
    if steps:
        training = training.model_copy(update={"steps": steps, "patience": None})
    reproducible.seed(seed)
    hyper, recipe = families.check(events, name, spec), spec.recipe or name
    model = families.build(data.task, spec.family, recipe, hyper)
    trained, _, _ = fit(model, data.train, data.validation, training, CurveLogger(), name, data.intensity, seed=seed)
    torch.manual_seed(seed)
    extractor, features, _ = reference.load(data.task)
    real = features["test"]
    x, _ = draw(trained, data.task.event, data.test[1], count=len(real), chunk=len(real))
    with torch.no_grad():
        nats = trained.elbo(*data.test).mean().item() if isinstance(trained, Bounded) else math.nan
        return Scores(nats, math.log(frechet(real=real, fake=extractor.extract(x))))


def correlation(a: list[float], b: list[float]) -> str:
    """'r = .12 [-.63, .75]', with the 95 % interval of Fisher's transformation."""
    r, _ = stats.pearsonr(a, b)
    half = stats.norm.ppf(0.975) / math.sqrt(len(a) - 3)
    low, high = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
    return f"r = {r:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--task", default="ring_wide")
    parser.add_argument("--models", nargs="+", default=["ar_mixture", "realnvp", "vae"])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--steps", type=int, help="in place of those of params.yaml")
    args = parser.parse_args()
    configured, data = params.load(), prepared.load(args.task)
    found = {
        name: [score(configured, data, name, seed, args.steps) for seed in range(args.seeds)] for name in args.models
    }
    for place, metric in enumerate(("nats", "log Fréchet distance")):
        columns = {name: [scores[place] for scores in rows] for name, rows in found.items()}
        for name, values in columns.items():
            print(f"{metric} of {name}: {np.mean(values):.4f}, standard deviation {np.std(values, ddof=1):.4f}")
        for a, b in combinations(columns, 2):
            print(f"{metric} of {a} and {b}: {correlation(columns[a], columns[b])}", flush=True)


if __name__ == "__main__":
    main()
