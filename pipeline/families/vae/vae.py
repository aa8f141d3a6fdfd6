"""Variational autoencoder.

    log p(x | c) >= E_q(z|x,c)[ log p(x | z, c) ] - KL( q(z | x, c) || N(0, I) )

The weight w = p(x | z) p(z) / q(z | x) has p(x) as its mean, so k draws give IWAE-k. With beta != 1 training trades
rate for distortion, and `free` nats of each latent's rate cost nothing, so that it is worth using from the start (free
bits: Kingma et al. 2016, arXiv:1606.04934, section C.8); scores always use beta = 1 and nothing free.
(Kingma & Welling 2014, arXiv:1312.6114; Higgins et al. 2017; with a condition in encoder and decoder: Sohn, Lee & Yan
2015.)
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Loss, Reconstructs, SinglePlayer, Weighted
from pipeline.families.likelihood import Likelihood, standard_normal_log_prob
from pipeline.families.vae.gaussian import Normals


class VAE(SinglePlayer, Weighted, Reconstructs):
    """`encoder`: (x, context) -> (B, 2 latent); `decoder`: (z, context) -> parameters of `likelihood`."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(
        self,
        event: Event,
        condition: nn.Module,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Likelihood,
        latent: int,
        beta: float = 1.0,
        free: float = 0.0,
    ) -> None:
        super().__init__()
        self.condition, self.encoder, self.decoder = condition, encoder, decoder
        self.scale = event.scale
        self.likelihood, self.latent, self.beta, self.free = likelihood, latent, beta, free

    def posterior(self, x: Tensor, c: Tensor) -> Normals:
        """q(z | x, c) over (B, latent)."""
        return Normals.of(self.encoder(x / self.scale, self.condition(c)))

    def log_likelihood(self, x: Tensor, z: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log p(x | z, c)."""
        return self.likelihood.log_prob(x, self.decoder(z, self.condition(c)))

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        q = self.posterior(x, c)
        z = q.draw()
        return self.log_likelihood(x, z, c) + standard_normal_log_prob(z) - q.log_prob(z)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        q = self.posterior(x, c)
        distortion = -self.log_likelihood(x, q.draw(), c).mean()
        rate = q.divergence(Normals.standard(*q.mean.shape)).mean(0)  # (latent,)
        priced = rate.clamp(min=self.free).sum()
        return Loss(distortion + self.beta * priced, {"distortion": distortion, "rate": rate.sum()})

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return self.posterior(x, c).mean

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return self.likelihood.mode(self.decoder(z, self.condition(c)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.setting * torch.randn(len(c), self.latent)
        return self.likelihood.draw(self.decoder(z, self.condition(c)))
