"""What a model knows of its likelihood on given data: exact, an importance-weighted bound, or the ELBO.

    exact     log p(x)
    IWAE-k    log (1/k) sum_i w_i,  E[w] = p(x):     ELBO <= IWAE-k <= IWAE-(k+1) <= log p
    ELBO      one unbiased draw of a lower bound for each item: more draws would not tighten it, only steady its mean

Nats everywhere; bits per dimension = nats / (D ln 2), and this is the only file with a log 2. Sums over draws are
streamed, so that memory is that of one chunk however many draws there are. One number per item comes back: a mean
over them weights the last, smaller chunk rightly.

Burda, Grosse, Salakhutdinov 2015, Importance weighted autoencoders, arXiv:1509.00519.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from pipeline.contract import Bounded, Exact, Weighted
from pipeline.metrics.finite import check_finite

Nats = TypeVar("Nats", float, Tensor)


class Likelihood(NamedTuple):
    """The tightest statement on log p that a model can make, and its ELBO."""

    log_p: Tensor
    """(N,) float64 nats: exact, or a lower bound."""
    elbo: Tensor
    """(N,) float64 nats; of an exact model the same numbers."""
    name: str
    """`exact`, `IWAE-64` or `ELBO`."""
    draws: int
    """For each item."""
    seconds: tuple[float, ...] = ()
    """For one item with all its draws, in each of the batches."""


def likelihood(model: Bounded, x: Tensor, c: Tensor, *, draws: int, chunk: int) -> Likelihood:
    """Score x (N, *event) under c (N, *condition) by the best that `model` can do, `chunk` items at a time.

    Raises:
        FloatingPointError: a score is not finite; the message names the item.
    """
    if isinstance(model, Exact):
        exact, seconds = _in_chunks(_log_prob(model), x, c, chunk, "log p")
        return Likelihood(exact, exact, "exact", 1, seconds)
    if isinstance(model, Weighted):
        both, seconds = _in_chunks(_log_weights(model, draws), x, c, chunk, "the log-weight")
        mean, log_mean = both.unbind(dim=1)
        return Likelihood(log_mean, mean, f"IWAE-{draws}", draws, seconds)
    bound, seconds = _in_chunks(_elbo(model), x, c, chunk, "the ELBO")
    return Likelihood(bound, bound, "ELBO", 1, seconds)


def log_prob(model: Exact, x: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """(N,) float64 nats: log p(x | c)."""
    return _in_chunks(_log_prob(model), x, c, chunk, "log p")[0]


def elbo(model: Bounded, x: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """(N,) float64 nats: one draw of the bound for each item."""
    return _in_chunks(_elbo(model), x, c, chunk, "the ELBO")[0]


def log_weights(model: Weighted, x: Tensor, c: Tensor, *, draws: int, chunk: int) -> tuple[Tensor, Tensor]:
    """(N,), (N,) float64 nats: the ELBO, mean of log w, and IWAE, log of the mean w, from the same draws."""
    mean, log_mean = _in_chunks(_log_weights(model, draws), x, c, chunk, "the log-weight")[0].unbind(dim=1)
    return mean, log_mean


Score = Callable[[Tensor, Tensor], Tensor]


def _log_prob(model: Exact) -> Score:
    return lambda x, c: model.log_prob(x, c).double()


def _elbo(model: Bounded) -> Score:
    return lambda x, c: model.elbo(x, c).double()


def _log_weights(model: Weighted, draws: int) -> Score:
    def both(x: Tensor, c: Tensor) -> Tensor:
        total = x.new_zeros(len(x), dtype=torch.float64)
        log_sum = torch.full_like(total, -math.inf)
        for _ in range(draws):
            log_w = model.log_weight(x, c).double()
            total += log_w
            log_sum = torch.logaddexp(log_sum, log_w)
        return torch.stack([total / draws, log_sum - math.log(draws)], dim=1)  # (B, 2)

    return both


def bits_per_dim(nats: Nats, dims: int) -> Nats:
    """Nats of an item of `dims` values -> bits per value; a log-likelihood becomes a code length, lower is better."""
    return -nats / (dims * math.log(2))


@torch.no_grad()
def _in_chunks(score: Score, x: Tensor, c: Tensor, chunk: int, what: str) -> tuple[Tensor, tuple[float, ...]]:
    """(N, ...) scores, and the seconds for one item in each batch."""
    found, seconds = [], []
    for part in zip(torch.split(x, chunk), torch.split(c, chunk), strict=True):
        start = perf_counter()
        found.append(score(*part))
        seconds.append((perf_counter() - start) / max(1, len(part[0])))
    return check_finite(torch.cat(found), f"{what} of item"), tuple(seconds)
