"""Generative adversarial network: a generator and a critic play a two-player game.

    x = G(z, c),  z ~ N(0, I)             the objectives are in objectives.py

R1 keeps the critic smooth on the data: (gamma / 2) E |grad_x D(x)|^2 (Mescheder, Geiger & Nowozin 2018,
arXiv:1801.04406, eq. 9). It costs a second derivative, so it is taken in a random share of the steps and divided by
that share: up to gradient clipping the same penalty on average (the lazy regularisation of Karras et al. 2020,
arXiv:1912.04958). A GAN has no likelihood. (Goodfellow et al. 2014, arXiv:1406.2661; with a condition in both players:
Mirza & Osindero 2014, arXiv:1411.1784.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Event, GenerativeModel, Loss, Player
from pipeline.families.gan.objectives import OBJECTIVES


class Conditioned(nn.Module):
    """One side's network with an encoder of the condition of its own: no parameter is shared between players."""

    def __init__(self, condition: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.condition, self.network = condition, network

    def forward(self, value: Tensor, c: Tensor) -> Tensor:
        out: Tensor = self.network(value, self.condition(c))
        return out


class GAN(GenerativeModel):
    """`generator`: (z (B, latent), c) -> x; `critic`: (x, c) -> (B, 1)."""

    def __init__(
        self,
        event: Event,
        generator: Conditioned,
        critic: Conditioned,
        latent: int,
        objective: str,
        r1: float,
        r1_share: float,
        turns: int,
    ) -> None:
        super().__init__()
        self.event, self.generator, self.critic = event, generator, critic
        self.latent, self.objective, self.turns = latent, OBJECTIVES[objective], turns
        self.r1, self.r1_share = r1, r1_share

    def players(self) -> tuple[Player, ...]:
        return (
            Player("critic", tuple(self.critic.parameters()), self.critic_loss, self.turns),
            Player("generator", tuple(self.generator.parameters()), self.generator_loss),
        )

    def imagine(self, c: Tensor) -> Tensor:
        """Differentiable draws of x (B, *event), real-valued."""
        x: Tensor = self.event.scale * self.generator(torch.randn(len(c), self.latent), c)
        return x

    def score(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) logits that x is real."""
        scores: Tensor = self.critic(x / self.event.scale, c)
        return scores[:, 0]

    def critic_loss(self, x: Tensor, c: Tensor) -> Loss:
        x = self._within_bins(x).requires_grad_()
        with torch.no_grad():
            imagined = self.imagine(c)
        real = self.score(x, c)
        game = self.objective.critic(real, self.score(imagined, c))
        if not self.r1 or torch.rand(()) >= self.r1_share:
            return Loss(game, {"game": game})
        penalty = self._slope(real, x)
        return Loss(game + self.r1 / 2 / self.r1_share * penalty, {"game": game, "r1": penalty})

    def generator_loss(self, x: Tensor, c: Tensor) -> Loss:
        game = self.objective.generator(self.score(self.imagine(c), c))
        return Loss(game, {"game": game})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        x = self.imagine(c)
        return x if self.event.levels is None else self.event.quantise(x)

    def _within_bins(self, x: Tensor) -> Tensor:
        """Levels jittered within their bins: else the critic tells real from fake by the grid alone."""
        if self.event.levels is None:
            return x.clone()
        return x + (torch.rand_like(x) - 0.5) * 2 / (self.event.levels - 1)

    def _slope(self, real: Tensor, x: Tensor) -> Tensor:
        """E |grad_x D(x)|^2, ()."""
        (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
        return slope.square().flatten(1).sum(-1).mean()
