"""Log-likelihood of held-out data: exact, an importance-weighted bound, or the ELBO, in nats or bits per dimension.

    exact     log p(x); `quadrature` where it is computed by numerical integration
    IWAE-k    log (1/k) sum_i w_i,  E[w] = p(x):     ELBO <= IWAE-k <= IWAE-(k+1) <= log p
    ELBO      one unbiased draw of a lower bound for each item: more draws would not tighten it, only steady its mean;
              named after the model's bound where that is another, such as RAISE

`nats`, `nats_per_step` and `bits_per_dim` are of the tightest of these that a model has. Bits per dimension =
nats / (D ln 2), of levels, whose likelihood is a mass; of sequences D counts the values, one a step and channel.
Nats per step = nats / T, of sequences of real values. Sums over draws are accumulated, so that memory is that of one
chunk for any number of draws. The result is one number for each item: a mean over them weights the last, smaller chunk
rightly.

Protocols do not hold the draws: those of an IWAE are in its kind, and more of them leave the mean of an ELBO unchanged.

References:
    Burda, Grosse, Salakhutdinov 2015, Importance weighted autoencoders, arXiv:1509.00519.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_mean
from pipeline.metrics.registry import Metric, Requirement, Table, Words, shared

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pipeline.contract import Bounded, Exact, GenerativeModel, Weighted
    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks

    Values = Callable[[EvaluationContext], Tensor]
    Nats = TypeVar("Nats", float, Tensor)
    Score = Callable[[Tensor, Tensor], Tensor]
    """x (B, *event) and c (B, *condition) -> (B, ...) float64."""


class LikelihoodEstimate(NamedTuple):
    """The tightest available value or bound of log p, and the ELBO."""

    log_p: Tensor
    """(N,) float64 nats: exact, or a lower bound."""
    elbo: Tensor
    """(N,) float64 nats; of an exact model the same numbers."""
    name: str
    """`exact` or `quadrature`; `IWAE-64`; `ELBO` or `RAISE`."""
    exact: bool
    """Whether `log_p` is no bound."""
    draws: int
    """For each item."""
    seconds: tuple[float, ...] = ()
    """For one item with all its draws, in each of the batches."""


def statement(model: Bounded, draws: int) -> str:
    """What a model states of its log-likelihood: `exact` or `quadrature`, `IWAE-64`, `ELBO` or another bound."""
    from pipeline.contract import Exact, Weighted

    if isinstance(model, Exact):
        return model.likelihood_kind
    return f"IWAE-{draws}" if isinstance(model, Weighted) else model.bound.upper()


def likelihood(
    model: Bounded, x: Tensor, c: Tensor, *, draws: int, chunk: int, kept: EvaluationChunks | None = None
) -> LikelihoodEstimate:
    """Score x (N, *event) under c (N, *condition) by the tightest that `model` has, `chunk` items at a time.

    Chunks that `kept` has are not scored again.

    Raises:
        FloatingPointError: a score is not finite; the message names the item.
    """
    from pipeline.contract import Exact, Weighted

    if isinstance(model, Exact):
        exact, seconds = _in_chunks(model, _log_prob(model), x, c, chunk, "log p", kept)
        return LikelihoodEstimate(exact, exact, statement(model, draws), True, 1, seconds)
    if isinstance(model, Weighted):
        both, seconds = _in_chunks(model, _log_weights(model, draws), x, c, chunk, "the log-weight", kept)
        mean, log_mean = both.unbind(dim=1)
        return LikelihoodEstimate(log_mean, mean, statement(model, draws), False, draws, seconds)
    bound, seconds = _in_chunks(model, _elbo(model), x, c, chunk, "the ELBO", kept)
    return LikelihoodEstimate(bound, bound, statement(model, draws), False, 1, seconds)


def log_prob(model: Exact, x: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """(N,) float64 nats: log p(x | c)."""
    return _in_chunks(model, _log_prob(model), x, c, chunk, "log p")[0]


def elbo(model: Bounded, x: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """(N,) float64 nats: one draw of the bound for each item."""
    return _in_chunks(model, _elbo(model), x, c, chunk, "the ELBO")[0]


def log_weights(model: Weighted, x: Tensor, c: Tensor, *, draws: int, chunk: int) -> tuple[Tensor, Tensor]:
    """(N,), (N,) float64 nats: the ELBO, mean of log w, and IWAE, log of the mean w, from the same draws."""
    both, _ = _in_chunks(model, _log_weights(model, draws), x, c, chunk, "the log-weight")
    mean, log_mean = both.unbind(dim=1)
    return mean, log_mean


def _log_prob(model: Exact) -> Score:
    from pipeline.metrics.evaluation.placement import double

    return lambda x, c: double(model.log_prob(x, c))


def _elbo(model: Bounded) -> Score:
    from pipeline.metrics.evaluation.placement import double

    return lambda x, c: double(model.elbo(x, c))


def _log_weights(model: Weighted, draws: int) -> Score:
    import torch

    from pipeline.metrics.evaluation.placement import double, float64_device

    def both(x: Tensor, c: Tensor) -> Tensor:
        total = torch.zeros(len(x), dtype=torch.float64, device=float64_device(x.device))
        log_sum = torch.full_like(total, -math.inf)
        for _ in range(draws):
            log_w = double(model.log_weight(x, c))
            total += log_w
            log_sum = torch.logaddexp(log_sum, log_w)
        return torch.stack([total / draws, log_sum - math.log(draws)], dim=1)  # (B, 2)

    return both


def bits_per_dim(nats: Nats, dims: int) -> Nats:
    """Nats of an item of `dims` values -> bits per value; a log-likelihood becomes a code length, lower is better."""
    return -nats / (dims * math.log(2))


def _in_chunks(
    model: object, score: Score, x: Tensor, c: Tensor, chunk: int, what: str, kept: EvaluationChunks | None = None
) -> tuple[Tensor, tuple[float, ...]]:
    """(N, ...) scores on the CPU, computed on the device of the model, and the seconds for one item in each batch."""
    import torch

    from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks
    from pipeline.metrics.evaluation.finite import check_finite
    from pipeline.metrics.evaluation.placement import device_of, full_precision

    kept = kept or EvaluationChunks()
    found, seconds, device = [], [], device_of(model)
    with torch.no_grad(), full_precision():
        for part in zip(x.split(chunk), c.split(chunk), strict=True):
            scores, elapsed = kept.compute(f"{what} of {len(x)}", partial(_score_on, device, score, *part))
            found.append(scores)
            seconds.append(elapsed / max(1, len(part[0])))
    return check_finite(torch.cat(found), f"{what} of item"), tuple(seconds)


def _score_on(device: torch.device, score: Score, x: Tensor, c: Tensor) -> Tensor:
    return score(x.to(device), c.to(device))


@shared
def test_likelihood(context: EvaluationContext) -> LikelihoodEstimate:
    """Of the test split. The draws start from the seed of the context, whatever was drawn before.

    Raises:
        ValueError: the model states no likelihood.
    """
    return _scored(context, context.model, *context.test)


@shared
def unconditional_likelihood(context: EvaluationContext) -> LikelihoodEstimate:
    """Of the first `settings.samples` test items, by the model without its condition.

    WHY not of all: it costs a diffusion model as much as all other metrics together.

    Raises:
        ValueError: the model has no unconditional form, or that states no likelihood.
    """
    from pipeline.contract import SupportsUnconditional
    from pipeline.items import head

    if not isinstance(context.model, SupportsUnconditional):
        raise ValueError(f"{type(context.model).__name__} has no unconditional form")
    count, (x, c) = context.settings.samples, context.test
    return _scored(context, context.model.unconditional(), head(x, count), head(c, count))


def _scored(context: EvaluationContext, model: GenerativeModel, x: Tensor, c: Tensor) -> LikelihoodEstimate:
    import torch

    from pipeline import hardware
    from pipeline.contract import Bounded
    from pipeline.device import preserved_random_states
    from pipeline.metrics.evaluation.placement import device_of

    if not isinstance(model, Bounded):
        raise ValueError(f"{type(model).__name__} states no likelihood")
    with preserved_random_states(device_of(model)):
        torch.manual_seed(context.seed)
        chunk = hardware.batch_size(len(x), context.settings.chunk)
        return likelihood(model, x, c, draws=context.settings.draws, chunk=chunk, kept=context.kept)


def at_least(context: EvaluationContext) -> str:
    """The kind of what the true log-likelihood, if the model's is not exact, exceeds."""
    return _bound(">=", test_likelihood(context))


def at_most(context: EvaluationContext) -> str:
    """The kind of what falls as the log-likelihood rises."""
    return _bound("<=", test_likelihood(context))


def _bound(sign: str, found: LikelihoodEstimate) -> str:
    return found.name if found.exact else f"{sign} ({found.name})"


def _log_p(context: EvaluationContext) -> Tensor:
    return test_likelihood(context).log_p


def _elbo_of(context: EvaluationContext) -> Tensor:
    return test_likelihood(context).elbo


def _nats(
    name: str, title: str, order: int, values: Values, requires: Requirement, kind: str | Words,
    table: Table = "quality",
) -> Metric:  # fmt: skip
    """Of points: the mean log density."""
    return Metric(
        name=name, title=title, unit="nats", better="higher", order=order, table=table, digits=3, low=-math.inf,
        compute=lambda c: float(values(c).mean()), requires=lambda c: c.is_points and requires(c),
        protocol=protocol.test, kind=kind, interval=of_mean("real", values),
    )  # fmt: skip


def _bits(
    name: str, title: str, order: int, values: Values, requires: Requirement, kind: str | Words,
    table: Table = "quality", how: Words = protocol.test,
) -> Metric:  # fmt: skip
    """Of levels: the code length of a value."""
    return Metric(
        name=name, title=title, unit="bits/dim", better="lower", order=order, table=table, digits=3,
        compute=lambda c: bits_per_dim(float(values(c).mean()), c.task.event.dims),
        requires=lambda c: c.is_discrete and requires(c), protocol=how, kind=kind,
        interval=of_mean("real", lambda c: bits_per_dim(values(c), c.task.event.dims)),
    )  # fmt: skip


def _per_step(values: Values) -> Values:
    """Of a sequence."""
    return lambda c: values(c) / c.task.event.shape[-1]


def _is_bound(context: EvaluationContext) -> bool:
    return context.is_bounded and not context.is_exact


def _is_weighted_bound(context: EvaluationContext) -> bool:
    return context.is_weighted and _is_bound(context)


METRICS = (
    _nats("nats", "nats", 10, _log_p, lambda c: c.is_bounded, at_least),
    Metric(
        name="nats_per_step", title="nats/step", unit="nats/step", better="higher", order=15, digits=3, low=-math.inf,
        compute=lambda c: float(_per_step(_log_p)(c).mean()),
        requires=lambda c: c.is_sequences and not c.is_discrete and c.is_bounded, protocol=protocol.test, kind=at_least,
        interval=of_mean("real", _per_step(_log_p)),
    ),
    _bits("bits_per_dim", "bits/dim", 20, _log_p, lambda c: c.is_bounded, at_most),
    _bits(
        "bits_per_dim_unconditional", "bits/dim unconditional", 30,
        lambda c: unconditional_likelihood(c).log_p, lambda c: c.has_unconditional_likelihood,
        lambda c: _bound("<=", unconditional_likelihood(c)),
        how=lambda c: f"test n={len(unconditional_likelihood(c).log_p)}",
    ),
    _nats("elbo", "ELBO", 260, _elbo_of, _is_bound, ">= (ELBO)", "file"),
    _bits("elbo", "ELBO", 260, _elbo_of, _is_bound, "<= (ELBO)", "file"),
    _nats("iwae_{draws}", "IWAE-{draws}", 270, _log_p, _is_weighted_bound, at_least, "file"),
    _bits("iwae_{draws}", "IWAE-{draws}", 270, _log_p, _is_weighted_bound, at_most, "file"),
)  # fmt: skip
