"""Stochastic processes whose likelihood is known exactly: the truth of synthetic sequences.

Gaussian autoregression     x_t = sum_i a_i x_(t-i) + e_t,  e_t ~ N(0, sigma^2), stationary
hidden Markov model         s_0 ~ pi,  s_t ~ A(s_(t-1), .),  x_t ~ B(s_t, .)

Likelihoods and draws are in `distributions/`: `gaussian_autoregression.py` and `hidden_markov.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[float, ...]


@dataclass(frozen=True)
class GaussianAutoregression:
    """A stationary Gaussian autoregressive process AR(p) of one channel."""

    coefficients: Row
    """a_1 .. a_p. All roots of 1 - sum_i a_i z^i lie outside the unit circle."""
    sigma: float
    """Standard deviation of the innovations e_t."""


@dataclass(frozen=True)
class HiddenMarkov:
    """A hidden Markov model of K states, the regimes, over L symbols, in one channel."""

    initial: Row
    """(K,): pi, probabilities of the first state."""
    transition: tuple[Row, ...]
    """(K, K): A, of which row s has the probabilities of the state that follows s."""
    emission: tuple[Row, ...]
    """(K, L): B, of which row s has the probabilities of the symbols in state s."""


Process = GaussianAutoregression | HiddenMarkov
