"""Autoencoders: a deterministic code, trained by reconstruction.

    min E |x - D(E(x + noise, c), c)|^2 + sparsity |E(x + noise, c)|_1

with neither noise nor sparsity (Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647), with an L1 penalty on the
activity of the code (sparse coding: Olshausen & Field 1996, doi:10.1038/381607a0), or with a corrupted input and a
clean target (denoising: Vincent et al. 2008, doi:10.1145/1390156.1390294).

An autoencoder is no generative model: it has no distribution of codes. "fitted" fits a full-covariance Gaussian to them
after training and decodes draws from it; "standard" decodes draws from N(0, I), as of a VAE, and fails, since no loss
moves codes there. It has no likelihood.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Event, Loss, Reconstructs, SinglePlayer

Codes = Literal["fitted", "standard"]
"""The distribution of the codes of samples."""


class Autoencoder(SinglePlayer, Reconstructs):
    """`encoder`: (x, context) -> (B, latent); `decoder`: (z, context) -> x (B, *event).

    `noise` is the standard deviation of the corruption, in units of the data's scale.
    """

    knob: ClassVar[str | None] = "temperature"
    code_mean: Tensor
    code_root: Tensor

    def __init__(
        self,
        event: Event,
        condition: nn.Module,
        encoder: nn.Module,
        decoder: nn.Module,
        latent: int,
        *,
        codes: Codes = "fitted",
        sparsity: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.event, self.condition, self.encoder, self.decoder = event, condition, encoder, decoder
        self.codes, self.sparsity, self.noise = codes, sparsity, noise
        self.register_buffer("code_mean", torch.zeros(latent))
        self.register_buffer("code_root", torch.eye(latent))

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        z: Tensor = self.encoder(x / self.event.scale, self.condition(c))
        return z

    def reconstruct(self, z: Tensor, c: Tensor) -> Tensor:
        """Differentiable, real-valued x (B, *event)."""
        x: Tensor = self.event.scale * self.decoder(z, self.condition(c))
        return x

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        x = self.reconstruct(z, c)
        return x if self.event.levels is None else self.event.quantise(x)

    def corrupt(self, x: Tensor) -> Tensor:
        """x with Gaussian noise."""
        return x + self.noise * self.event.scale * torch.randn_like(x) if self.noise else x

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        z = self.encode(self.corrupt(x), c)
        error = (self.reconstruct(z, c) - x).square().mean()
        activity = z.abs().sum(-1).mean()
        return Loss(error + self.sparsity * activity, {"squared_error": error, "activity": activity})

    @torch.no_grad()
    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        if self.codes == "standard":
            return
        codes = torch.cat([self.encode(x, c) for x, c in train])
        variances, axes = torch.linalg.eigh(_covariance(codes))
        self.code_mean.copy_(codes.mean(0))
        self.code_root.copy_(axes * variances.clamp(min=0).sqrt())  # dead code units: the covariance is singular

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        draw = self.setting * torch.randn(len(c), len(self.code_mean), device=c.device)
        return self.decode(self.code_mean + draw @ self.code_root.T, c)


def _covariance(codes: Tensor) -> Tensor:
    """codes (N, latent) -> (latent, latent), as `torch.cov`, which asks the host whether N - 1 is positive."""
    values, count = codes.T, len(codes)
    deviations = values - (values.sum(1) / count)[:, None]
    return deviations @ deviations.T / (count - 1)
