"""The exact likelihood of a hidden Markov model, its draws, and the states that are most probable given the symbols.

    P(x) = sum over s of pi(s_0) B(s_0, x_0) prod_(t >= 1) A(s_(t-1), s_t) B(s_t, x_t)

The forward algorithm sums over the K^T paths of states in O(T K^2): with a_t(s) = P(x_0 .. x_t, s_t = s),

    a_t(s) = B(s, x_t) sum_r a_(t-1)(r) A(r, s),    P(x) = sum_s a_(T-1)(s)

and with b_t(s) = P(x_(t+1) .. x_(T-1) | s_t = s) from the backward pass P(s_t = s | x) is in proportion to a_t b_t.

References:
    Rabiner 1989, A tutorial on hidden Markov models, doi:10.1109/5.18626.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.processes import HiddenMarkov


class Path(NamedTuple):
    """Draws of a hidden Markov model."""

    states: Tensor
    """(B, T) long."""
    symbols: Tensor
    """(B, T) long."""


def log_prob(process: HiddenMarkov, symbols: Tensor) -> Tensor:
    """log P(x).

    Args:
        process: of K states and L symbols.
        symbols: (B, T) long in 0 .. L - 1.

    Returns:
        (B,) float64 nats.
    """
    return _forward(process, symbols)[-1].logsumexp(1)


def most_probable_states(process: HiddenMarkov, symbols: Tensor) -> Tensor:
    """symbols (B, T) long -> (B, T) long: argmax_s P(s_t = s | x) for each t (posterior decoding)."""
    _, log_a, log_b = _tables(process, symbols.device)
    forward = _forward(process, symbols)
    backward = torch.zeros_like(forward[-1])
    best = [(forward[-1] + backward).argmax(1)]
    for t in range(symbols.shape[1] - 1, 0, -1):
        ahead = backward + log_b[:, symbols[:, t]].T  # (B, K)
        backward = (log_a + ahead[:, None]).logsumexp(2)
        best.append((forward[t - 1] + backward).argmax(1))
    return torch.stack(best[::-1], dim=1)


def from_uniforms(process: HiddenMarkov, u: Tensor) -> Path:
    """The path that independent uniform numbers choose, by inversion of the distribution functions.

    Args:
        process: of K states and L symbols.
        u: (B, T, 2) in [0, 1), for the state and for the symbol of each step.
    """
    initial, transition, emission = (
        torch.tensor(table, dtype=torch.float64, device=u.device).cumsum(-1)
        for table in (process.initial, process.transition, process.emission)
    )
    states, symbols = list[Tensor](), list[Tensor]()
    for t in range(u.shape[1]):
        rows = transition[states[-1]] if states else initial.expand(len(u), -1)
        states.append(_invert(rows, u[:, t, 0]))
        symbols.append(_invert(emission[states[-1]], u[:, t, 1]))
    return Path(torch.stack(states, dim=1), torch.stack(symbols, dim=1))


def _invert(rows: Tensor, u: Tensor) -> Tensor:
    """Distribution functions (B, N) and u (B,) -> (B,) long."""
    return (rows[:, :-1] <= u[:, None].double()).sum(1)  # the last is 1 up to rounding


def _forward(process: HiddenMarkov, symbols: Tensor) -> list[Tensor]:
    """log a_t (B, K) for each t."""
    log_pi, log_a, log_b = _tables(process, symbols.device)
    found = [log_pi + log_b[:, symbols[:, 0]].T]
    for t in range(1, symbols.shape[1]):
        found.append((found[-1][:, :, None] + log_a).logsumexp(1) + log_b[:, symbols[:, t]].T)
    return found


def _tables(process: HiddenMarkov, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """log pi (K,), log A (K, K), log B (K, L), float64."""
    tables = (process.initial, process.transition, process.emission)
    log_pi, log_a, log_b = (torch.tensor(table, dtype=torch.float64, device=device).log() for table in tables)
    return log_pi, log_a, log_b
