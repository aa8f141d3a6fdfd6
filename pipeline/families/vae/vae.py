"""Variational autoencoder, and its training on the importance-weighted bound.

    log p(x | c) >= E_q(z|x,c)[ log p(x | z, c) ] - KL( q(z | x, c) || N(0, I) )

The weight w = p(x | z, c) p(z) / q(z | x, c) has the mean p(x | c), so that k draws give IWAE-k. With beta != 1
training trades rate for distortion, and `free` nats of the rate of each latent have no cost, so that latents are used
from the start (free bits: Kingma et al. 2016, arXiv:1606.04934, section C.8); scores always use beta = 1 and free = 0.

The importance weighted autoencoder is trained on the bound of k draws,

    log p(x | c) >= E log (1/k) sum_i w_i,    z_i ~ q(z | x, c)

(eq. 8 of Burda et al.). With the normalised weights v_i = w_i / sum_j w_j the gradients

    decoder    sum_i v_i   d log w_i / d theta
    encoder    sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)

are unbiased. The second is doubly reparametrised: the signal-to-noise ratio of the plain one falls with k (Tucker et
al. 2018, arXiv:1810.04152, eq. 8).

References:
    VAE: Kingma & Welling 2014, arXiv:1312.6114. beta-VAE: Higgins et al. 2017. Conditional: Sohn, Lee & Yan 2015.
    IWAE: Burda, Grosse & Salakhutdinov 2015, arXiv:1509.00519.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Loss, Reconstructs, SinglePlayer, Weighted
from pipeline.distributions.gaussian import Normals
from pipeline.distributions.likelihood import Likelihood, standard_normal_log_prob


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
        rate = q.divergence(Normals.standard_like(q.mean)).mean(0)  # (latent,)
        counted = rate.clamp(min=self.free).sum()
        return Loss(distortion + self.beta * counted, {"distortion": distortion, "rate": rate.sum()})

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return self.posterior(x, c).mean

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return self.likelihood.mode(self.decoder(z, self.condition(c)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.setting * torch.randn(len(c), self.latent, device=c.device)
        return self.likelihood.draw(self.decoder(z, self.condition(c)))


class IWAE(VAE):
    """`draws`: k of the training bound, which is the validation bound too; scores use the number of `evaluation`."""

    def __init__(self, *parts: Any, draws: int, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.draws, self.bound = draws, f"iwae_{draws}"

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        q = self.posterior(x, c)
        q = Normals(*(part.repeat(self.draws, 1) for part in q))  # (k B, latent)
        z = q.draw()
        x, c = (part.repeat(self.draws, *[1] * (part.dim() - 1)) for part in (x, c))
        log_w = self.log_likelihood(x, z, c) + standard_normal_log_prob(z) - q.detached().log_prob(z)
        log_w = log_w.unflatten(0, (self.draws, -1))  # (k, B)
        share = log_w.detach().softmax(0)
        z.register_hook(lambda slope: slope * share.flatten()[:, None])  # a second factor v_i, for the encoder alone
        bound = (log_w.detach().logsumexp(0) - math.log(self.draws)).mean()
        return Loss(-(share * log_w).sum(0).mean(), {"iwae": -bound})

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: IWAE-k, the bound of training, in place of the ELBO."""
        log_w = torch.stack([self.log_weight(x, c) for _ in range(self.draws)])
        return log_w.logsumexp(0) - math.log(self.draws)
