"""The game of PacGAN's experiments: a critic of packs, a generator that does not saturate.

    max_D  E log σ(D(x_1 .. x_m)) + E log(1 - σ(D(G(z_1) .. G(z_m))))
    max_G  E log σ(D(G(z_1) .. G(z_m)))

It differs from the family `gan` in what its published numbers may depend on: items are neither divided by their scale
nor jittered within their bins, real and generated packs pass the critic apart, so that its batch normalisation sees one
kind at a time, z may be uniform, and the generator may step several times in a round. m = 1 is the GAN of the same
networks.

References:
    Lin et al. 2018, PacGAN, arXiv:1712.04086. DCGAN: Radford et al. 2016, arXiv:1511.06434.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from pipeline.contract import Event, GenerativeModel, Loss, Player
from pipeline.objectives.adversarial import OBJECTIVES

GAME = OBJECTIVES["nonsaturating"]
Noise = Literal["normal", "uniform"]


class PackedGAN(GenerativeModel):
    """`generator`: z (B, latent) -> x (B, *event); `critic`: packs (B // pack, pack * first dimension, ...) -> (B, 1).

    Args:
        event: of the items.
        generator: network.
        critic: network.
        latent: dimensions of z.
        noise: "normal", N(0, I), or "uniform" on [-1, 1].
        pack: items m that the critic scores at once, from 1.
        generator_steps: steps of the generator in a round, each against the same critic, from 1.
    """

    knob: ClassVar[str | None] = "truncation"

    def __init__(
        self,
        event: Event,
        generator: nn.Module,
        critic: nn.Module,
        latent: int,
        noise: Noise,
        pack: int,
        generator_steps: int,
    ) -> None:
        super().__init__()
        self.event, self.generator, self.critic = event, generator, critic
        self.latent, self.noise, self.pack, self.generator_steps = latent, noise, pack, generator_steps

    def players(self) -> tuple[Player, ...]:
        return (
            Player("critic", tuple(self.critic.parameters()), self.critic_loss),
            Player("generator", tuple(self.generator.parameters()), self.generator_loss, self.generator_steps),
        )

    def critic_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        with torch.no_grad():
            fake = self._packs(self.generator(self._latents(c)))
        game = GAME.critic(self.critic(self._packs(x)), self.critic(fake))
        return Loss(game, {"game": game})

    def generator_loss(self, x: Tensor, c: Tensor) -> Loss:
        """Raises ValueError where the batch does not fill one pack."""
        game = GAME.generator(self.critic(self._packs(self.generator(self._latents(c)))))
        return Loss(game, {"game": game})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        x: Tensor = self.generator(self.setting * self._latents(c))
        return x if self.event.levels is None else self.event.quantise(x)

    def _latents(self, c: Tensor) -> Tensor:
        """z (B, latent), one for each row of c."""
        if self.noise == "normal":
            return torch.randn(len(c), self.latent, device=c.device)
        return torch.rand(len(c), self.latent, device=c.device) * 2 - 1

    def _packs(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B // m, m C, ...); items that fill no pack are left out."""
        count = len(x) // self.pack
        if not count:
            raise ValueError(f"a batch of {len(x)} does not fill a pack of {self.pack}")
        return x[: count * self.pack].unflatten(0, (count, self.pack)).flatten(1, 2)
