"""Generative adversarial network: a generator and a critic play a two-player game.

    x = s G(psi z, c),  z ~ N(0, I)       s the data's scale, psi the truncation (1 while training)

The critic sees x / s. What both descend is in objectives.py, what keeps the critic smooth in penalty.py; it is taken in
a random share of the steps and divided by that share: up to gradient clipping the same penalty on average (the lazy
regularisation of Karras et al. 2020, arXiv:1912.04958). A GAN has no likelihood. (Goodfellow et al. 2014,
arXiv:1406.2661; with a condition in both players: Mirza & Osindero 2014, arXiv:1411.1784; truncation as a factor:
Brock et al. 2019, arXiv:1809.11096, who resample z instead.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Event, GenerativeModel, Loss, Player
from pipeline.families.gan import objectives
from pipeline.families.gan.objectives import OBJECTIVES, Penalty


@dataclass(frozen=True)
class Game:
    """The rules that the two players keep."""

    objective: objectives.Name
    turns: int = 1
    """Steps of the critic for each of the generator."""
    penalty: Penalty | None = None
    weight: float = 0.0
    """Of the penalty."""
    share: float = 1.0
    """Of the critic's steps that pay it."""
    box: float = math.inf
    """The critic's parameters stay in [-box, box] (Arjovsky et al. 2017, arXiv:1701.07875)."""
    pack: int = 1
    """Items that the critic judges at once."""


class Conditioned(nn.Module):
    """One side's network with an encoder of the condition of its own: no parameter is shared between players."""

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
            Player("critic", tuple(self.critic.parameters()), self.critic_loss, self.game.turns),
            Player("generator", tuple(self.generator.parameters()), self.generator_loss),
        )

    def critic_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        x, c = self._ready(x, c)
        real = self._within_bins(x) / self.event.scale
        with torch.no_grad():
            fake = self.generator(torch.randn(len(c), self.latent), c)
        judged = self.critic(torch.cat([real, fake]), torch.cat([c, c]))  # one pass costs less than two
        game = self.objective.critic(*judged.chunk(2))
        parts = {"game": game}
        if self.game.penalty is None or torch.rand(()) >= self.game.share:
            return Loss(game, parts)
        penalty = self.game.penalty(lambda u: self.critic(u, c), real, fake)
        return Loss(game + self.game.weight / self.game.share * penalty, parts | {"penalty": penalty})

    def generator_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        x, c = self._ready(x, c)
        fake = self.generator(torch.randn(len(c), self.latent), c)
        game = self.objective.generator(self.critic(fake, c))
        return Loss(game, {"game": game})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.setting * torch.randn(len(c), self.latent)
        x: Tensor = self.event.scale * self.generator(z, c)
        return x if self.event.levels is None else self.event.quantise(x)

    def _ready(self, x: Tensor, c: Tensor) -> Batch:
        """The items that fill whole packs, for a critic that is in its box whoever moved it last."""
        if self.game.box < math.inf:
            with torch.no_grad():
                for parameter in self.critic.parameters():
                    parameter.clamp_(-self.game.box, self.game.box)
        whole = len(x) - len(x) % self.game.pack
        if not whole:
            raise ValueError(f"a batch of {len(x)} does not fill a pack of {self.game.pack}")
        return x[:whole], c[:whole]

    def _within_bins(self, x: Tensor) -> Tensor:
        """Levels jittered within their bins: else the critic tells real from fake by the grid alone."""
        if self.event.levels is None:
            return x
        return x + (torch.rand_like(x) - 0.5) * 2 / (self.event.grid - 1)
