"""How well the Markov chains have mixed that a model's samples are the ends of.

    acceptance   mean probability that a proposal is accepted: near 0 chains stand still, near 1 they take small steps
    effective    (mean w)² / mean w² of annealing weights w: the share of chains that an average over samples is worth
    length       transitions of one chain

Chains whose weights vary much have not reached the distribution that they are run for: their samples are those of a
short run (Nijkamp et al. 2019, arXiv:1904.09770). Below `SHORT_RUN` the kind of `chain_effective` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.registry import Metric, shared

if TYPE_CHECKING:
    from pipeline.metrics.evaluation.context import EvaluationContext

CHAINS = 500
SHORT_RUN = 0.1
"""Effective share of the chains below which samples are called those of a short run."""


class Chains(NamedTuple):
    """The diagnostics as numbers."""

    acceptance: float
    effective: float
    length: int


@shared
def _chains(context: EvaluationContext) -> Chains:
    """Of `CHAINS` chains under the conditions of the samples, which are cycled, from the seed of the context."""
    import torch

    from pipeline.contract import SamplesByMarkovChain
    from pipeline.device import preserved_random_states
    from pipeline.metrics.evaluation.placement import device_of

    model, device = context.model, device_of(context.model)
    assert isinstance(model, SamplesByMarkovChain)
    c = context.c[torch.arange(CHAINS) % len(context.c)]
    with torch.no_grad(), preserved_random_states(device):
        torch.manual_seed(context.seed)
        found = model.diagnostics(c.to(device))
    return Chains(float(found.acceptance), float(found.effective), found.length)


def _kind(context: EvaluationContext) -> str:
    return "estimate (short run)" if _chains(context).effective < SHORT_RUN else "estimate"


def _protocol(context: EvaluationContext) -> str:
    return f"{CHAINS} chains"


def _has_chains(context: EvaluationContext) -> bool:
    return context.has_chains and len(context.c) > 0


METRICS = (
    Metric(
        name="chain_effective", title="effective chains", unit="share", better="none", order=402, table="cost",
        digits=2, compute=lambda c: _chains(c).effective, requires=_has_chains, protocol=_protocol, kind=_kind,
    ),
    Metric(
        name="chain_acceptance", title="acceptance", unit="share", better="none", order=404, table="cost", digits=2,
        compute=lambda c: _chains(c).acceptance, requires=_has_chains, protocol=_protocol,
    ),
    Metric(
        name="chain_length", title="transitions / sample", unit="transitions", better="none", order=406, table="cost",
        digits=0, varies=False, compute=lambda c: _chains(c).length, requires=_has_chains, protocol=_protocol,
        kind="exact",
    ),
)  # fmt: skip
