"""Autoencoder: a deterministic code, trained to reconstruct.

    min E |x - D(E(x, c), c)|^2

It is no generator until its codes have a density: after training a full-covariance Gaussian is fitted to them, and
samples decode draws from it. It has no likelihood. (Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647.)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Event, Loss, Reconstructs, SinglePlayer

RIDGE = 1e-5  # keeps the covariance of dead code units positive definite


class Autoencoder(SinglePlayer, Reconstructs):
    """`encoder`: (x, context) -> (B, latent); `decoder`: (z, context) -> x (B, *event)."""

    code_mean: Tensor
    code_root: Tensor

    def __init__(self, event: Event, condition: nn.Module, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.event, self.condition, self.encoder, self.decoder = event, condition, encoder, decoder
        self.register_buffer("code_mean", torch.zeros(latent))
        self.register_buffer("code_root", torch.eye(latent))

    def reconstruct(self, z: Tensor, c: Tensor) -> Tensor:
        """Differentiable, real-valued x (B, *event)."""
        x: Tensor = self.event.scale * self.decoder(z, self.condition(c))
        return x

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        z: Tensor = self.encoder(x / self.event.scale, self.condition(c))
        return z

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        x = self.reconstruct(z, c)
        return x if self.event.levels is None else self.event.quantise(x)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        error = (self.reconstruct(self.encode(x, c), c) - x).square().mean()
        return Loss(error, {"squared_error": error})

    @torch.no_grad()
    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        codes = torch.cat([self.encode(x, c) for x, c in train])
        covariance = codes.T.cov().view(len(self.code_mean), -1)
        self.code_mean.copy_(codes.mean(0))
        self.code_root.copy_(torch.linalg.cholesky(covariance + RIDGE * torch.eye(len(self.code_mean))))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.code_mean + torch.randn(len(c), len(self.code_mean)) @ self.code_root.T
        return self.decode(z, c)
