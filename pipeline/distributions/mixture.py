"""The density of an isotropic Gaussian mixture.

log p(x) = log sum_k w_k N(x; mu_k, sigma^2 I)
"""

from __future__ import annotations

from torch import Tensor

from pipeline.distributions.likelihood import normal_log_prob


def mixture_log_prob(x: Tensor, means: Tensor, log_sigma: Tensor, log_weights: Tensor) -> Tensor:
    """log p(x), differentiable in all arguments, in their precision.

    Args:
        x: (B, D).
        means: (K, D).
        log_sigma: () or (K, 1), log of the standard deviation of each value.
        log_weights: (K,), logs of weights that sum to 1.

    Returns:
        (B,) nats.
    """
    each = normal_log_prob(x[:, None], means, log_sigma).sum(-1)  # (B, K)
    return (each + log_weights).logsumexp(-1)
