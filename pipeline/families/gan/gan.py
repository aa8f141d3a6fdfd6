"""Generative adversarial network: a generator and a critic play a two-player game.

    x = s G(psi z, c),  z ~ N(0, I)       s the data's scale, psi the truncation (1 while training)

The input of the critic is x / s. Losses and penalties are in `pipeline/objectives/adversarial.py`. A GAN has no
likelihood.

References:
    Goodfellow et al. 2014, arXiv:1406.2661. With a condition in both players: Mirza & Osindero 2014, arXiv:1411.1784.
    Truncation: Brock et al. 2019, arXiv:1809.11096, who resample z instead of scaling it.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel, Loss, Player
from pipeline.objectives.adversarial import Conditioned, Game


class GAN(GenerativeModel):
    """`generator`: (z (B, latent), c) -> x (B, *event) / s; `critic`: (x / s, c) -> scores (B // pack, 1)."""

    knob: ClassVar[str | None] = "truncation"

    def __init__(self, event: Event, generator: Conditioned, critic: Conditioned, latent: int, game: Game) -> None:
        super().__init__()
        self.event, self.generator, self.critic = event, generator, critic
        self.latent, self.game = latent, game

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
        return self.game.critic_loss(self.critic, real, fake, c)

    def generator_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        x, c = self._prepare(x, c)
        fake = self.generator(self._latents(c), c)
        return self.game.generator_loss(self.critic, fake, c)

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
