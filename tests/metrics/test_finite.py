"""A value that is not finite is refused at every door of the metrics, by an error that has the item's index."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Event, Mixture, Task
from pipeline.errors import UserError
from pipeline.metrics import divergence, prd
from pipeline.metrics import frechet as frechet_module
from pipeline.metrics import kid as kid_module
from pipeline.metrics.alpha_precision import curves
from pipeline.metrics.diversity import diversity
from pipeline.metrics.evaluation.bootstrap import Bootstrap
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.draws import stored
from pipeline.metrics.evaluation.finite import check_features, check_finite
from pipeline.metrics.extractors import frozen, network
from pipeline.metrics.extractors.extractor import Identity
from pipeline.metrics.feature_likelihood import terms
from pipeline.metrics.frechet import frechet, frechet_infinity
from pipeline.metrics.judges.judge import Labels
from pipeline.metrics.kid import kid
from pipeline.metrics.memorization import authenticity, ct_by_cells, ct_score
from pipeline.metrics.modes import log_density, nearest_mode
from pipeline.metrics.probabilistic_precision import supports
from pipeline.metrics.sliced_wasserstein import sliced
from pipeline.params import Evaluation

TRUTH = Mixture(((-1.0, 0.0), (1.0, 0.0)), 0.1, (0.5, 0.5))
VALUES = [math.nan, math.inf, -math.inf]
PAIRS: dict[str, Callable[..., object]] = {
    "frechet": frechet,
    "frechet_infinity": frechet_infinity,
    "kid": kid,
    "frechet resampled": lambda **x: frechet_module.resampled(Bootstrap(0, 20), **x),
    "kid resampled": lambda **x: kid_module.resampled(Bootstrap(0, 20), **x),
    "prd": prd.cells,
    "authenticity": lambda real, fake: authenticity(train=real, fake=fake),
    "ct_score": lambda real, fake: ct_score(train=torch.zeros(5, real.shape[1]), real=real, fake=fake),
    "p-precision": supports,
    "alpha-precision": curves,
    "sliced wasserstein": sliced,
    "ct by cells": lambda real, fake: ct_by_cells(train=torch.zeros(5, real.shape[1]), real=real, fake=fake),
    "feature likelihood": lambda real, fake: terms(train=torch.randn(9, real.shape[1]), real=real, fake=fake),
    "diversity": lambda real, fake: diversity(real=real, groups=[fake]),
}
POINTS: dict[str, Callable[[Tensor], object]] = {
    "nearest mode": lambda x: nearest_mode(TRUTH, x),
    "log density": lambda x: log_density(TRUTH, x),
    "cells of the truth": lambda x: divergence.histogram(TRUTH, x),
    "extractor": Identity(size=2).extract,
    "judge": lambda x: Labels(name="toy", channels=1, sizes=[2]).answer(x[:, None, None].expand(-1, 1, 8, 2)),
    "stored points": lambda x: stored(Event((2,)), x),
    "stored images": lambda x: stored(Event((2,), levels=4), x),
}


def broken(value: float, *shape: int, item: int = 3) -> Tensor:
    x = torch.randn(shape)
    x[item, -1] = value
    return x


@pytest.mark.parametrize("side", ["real", "fake"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("size", [2, 32, 300])
@pytest.mark.parametrize("metric", PAIRS)
def test_features_that_are_not_finite_are_refused_with_their_index(
    metric: str, size: int, value: float, side: str
) -> None:
    pair = {name: broken(value, 40, size) if name == side else torch.randn(40, size) for name in ("real", "fake")}
    with pytest.raises(FloatingPointError, match=r"item 3 is not finite: (nan|inf|-inf)"):
        PAIRS[metric](**pair)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("door", POINTS)
def test_items_that_are_not_finite_are_refused_with_their_index(door: str, value: float) -> None:
    with pytest.raises(FloatingPointError, match=r"(item|image) 3 is not finite"):
        POINTS[door](broken(value, 12, 2))


@pytest.mark.parametrize("field", ["test", "many", "train", "real", "fake", "repeated"])
def test_no_metric_is_computed_from_evidence_that_is_not_finite(field: str) -> None:
    x, c = torch.randn(8, 2), torch.empty(8, 0)
    sound = EvaluationContext(
        model=nn.Identity(), task=Task("two", Event((2,)), truth=TRUTH), test=(x, c), samples=x, many=x, c=c, train=x,
        real=x, fake=x, repeated=x[:, None], judges={}, extractor="identity",
        settings=Evaluation(samples=8, draws=1, chunk=8, neighbours=3, coverage_neighbours=5, conditions=1, repeats=2),
        seed=0,
    )  # fmt: skip
    bad = broken(math.nan, 8, 2)
    wrong = {"test": (bad, c), "repeated": bad[:, None]}.get(field, bad)
    with pytest.raises(FloatingPointError, match=r"(item|sample) 3 is not finite"):
        replace(sound, **{field: wrong})


def test_the_error_has_the_place_and_the_number_of_items() -> None:
    x = torch.zeros(9, 2, 3)
    x[4, 1, 0], x[7] = math.inf, math.nan
    with pytest.raises(FloatingPointError, match=r"^sample 4 is not finite: inf in place 3 of 6; 2 of 9 are not$"):
        check_finite(x, "sample")
    assert check_finite(x[:4], "sample") is not None
    assert len(check_finite(x[:0], "sample")) == 0
    check_finite(torch.arange(3), "label")


def test_features_of_different_extractors_are_refused() -> None:
    with pytest.raises(ValueError, match="D must agree"):
        check_features(torch.zeros(5, 2), torch.zeros(5, 3))


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"body.weight": torch.ones(3), "head.bias": torch.tensor([0.0, math.nan])}, path)
    with pytest.raises(UserError, match=r"weights\.pth: the weights head\.bias are not finite"):
        frozen.read(path, None, "a state dict")


def test_an_extractor_whose_features_are_not_finite_names_itself() -> None:
    class Overflowing(Identity):
        name = "overflowing"

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * torch.tensor(1e38)

    x = torch.ones(6, 2)
    x[5] = 10
    with pytest.raises(FloatingPointError, match="extractor overflowing: the feature vector of item 5 is not finite"):
        Overflowing(size=2).extract(x, batch=2)


def test_a_network_that_diverges_is_refused() -> None:
    line = nn.Linear(2, 1)
    with pytest.raises(FloatingPointError, match="the training diverged: weight, value 0 is not finite"):
        network.descend(line, lambda rows: line(torch.full((len(rows), 2), math.inf)).sum(), 10, 3, 0.1)
