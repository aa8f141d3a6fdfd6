"""The likelihood of a model that is known up to a constant: its kinds, its directions and its intervals."""

from __future__ import annotations

import math

import pytest
import torch
from test_measure import IMAGES, POINTS, Implicit, Score, evidence
from torch import Tensor

from pipeline.contract import (
    Bounded,
    ChainDiagnostics,
    Exact,
    GenerativeModel,
    LogNormaliser,
    SamplesByMarkovChain,
    Task,
    Unnormalised,
)
from pipeline.metrics.evaluation.measure import measure
from pipeline.results.column import is_optimistic_bound

LOG_Z, ERROR = 3.0, 0.25


class Estimated(Implicit, Score, Unnormalised, Bounded, SamplesByMarkovChain):
    """f = e^3 p, with an estimate of log Z = 3 by AIS and a bound by RAISE."""

    bound = "raise"
    effective = 0.5

    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x) + LOG_Z

    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        return LogNormaliser(torch.full((len(c),), LOG_Z), torch.full((len(c),), ERROR), "AIS")

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x) - 1

    def diagnostics(self, c: Tensor) -> ChainDiagnostics:
        return ChainDiagnostics(torch.tensor(0.6), torch.tensor(self.effective), 20)


class ShortRun(Estimated):
    effective = 0.02


class Integrated(Implicit, Score, Unnormalised, Exact):
    likelihood_kind = "quadrature"

    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x) + LOG_Z

    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        return LogNormaliser(torch.full((len(c),), LOG_Z), torch.zeros(len(c)), "quadrature")

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_unnormalised(x, c) - LOG_Z


@pytest.mark.parametrize(("task", "name", "bound"), [(POINTS, "nats", ">="), (IMAGES, "bits_per_dim", "<=")])
def test_the_truth_is_between_raise_and_ais(task: Task, name: str, bound: str) -> None:
    found = measure(evidence(Estimated(), task))
    ranked, other = found[name], found[f"{name}_ais"]
    assert (ranked["kind"], other["kind"]) == (f"{bound} (RAISE)", f"{'>=' if bound == '<=' else '<='} (AIS)")
    assert not is_optimistic_bound(ranked["kind"], ranked["better"])
    assert is_optimistic_bound(other["kind"], other["better"])
    slack = 1 if name == "nats" else -1 / (4 * math.log(2))
    assert other["value"] - ranked["value"] == pytest.approx(slack, abs=1e-5)


def test_log_z_has_its_kind_and_the_interval_of_its_error() -> None:
    found = measure(evidence(Estimated()))["log_normaliser"]
    assert found["kind"] == ">= (AIS)"
    assert (found["low"], found["high"]) == pytest.approx((LOG_Z - 1.96 * ERROR, LOG_Z + 1.96 * ERROR))


def test_the_error_of_log_z_is_in_the_interval_of_the_likelihood() -> None:
    found = measure(evidence(Estimated()))["nats_ais"]
    assert found["value"] - found["low"] > 1.96 * ERROR
    assert found["high"] - found["value"] > 1.96 * ERROR


def test_quadrature_is_ranked_as_an_exact_likelihood_is_and_says_what_it_is() -> None:
    found = measure(evidence(Integrated()))
    assert found["nats"]["kind"] == found["log_normaliser"]["kind"] == "quadrature"
    assert found["kl_pq"]["kind"] == found["kl_qp"]["kind"] == "monte-carlo"
    assert not {"nats_ais", "elbo"} & set(found)
    assert "low" not in found["log_normaliser"]


@pytest.mark.parametrize(("model", "kind"), [(Estimated(), "estimate"), (ShortRun(), "estimate (short run)")])
def test_chains_that_have_not_mixed_are_flagged(model: GenerativeModel, kind: str) -> None:
    found = measure(evidence(model))
    assert found["chain_effective"]["kind"] == kind
    assert found["chain_acceptance"]["value"] == pytest.approx(0.6)
    assert found["chain_length"]["value"] == 20
    assert not any(name.startswith("chain_") for name in measure(evidence(Integrated())))
