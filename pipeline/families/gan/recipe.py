"""Where networks meet the GAN family: one recipe for each published game, on points and on images.

Every recipe has the same networks. On points `width` is the hidden units of a layer and `depth` the hidden layers; on
images `width` is the channels at full size, doubled at each of `depth` halvings.
"""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from pipeline.contract import Task
from pipeline.families.gan.gan import GAN, Conditioned, Game
from pipeline.families.gan.networks import ConvCritic, ConvGenerator, DenseCritic, DenseGenerator, Packed, spectral
from pipeline.families.gan.objectives import GRADIENT, R1, Name
from pipeline.networks.condition import encoder
from pipeline.params import Count, NonNegative, Positive, Share

__all__ = ["gan_minimax", "gan_nonsaturating", "lsgan", "pacgan", "sngan_hinge", "wgan_clip", "wgan_gp"]

OCTAVES = 3  # of Fourier features in a critic of points, which could not tell modes this narrow from a coordinate alone


def gan_minimax(task: Task, *, latent: Count = 32, width: Count = 24, depth: Count = 2) -> GAN:
    """The original game, whose generator saturates (Goodfellow et al. 2014, arXiv:1406.2661).

    Equation: min_G max_D E log σ(D(x)) + E log(1 - σ(D(G(z))))
    """
    return _play(task, Game("minimax"), latent, width, depth)


def gan_nonsaturating(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    r1: NonNegative = 1.0,
    r1_share: Share = 0.25,
) -> GAN:
    """The game whose generator keeps its slope (Goodfellow et al. 2014, arXiv:1406.2661), with R1 (arXiv:1801.04406).

    Equation: max_D E log σ(D(x)) + E log(1 - σ(D(G(z)))) - γ/2 E |∇D(x)|²,  max_G E log σ(D(G(z)))
    """
    return _play(task, _smooth("nonsaturating", r1, r1_share), latent, width, depth)


def lsgan(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    r1: NonNegative = 1.0,
    r1_share: Share = 0.25,
) -> GAN:
    """Least squares in place of the cross-entropy (Mao et al. 2017, arXiv:1611.04076), with R1 (arXiv:1801.04406).

    Equation: min_D ½ E (D(x) - 1)² + ½ E D(G(z))² + γ/2 E |∇D(x)|²,  min_G ½ E (D(G(z)) - 1)²
    """
    return _play(task, _smooth("least_squares", r1, r1_share), latent, width, depth)


def wgan_clip(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    box: Positive = 0.1,
    turns: Count = 5,
) -> GAN:
    """Wasserstein GAN: the critic's weights are clipped to a box (Arjovsky et al. 2017, arXiv:1701.07875). The box
    is .1 and the optimiser AdamW by default, where the paper has .01 and RMSProp.

    Equation: min_G max_D E D(x) - E D(G(z)),  each weight of D in [-c, c]
    """
    return _play(task, Game("wasserstein", turns, box=box), latent, width, depth)


def wgan_gp(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    penalty: Positive = 10.0,
    turns: Count = 5,
) -> GAN:
    """Wasserstein GAN with a gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    Equation: min_G max_D E D(x) - E D(G(z)) - λ E (|∇D(x̂)| - 1)²,  x̂ = u x + (1 - u) G(z),  u ~ U[0, 1]
    """
    return _play(task, Game("wasserstein", turns, GRADIENT, penalty), latent, width, depth)


def sngan_hinge(task: Task, *, latent: Count = 32, width: Count = 24, depth: Count = 2, turns: Count = 1) -> GAN:
    """Spectral normalisation and the hinge loss (Miyato et al. 2018, arXiv:1802.05957).

    Equation: min_D E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))),  min_G -E D(G(z)),  each layer of D W / σ₁(W)
    """
    return _play(task, Game("hinge", turns), latent, width, depth, normalise=True)


def pacgan(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    pack: Count = 2,
    objective: Name = "nonsaturating",
    r1: NonNegative = 1.0,
    r1_share: Share = 0.25,
) -> GAN:
    """The critic sees m samples at once, so that a lack of variety shows (Lin et al. 2018, arXiv:1712.04086); with R1.

    Equation: max_D E log σ(D(x₁ … xₘ)) + E log(1 - σ(D(G(z₁) … G(zₘ)))),  max_G E log σ(D(G(z₁) … G(zₘ)))
    """
    return _play(task, replace(_smooth(objective, r1, r1_share), pack=pack), latent, width, depth)


def _smooth(objective: Name, r1: float, share: float) -> Game:
    return Game(objective, penalty=R1, weight=r1, share=share) if r1 else Game(objective)


def _play(task: Task, game: Game, latent: int, width: int, depth: int, normalise: bool = False) -> GAN:
    """Both players on the task; `normalise` the critic's layers by their largest singular value."""
    critic = _critic(task, game.pack, width, depth)
    players = _generator(task, latent, width, depth), spectral(critic) if normalise else critic
    return GAN(task.event, *players, latent, game)


def _generator(task: Task, latent: int, width: int, depth: int) -> Conditioned:
    condition, event = encoder(task.condition, task.event), task.event
    if event.kind == "points":
        return Conditioned(condition, DenseGenerator(event, latent, condition.flat, width, depth))
    return Conditioned(condition, ConvGenerator(event, latent, condition.flat, condition.everywhere, width, depth))


def _critic(task: Task, pack: int, width: int, depth: int) -> Conditioned:
    condition, shape = encoder(task.condition, task.event), task.event.shape
    event = replace(task.event, shape=(pack * shape[0], *shape[1:]))  # items are joined along their first dimension
    network: nn.Module
    if event.kind == "points":
        network = DenseCritic(event, pack * condition.flat, width, depth, OCTAVES)
    else:
        network = ConvCritic(event, pack * condition.vector, pack * condition.maps, width, depth)
    return Conditioned(condition, Packed(network, pack))
