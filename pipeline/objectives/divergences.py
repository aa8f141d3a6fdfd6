"""Divergences of a model q from a known density p, with gradients through the model's samples.

    reverse KL    KL(q || p) = E_q[log q(x) - log p(x)],   x = g(z)
    Rényi         R_a(q, p) = log I_a / (a (a - 1)),       I_a = integral of q^a p^(1-a),  0 < a < 1

R_a is the Rényi divergence D_a(q || p) = log I_a / (a - 1) (Li & Turner 2016) divided by its order. Divided so it joins
the two KL divergences, since a D_{1-a}(p || q) = (1 - a) D_a(q || p):

    a -> 1    R_a -> KL(q || p)        a -> 0    R_a -> KL(p || q)        R_a(q, p) = R_{1-a}(p, q)

(1 - I_a) / (a (1 - a)) is Amari's alpha-divergence, which Minka (2005) relates to inclusive and exclusive fits; the
logarithm keeps the gradient's size where q and p have little in common.

Estimator. With as many samples of p, which are the data, as of q, both are draws of m = (p + q) / 2 (the balance
heuristic of Veach & Guibas 1995). Let r = log q(x) - log p(x), so that p / m = 2 / (1 + e^r), and

    I_a = E_m[G],    G = q^a p^(1-a) / m = 2 e^(a r) / (1 + e^r)
    1   = E_m[A],    A = (a q + (1 - a) p) / m = 2 (a e^r + 1 - a) / (1 + e^r)

    R_a ~ ( log mean A - log mean G ) / (a (1 - a))

Both are bounded, G by 2 and A by 2 max(a, 1 - a), where weights of q alone, (p / q)^(1-a), have no bound and do not see
the modes that q lacks. By the inequality of arithmetic and geometric means A >= G for each x, with equality where
q = p: the estimate is never negative, and where q = p it and its gradient are 0 without noise. As a -> 1 it becomes a
self-normalised estimate of KL(q || p), as a -> 0 one of KL(p || q). It is consistent in the number of samples.

References:
    Li & Turner 2016, Rényi Divergence Variational Inference, arXiv:1602.02311.
    Minka 2005, Divergence Measures and Message Passing, Microsoft Research TR-2005-173.
    Veach & Guibas 1995, Optimally Combining Sampling Techniques for Monte Carlo Rendering, SIGGRAPH.
"""

from __future__ import annotations

import abc
import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Loss, Mixture, Player
from pipeline.distributions.mixture import mixture_log_prob
from pipeline.objectives.explicit import ExplicitModel, Objective, logged_likelihood


class MixtureDensity(nn.Module):
    """The density of a known mixture, sum_k w_k N(mu_k, sigma^2 I), differentiable in x."""

    means: Tensor
    log_weights: Tensor

    def __init__(self, truth: Mixture) -> None:
        super().__init__()
        self.log_sigma = math.log(truth.sigma)
        self.register_buffer("means", torch.tensor(truth.means), persistent=False)
        self.register_buffer("log_weights", torch.tensor(truth.weights).log(), persistent=False)

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, D) -> (B,) nats."""
        log_sigma = torch.full_like(self.log_weights[:, None], self.log_sigma)
        return mixture_log_prob(x, self.means, log_sigma, self.log_weights)


def renyi(on_data: Tensor, on_samples: Tensor, order: float) -> Tensor:
    """The estimate of R_a, in nats.

    Args:
        on_data: (N,) log q - log p of draws of p.
        on_samples: (N,) the same of draws of q; as many.
        order: a, in (0, 1).

    Returns:
        (), not negative.
    """
    r = torch.cat([on_data, on_samples])
    shared = math.log(2) - F.softplus(r)
    log_g = order * r + shared
    log_a = torch.logaddexp(r + math.log(order), torch.full_like(r, math.log1p(-order))) + shared
    return (log_a.logsumexp(0) - log_g.logsumexp(0)) / (order * (1 - order))


class KnownDensityObjective(Objective):
    """An objective with one player, the model, and the density of the data."""

    def __init__(self, truth: Mixture) -> None:
        super().__init__()
        self.truth = MixtureDensity(truth)

    def players(self, model: ExplicitModel) -> tuple[Player, ...]:
        return (Player("model", model.own_parameters(), partial(self.loss, model)),)

    @abc.abstractmethod
    def loss(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Loss:
        """The loss of the model on a batch of data."""

    def log_ratio(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Tensor:
        """x (B, D) -> (B,): log q(x) - log p(x)."""
        return model.log_weight(x, c) - self.truth.log_prob(x)


class ReverseKL(KnownDensityObjective):
    """KL(q || p) by samples of q."""

    def loss(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Loss:
        nll = logged_likelihood(model, x, c)
        divergence = self.log_ratio(model, model.rsample(c), c).mean()
        return Loss(divergence, {"nll": nll, "divergence": divergence})


class Renyi(KnownDensityObjective):
    """R_a(q, p) by samples of p and of q.

    Args:
        truth: p.
        order: a, in (0, 1).
    """

    def __init__(self, truth: Mixture, order: float) -> None:
        super().__init__(truth)
        self.order = order

    def loss(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Loss:
        log_q = model.log_weight(x, c)
        on_samples = self.log_ratio(model, model.rsample(c), c)
        divergence = renyi(log_q - self.truth.log_prob(x), on_samples, self.order)
        return Loss(divergence, {"nll": -log_q.detach().mean(), "divergence": divergence})
