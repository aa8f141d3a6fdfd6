"""The exact density of a stationary Gaussian autoregressive process, and its draws.

    x_t = sum_i a_i x_(t-i) + e_t,  e_t ~ N(0, sigma^2)
    log p(x) = log N(x_<p; 0, P) + sum_(t >= p) log N(x_t; sum_i a_i x_(t-i), sigma^2)

P is the covariance of p successive values. With the companion matrix F, of which F v is the next state of the recursion
without noise, it solves the discrete Lyapunov equation

    P = F P F^T + sigma^2 e_1 e_1^T

References:
    Hamilton 1994, Time Series Analysis, sections 5.2 and 10.1.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pipeline.distributions.likelihood import LOG_2PI
from pipeline.processes import GaussianAutoregression


def stationary_covariance(process: GaussianAutoregression) -> Tensor:
    """(p, p) float64: the covariance of p successive values.

    Raises:
        ValueError: the process is not stationary.
    """
    return torch.tensor(_covariance(process), dtype=torch.float64)


def _covariance(process: GaussianAutoregression) -> list[list[float]]:
    """`stationary_covariance` as numbers: it is decided on the host whether there is one."""
    order = len(process.coefficients)
    companion = np.eye(order, k=-1)
    companion[0] = process.coefficients
    if np.abs(np.linalg.eigvals(companion)).max() >= 1:
        raise ValueError(f"coefficients {process.coefficients} are of no stationary process")
    noise = np.zeros((order, order))
    noise[0, 0] = process.sigma**2
    linear = np.eye(order**2) - np.kron(companion, companion)
    found: list[list[float]] = np.linalg.solve(linear, noise.ravel()).reshape(order, order).tolist()
    return found


def autocorrelation(process: GaussianAutoregression, lags: int) -> Tensor:
    """(lags + 1,) float64: the correlation of x_t and x_(t+k) for k = 0 .. lags, by the Yule-Walker recursion."""
    order = len(process.coefficients)
    covariance = _covariance(process)[0]
    for _ in range(lags + 1 - order):
        covariance.append(sum(a * covariance[-i] for i, a in enumerate(process.coefficients, start=1)))
    found = torch.tensor(covariance[: lags + 1], dtype=torch.float64)
    return found / found[0]


def log_prob(process: GaussianAutoregression, x: Tensor) -> Tensor:
    """log p(x).

    Args:
        process: of p coefficients.
        x: (B, T) real values.

    Returns:
        (B,) float64 nats.
    """
    x = x.double()
    order = min(len(process.coefficients), x.shape[1])
    root = torch.linalg.cholesky(stationary_covariance(process)[:order, :order].to(x.device))
    start = torch.linalg.solve_triangular(root, x[:, :order].T, upper=False)  # (order, B)
    quadratic = start.square().sum(0)
    log_det = 2 * root.diagonal().log().sum()
    later = x[:, order:]
    if later.shape[1]:
        lagged = sum(
            a * x[:, order - i : x.shape[1] - i] for i, a in enumerate(process.coefficients, start=1)
        )  # (B, T - order)
        scaled = (later - lagged) / process.sigma
        quadratic = quadratic + scaled.square().sum(1)
        log_det = log_det + 2 * later.shape[1] * math.log(process.sigma)
    return -0.5 * (quadratic + log_det + x.shape[1] * LOG_2PI)


def from_noise(process: GaussianAutoregression, noise: Tensor) -> Tensor:
    """The values of the process that standard normal noise drives.

    Args:
        process: of p coefficients.
        noise: (B, T) independent draws of N(0, 1).

    Returns:
        (B, T) of the noise's type; the map is invertible and linear.
    """
    order = min(len(process.coefficients), noise.shape[1])
    root = torch.linalg.cholesky(stationary_covariance(process)[:order, :order]).to(noise)
    x = list((noise[:, :order] @ root.T).unbind(1))
    for t in range(order, noise.shape[1]):
        lagged = sum(a * x[t - i] for i, a in enumerate(process.coefficients, start=1))
        x.append(lagged + process.sigma * noise[:, t])
    return torch.stack(x, dim=1)
