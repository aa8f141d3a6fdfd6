"""Importance weighted autoencoder: a VAE that is trained on the bound of k draws.

    log p(x | c) >= E log (1/k) sum_i w_i,    w_i = p(x | z_i, c) p(z_i) / q(z_i | x, c),    z_i ~ q(z | x, c)

(Burda, Grosse & Salakhutdinov 2015, arXiv:1509.00519, eq. 8). With the draws' shares v_i = w_i / sum_j w_j,

    decoder    sum_i v_i   d log w_i / d theta
    encoder    sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)

are unbiased. The second is the doubly reparametrised form: the plain one's signal for the encoder drowns in its noise
as k grows (Tucker et al. 2018, arXiv:1810.04152, eq. 8).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pipeline.contract import Loss
from pipeline.families.likelihood import standard_normal_log_prob
from pipeline.families.vae.gaussian import Normals
from pipeline.families.vae.vae import VAE


class IWAE(VAE):
    """`draws`: k of the bound that it is trained on; scores use as many as any other model's. Validation uses k too."""

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
        z.register_hook(lambda slope: slope * share.flatten()[:, None])  # once more: v_i^2, for the encoder alone
        bound = (log_w.detach().logsumexp(0) - math.log(self.draws)).mean()
        return Loss(-(share * log_w).sum(0).mean(), {"iwae": -bound})

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: IWAE-k, the bound that it is trained on and so is validated by, in place of the ELBO."""
        log_w = torch.stack([self.log_weight(x, c) for _ in range(self.draws)])
        return log_w.logsumexp(0) - math.log(self.draws)
