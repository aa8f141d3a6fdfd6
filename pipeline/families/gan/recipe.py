"""Recipes of the GAN family: one for each published game, on points and on images, all with the same networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from pipeline.contract import Task
from pipeline.families.gan.gan import GAN
from pipeline.families.gan.networks.dcgan import ConvGenerator, DenseGenerator, Packed, normalise_spectrally
from pipeline.families.gan.networks.resnet import Pool, ResidualCritic, ResidualGenerator
from pipeline.networks import critics
from pipeline.networks.condition import encoder
from pipeline.objectives.adversarial import GRADIENT, R1, Conditioned, Game, Name
from pipeline.params import Count, NonNegative, Positive, Share, Whole

__all__ = ["gan_minimax", "gan_nonsaturating", "lsgan", "pacgan", "sngan_hinge", "wgan_clip", "wgan_gp"]

Architecture = Literal["dcgan", "resnet"]


def gan_minimax(task: Task, *, latent: Count = 32, width: Count = 24, depth: Count = 2) -> GAN:
    """The original game, whose generator saturates (Goodfellow et al. 2014, arXiv:1406.2661).

    Equation: min_G max_D E log σ(D(x)) + E log(1 - σ(D(G(z))))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
    """
    return _gan(task, Game("minimax"), latent, width, depth)


def gan_nonsaturating(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    r1: NonNegative = 1.0,
    r1_share: Share = 0.25,
) -> GAN:
    """The game whose generator does not saturate (Goodfellow et al. 2014, arXiv:1406.2661), with R1 (arXiv:1801.04406).

    Equation: max_D E log σ(D(x)) + E log(1 - σ(D(G(z)))) - γ/2 E |∇D(x)|²,  max_G E log σ(D(G(z)))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        r1: weight γ of the gradient penalty R1, from 0, which is none.
        r1_share: share of the critic's steps with the penalty, which is divided by it; in (0, 1].
    """
    return _gan(task, _game_with_r1("nonsaturating", r1, r1_share), latent, width, depth)


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

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        r1: weight γ of the gradient penalty R1, from 0, which is none.
        r1_share: share of the critic's steps with the penalty, which is divided by it; in (0, 1].
    """
    return _gan(task, _game_with_r1("least_squares", r1, r1_share), latent, width, depth)


def wgan_clip(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    box: Positive = 0.1,
    steps_per_round: Count = 5,
) -> GAN:
    """Wasserstein GAN: the critic's weights are clipped to a box (Arjovsky et al. 2017, arXiv:1701.07875). The box
    is .1 and the optimiser AdamW by default, where the paper has .01 and RMSProp.

    Equation: min_G max_D E D(x) - E D(G(z)),  each weight of D in [-c, c]

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        box: bound c of each of the critic's weights, above 0.
        steps_per_round: critic steps for each generator step, from 1.
    """
    return _gan(task, Game("wasserstein", steps_per_round, box=box), latent, width, depth)


def wgan_gp(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    penalty: Positive = 10.0,
    steps_per_round: Count = 5,
    network: Architecture = "dcgan",
    generator_width: Whole = 0,
) -> GAN:
    """Wasserstein GAN with a gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    Equation: min_G max_D E D(x) - E D(G(z)) - λ E (|∇D(x̂)| - 1)²,  x̂ = u x + (1 - u) G(z),  u ~ U[0, 1]

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        penalty: weight λ of the gradient penalty, above 0.
        steps_per_round: critic steps for each generator step, from 1.
        network: of both players on images, "dcgan" or "resnet": the paper's residual networks on CIFAR-10, with `width`
            feature maps at every size, `depth` doublings in the generator and two halvings in the critic.
        generator_width: feature maps of the residual generator, from 0, which is `width`.
    """
    residual = _residual(network, width, generator_width, "mean")
    return _gan(task, Game("wasserstein", steps_per_round, GRADIENT, penalty), latent, width, depth, residual=residual)


def sngan_hinge(
    task: Task,
    *,
    latent: Count = 32,
    width: Count = 24,
    depth: Count = 2,
    steps_per_round: Count = 1,
    network: Architecture = "dcgan",
    generator_width: Whole = 0,
) -> GAN:
    """Spectral normalisation and the hinge loss (Miyato et al. 2018, arXiv:1802.05957).

    Equation: min_D E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))),  min_G -E D(G(z)),  each layer of D W / σ₁(W)

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        steps_per_round: critic steps for each generator step, from 1.
        network: of both players on images, "dcgan" or "resnet": the paper's residual networks on CIFAR-10, with `width`
            feature maps at every size, `depth` doublings in the generator and two halvings in the critic.
        generator_width: feature maps of the residual generator, from 0, which is `width`.
    """
    residual = _residual(network, width, generator_width, "sum")
    return _gan(task, Game("hinge", steps_per_round), latent, width, depth, normalise=True, residual=residual)


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
    """The critic scores m samples at once and so sees a lack of variety (Lin et al. 2018, arXiv:1712.04086); with R1.

    Equation: max_D E log σ(D(x₁ … xₘ)) + E log(1 - σ(D(G(z₁) … G(zₘ)))),  max_G E log σ(D(G(z₁) … G(zₘ)))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of both networks on points, feature maps at full size on images and
            sequences; from 1.
        depth: hidden layers on points, halvings of the size on images and sequences; from 1.
        pack: samples m that the critic sees at once, from 1.
        objective: the losses of both players.
        r1: weight γ of the gradient penalty R1, from 0, which is none.
        r1_share: share of the critic's steps with the penalty, which is divided by it; in (0, 1].
    """
    return _gan(task, replace(_game_with_r1(objective, r1, r1_share), pack=pack), latent, width, depth)


def _game_with_r1(objective: Name, r1: float, share: float) -> Game:
    return Game(objective, penalty=R1, weight=r1, share=share) if r1 else Game(objective)


@dataclass(frozen=True)
class ResidualPlayers:
    """Both players are residual networks, on images."""

    generator: int
    """Feature maps of the generator."""
    pool: Pool
    """How the critic pools its features."""


def _residual(network: Architecture, width: int, generator_width: int, pool: Pool) -> ResidualPlayers | None:
    """Residual players, or None for the networks in the manner of DCGAN; a generator width of 0 is `width`."""
    return ResidualPlayers(generator_width or width, pool) if network == "resnet" else None


def _gan(
    task: Task,
    game: Game,
    latent: int,
    width: int,
    depth: int,
    normalise: bool = False,
    residual: ResidualPlayers | None = None,
) -> GAN:
    """Both players on the task; with `normalise` the critic has spectral normalisation."""
    if task.event.kind != "images":
        residual = None
    critic = _critic(task, game.pack, width, depth, residual)
    players = _generator(task, latent, width, depth, residual), normalise_spectrally(critic) if normalise else critic
    return GAN(task.event, *players, latent, game)


def _generator(task: Task, latent: int, width: int, depth: int, residual: ResidualPlayers | None) -> Conditioned:
    condition, event = encoder(task.condition, task.event), task.event
    network: nn.Module
    if event.kind == "points":
        network = DenseGenerator(event, latent, condition.flat, width, depth)
    elif residual:
        network = ResidualGenerator(event, latent, condition.flat, condition.everywhere, residual.generator, depth)
    else:
        network = ConvGenerator(event, latent, condition.flat, condition.everywhere, width, depth)
    return Conditioned(condition, network)


def _critic(task: Task, pack: int, width: int, depth: int, residual: ResidualPlayers | None) -> Conditioned:
    condition, shape = encoder(task.condition, task.event), task.event.shape
    event = replace(task.event, shape=(pack * shape[0], *shape[1:]))  # items are joined along their first dimension
    network: nn.Module
    if residual:
        network = ResidualCritic(event, pack * condition.vector, pack * condition.maps, width, residual.pool)
    else:
        network = critics.critic(event, condition, width, depth, pack)
    return Conditioned(condition, Packed(network, pack))
