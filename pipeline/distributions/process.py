"""The likelihood and the draws of any process with a known truth, on the events of its task."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Event
from pipeline.distributions import gaussian_autoregression, hidden_markov
from pipeline.processes import GaussianAutoregression, Process


def log_prob(process: Process, event: Event, x: Tensor) -> Tensor:
    """x (B, 1, T) -> (B,) float64 nats: log density of an autoregression, log mass of a hidden Markov model."""
    if isinstance(process, GaussianAutoregression):
        return gaussian_autoregression.log_prob(process, x.flatten(1))
    return hidden_markov.log_prob(process, event.index(x).flatten(1))


def sample(process: Process, event: Event, count: int, device: torch.device) -> Tensor:
    """(count, 1, T) float32, drawn on the device."""
    length = event.shape[-1]
    if isinstance(process, GaussianAutoregression):
        noise = torch.randn(count, length, device=device)
        return gaussian_autoregression.from_noise(process, noise)[:, None]
    u = torch.rand(count, length, 2, device=device)
    return event.value(hidden_markov.from_uniforms(process, u).symbols)[:, None]
