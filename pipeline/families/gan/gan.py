"""Generative adversarial network: a generator and a critic play a two-player game.

    x = s G(psi z, c),  z ~ N(0, I)       s the data's scale, psi the truncation (1 while training)

The input of the critic is x / s. Losses and penalties are in objectives.py. A penalty is computed in a random share of
the steps and divided by that share, which is the same penalty on average, up to gradient clipping (lazy
regularisation: Karras et al. 2020, arXiv:1912.04958). A GAN has no likelihood.

References:
    Goodfellow et al. 2014, arXiv:1406.2661. With a condition in both players: Mirza & Osindero 2014, arXiv:1411.1784.
    Truncation: Brock et al. 2019, arXiv:1809.11096, who resample z instead of scaling it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Event, GenerativeModel, Loss, Player
from pipeline.distributions import host_draws
from pipeline.families.gan import objectives
from pipeline.families.gan.objectives import OBJECTIVES, Penalty


@dataclass(frozen=True)
class Game:
    """The settings of the two-player game."""

    objective: objectives.Name
    steps_per_round: int = 1
    """Critic steps for each generator step."""
    penalty: Penalty | None = None
    weight: float = 0.0
    """Weight of the penalty."""
    share: float = 1.0
    """Share of the critic's steps with the penalty."""
    box: float = math.inf
    """The critic's parameters stay in [-box, box] (Arjovsky et al. 2017, arXiv:1701.07875)."""
    pack: int = 1
    """Items that the critic scores at once."""


class Conditioned(nn.Module):
    """The network of one player with its own encoder of the condition: players share no parameter."""

    def __init__(self, condition: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.condition, self.network = condition, network

    def forward(self, value: Tensor, c: Tensor) -> Tensor:
        out: Tensor = self.network(value, self.condition(c))
        return out


class GAN(GenerativeModel):
    """`generator`: (z (B, latent), c) -> x (B, *event) / s; `critic`: (x / s, c) -> scores (B // pack, 1)."""

    knob: ClassVar[str | None] = "truncation"

    def __init__(self, event: Event, generator: Conditioned, critic: Conditioned, latent: int, game: Game) -> None:
        super().__init__()
        self.event, self.generator, self.critic = event, generator, critic
        self.latent, self.game, self.objective = latent, game, OBJECTIVES[game.objective]

    def players(self) -> tuple[Player, ...]:
        return (
            Player("critic", tuple(self.critic.parameters()), self.critic_loss, self.game.steps_per_round),
            Player("generator", tuple(self.generator.parameters()), self.generator_loss),
        )

    def critic_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        x, c = self._prepare(x, c)
        real = self._jitter(x) / self.event.scale
        with torch.no_grad():
            fake = self.generator(self._latents(c), c)
        scores = self.critic(torch.cat([real, fake]), torch.cat([c, c]))
        game = self.objective.critic(*scores.chunk(2))
        parts = {"game": game}
        if self.game.penalty is None or host_draws.uniform() >= self.game.share:
            return Loss(game, parts)
        penalty = self.game.penalty(lambda u: self.critic(u, c), real, fake)
        return Loss(game + self.game.weight / self.game.share * penalty, parts | {"penalty": penalty})

    def generator_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        x, c = self._prepare(x, c)
        fake = self.generator(self._latents(c), c)
        game = self.objective.generator(self.critic(fake, c))
        return Loss(game, {"game": game})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        x: Tensor = self.event.scale * self.generator(self.setting * self._latents(c), c)
        return x if self.event.levels is None else self.event.quantise(x)

    def _latents(self, c: Tensor) -> Tensor:
        """z (B, latent), one for each row of c."""
        return torch.randn(len(c), self.latent, device=c.device)

    def _prepare(self, x: Tensor, c: Tensor) -> Batch:
        """Clamp the critic's weights to the box, and return the items that fill whole packs."""
        if self.game.box < math.inf:
            with torch.no_grad():
                for parameter in self.critic.parameters():
                    parameter.clamp_(-self.game.box, self.game.box)
        whole = len(x) - len(x) % self.game.pack
        if not whole:
            raise ValueError(f"a batch of {len(x)} does not fill a pack of {self.game.pack}")
        return x[:whole], c[:whole]

    def _jitter(self, x: Tensor) -> Tensor:
        """Add uniform noise within each bin: on the grid alone real items would be separable from fake ones."""
        if self.event.levels is None:
            return x
        return x + (torch.rand_like(x) - 0.5) * 2 / (self.event.grid - 1)
