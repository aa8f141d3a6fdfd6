"""Variational autoencoder.

    log p(x | c) >= E_q(z|x,c)[ log p(x | z, c) ] - KL( q(z | x, c) || N(0, I) )

The weight w = p(x | z) p(z) / q(z | x) has p(x) as its mean, so k draws give IWAE-k. With beta != 1 training trades
rate for distortion, and `free` nats of each latent's rate cost nothing, so that it is worth using from the start (free
bits: Kingma et al. 2016, arXiv:1606.04934, section C.8); scores always use beta = 1 and nothing free.
(Kingma & Welling 2014, arXiv:1312.6114; Higgins et al. 2017; with a condition in encoder and decoder: Sohn, Lee & Yan
2015.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Loss, Reconstructs, SinglePlayer, Weighted
from pipeline.families.likelihood import Likelihood, normal_log_prob, standard_normal_log_prob


class VAE(SinglePlayer, Weighted, Reconstructs):
    """`encoder`: (x, context) -> (B, 2 latent); `decoder`: (z, context) -> parameters of `likelihood`."""

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

    def posterior(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of q(z | x, c), (B, latent) each."""
        mean, log_sigma = self.encoder(x / self.scale, self.condition(c)).chunk(2, dim=-1)
        return mean, log_sigma.clamp(-7, 3)

    def log_likelihood(self, x: Tensor, z: Tensor, c: Tensor) -> Tensor:
        return self.likelihood.log_prob(x, self.decoder(z, self.condition(c)))

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        mean, log_sigma = self.posterior(x, c)
        z = mean + log_sigma.exp() * torch.randn_like(mean)
        log_q = normal_log_prob(z, mean, log_sigma).sum(-1)
        return self.log_likelihood(x, z, c) + standard_normal_log_prob(z) - log_q

    def rate(self, mean: Tensor, log_sigma: Tensor) -> Tensor:
        """KL(q || N(0, I)) of each latent in closed form, (B, latent) nats (arXiv:1312.6114, appendix B)."""
        return 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        mean, log_sigma = self.posterior(x, c)
        z = mean + log_sigma.exp() * torch.randn_like(mean)
        distortion = -self.log_likelihood(x, z, c).mean()
        rate = self.rate(mean, log_sigma).mean(0)  # (latent,)
        priced = rate.clamp(min=self.free).sum()
        return Loss(distortion + self.beta * priced, {"distortion": distortion, "rate": rate.sum()})

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return self.posterior(x, c)[0]

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return self.likelihood.mode(self.decoder(z, self.condition(c)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = torch.randn(len(c), self.latent)
        return self.likelihood.draw(self.decoder(z, self.condition(c)))
