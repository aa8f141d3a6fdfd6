"""Which regimes of a hidden Markov model the samples visit, and how they follow each other.

The true model assigns to each step the state that is most probable given the whole sequence (posterior decoding).

    regimes hit     states that some step of some sample is assigned to
    regime TV       1/2 sum_rs |P(r then s in samples) - P(r then s in test items)|, over successive steps

The test items are decoded in the same way, so that errors of the decoding cancel. The second is 0 for identical
distributions and 1 for samples that share no pair of states with the data; two samples of n pairs differ by about
sqrt(pairs / n).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.registry import Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.contract import Event
    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.processes import HiddenMarkov


def decode(process: HiddenMarkov, event: Event, x: Tensor) -> Tensor:
    """x (N, 1, T) on the grid -> (N, T) long: the state of each step."""
    from pipeline.distributions import hidden_markov

    return hidden_markov.most_probable_states(process, event.index(x).flatten(1))


def pairs(states: Tensor, count: int) -> Tensor:
    """(N, T) long in 0 .. count - 1 -> (count, count) float64: the share of each pair of successive states."""
    index = states[:, :-1] * count + states[:, 1:]
    counts = index.flatten().bincount(minlength=count**2).double()
    return (counts / counts.sum().clamp(min=1)).view(count, count)


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half of the summed differences of two distributions, in [0, 1]."""
    return float((p - q).abs().sum() / 2)


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


def _regime_tv(context: EvaluationContext) -> float:
    process, event = _process(context), context.task.event
    real = decode(process, event, context.test[0])
    count = len(process.initial)
    return total_variation(pairs(real, count), pairs(_states(context), count))


def _protocol(context: EvaluationContext) -> str:
    return f"{protocol.test(context)}, {protocol.samples(context)}, {len(_process(context).initial)} regimes"


METRICS = (
    Metric(
        name="regimes_hit", title="regimes hit", unit="regimes", better="higher", order=183, digits=0,
        compute=lambda c: float(len(_states(c).unique())), requires=lambda c: has_samples(c) and c.has_regimes,
        protocol=_protocol,
    ),
    Metric(
        name="regime_tv", title="regime TV", unit="share", better="lower", order=186, digits=3,
        compute=_regime_tv, requires=lambda c: has_samples(c) and c.has_regimes, protocol=_protocol,
    ),
)  # fmt: skip
