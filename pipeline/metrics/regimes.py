"""Which regimes of a hidden Markov model the samples visit, and how they follow each other.

The true model assigns to each step the state that is most probable given the whole sequence (posterior decoding).

    regimes hit     states that some step of some sample is assigned to
    regime TV       1/2 sum_rs |P(r then s in samples) - P(r then s in test items)|, over successive steps

The test items are decoded in the same way, so that errors of the decoding cancel. The second is 0 for identical
distributions and 1 for samples that share no pair of states with the data; two samples of n pairs differ by about
sqrt(pairs / n).

Steps of an item are not independent, so that the sampling intervals are of resampled items (`bootstrap`), of both sides
for the second. A resample has no state that no sample has visited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Ends, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.contract import Event
    from pipeline.metrics.evaluation.bootstrap import Bootstrap
    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.processes import HiddenMarkov


def decode(process: HiddenMarkov, event: Event, x: Tensor) -> Tensor:
    """x (N, 1, T) on the grid -> (N, T) long: the state of each step."""
    from pipeline.distributions import hidden_markov

    return hidden_markov.most_probable_states(process, event.index(x).flatten(1))


def pairs(states: Tensor, count: int) -> Tensor:
    """(N, T) long in 0 .. count - 1 -> (N, count²) float64: of each item the share of each pair of successive states,
    that of r then s at count r + s; T >= 2."""
    index = states[:, :-1] * count + states[:, 1:]
    counts = index.new_zeros(len(index), count**2).scatter_add_(1, index, index.new_ones(index.shape))
    return counts.double() / index.shape[1]


def visits(states: Tensor, count: int) -> Tensor:
    """(N, T) long in 0 .. count - 1 -> (N, count) bool: whether an item visits a state."""
    visited = states.new_zeros(len(states), count).scatter_(1, states, 1)
    return visited.bool()


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """Distributions (..., K) -> (...): half of their summed differences, in [0, 1]."""
    return (p - q).abs().sum(dim=-1) / 2


def hits_resampled(bootstrap: Bootstrap, states: Tensor, count: int) -> Tensor:
    """(M, T) long, of samples -> (B,) float64: the states that some step of some sample of a resample is in."""
    return (bootstrap.means("fake", visits(states, count)) > 0).double().sum(dim=-1)


def total_variation_resampled(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor, count: int) -> Tensor:
    """(N, T) and (M, T) long -> (B,) float64: the total variation of pairs in each resample."""
    sides = {"real": real, "fake": fake}
    return total_variation(*(bootstrap.means(side, pairs(states, count)) for side, states in sides.items()))


def _process(context: EvaluationContext) -> HiddenMarkov:
    from pipeline.processes import HiddenMarkov

    process = context.task.truth
    if not isinstance(process, HiddenMarkov):
        raise ValueError(f"the truth of task {context.task.name} has no regimes")
    return process


@shared
def _states(context: EvaluationContext) -> Tensor:
    """(M, T) long, of the samples."""
    return decode(_process(context), context.task.event, context.samples)


@shared
def _real_states(context: EvaluationContext) -> Tensor:
    """(N, T) long, of the test items."""
    return decode(_process(context), context.task.event, context.test[0])


def _count(context: EvaluationContext) -> int:
    return len(_process(context).initial)


def _regime_tv(context: EvaluationContext) -> float:
    sides = (pairs(states, _count(context)) for states in (_real_states(context), _states(context)))
    return float(total_variation(*(side.mean(dim=0) for side in sides)))


def _regime_tv_resampled(context: EvaluationContext) -> Tensor:
    real, fake = _real_states(context), _states(context)
    return total_variation_resampled(context.bootstrap, real=real, fake=fake, count=_count(context))


def _hits_interval(context: EvaluationContext, value: float) -> Ends:
    from pipeline.metrics.evaluation.bootstrap import ends

    return ends(hits_resampled(context.bootstrap, _states(context), _count(context)), value, 0, _count(context))


def _protocol(context: EvaluationContext) -> str:
    return f"{protocol.test(context)}, {protocol.samples(context)}, {_count(context)} regimes"


METRICS = (
    Metric(
        name="regimes_hit", title="regimes hit", unit="regimes", better="higher", order=183, digits=0,
        compute=lambda c: float(len(_states(c).unique())), requires=lambda c: has_samples(c) and c.has_regimes,
        protocol=_protocol, interval=_hits_interval,
    ),
    Metric(
        name="regime_tv", title="regime TV", unit="share", better="lower", order=186, digits=3,
        compute=_regime_tv, requires=lambda c: has_samples(c) and c.has_regimes, protocol=_protocol,
        interval=of_resamples(_regime_tv_resampled, 0, 1),
    ),
)  # fmt: skip
