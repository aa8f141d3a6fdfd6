"""Recipes of PacGAN's experiments, for its published numbers; the family `gan` has games that compare to each other."""

from __future__ import annotations

from typing import Literal

from pipeline.contract import Task
from pipeline.errors import UserError
from pipeline.families.pacgan.networks import ConvCritic, ConvGenerator, dense_generator, maxout_critic
from pipeline.families.pacgan.packed import PackedGAN
from pipeline.params import Count

__all__ = ["pacgan_images", "pacgan_points"]


def pacgan_points(
    task: Task,
    *,
    latent: Count = 2,
    width: Count = 400,
    depth: Count = 4,
    critic_width: Count = 200,
    critic_depth: Count = 3,
    pieces: Count = 5,
    pack: Count = 2,
) -> PackedGAN:
    """PacGAN on ring and grid, with its networks; of a pack of 1 the GAN beside it (Lin et al. 2018, arXiv:1712.04086).

    Equation: max_D E log σ(D(x₁ … xₘ)) + E log(1 - σ(D(G(z₁) … G(zₘ)))),  max_G E log σ(D(G(z₁) … G(zₘ)))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of the generator, from 1.
        depth: hidden layers of the generator, from 1.
        critic_width: units of each hidden layer of the critic, from 1.
        critic_depth: hidden layers of the critic, from 1.
        pieces: linear maps of which a unit of the critic takes the largest, from 1.
        pack: samples m that the critic sees at once, from 1.
    """
    _check(task)
    generator = dense_generator(latent, task.event.dims, width, depth)
    critic = maxout_critic(pack * task.event.dims, critic_width, critic_depth, pieces)
    return PackedGAN(task.event, generator, critic, latent, "normal", pack, generator_steps=1)


def pacgan_images(
    task: Task,
    *,
    latent: Count = 100,
    channels: Count = 64,
    halvings: Count = 4,
    pack: Count = 2,
    noise: Literal["normal", "uniform"] = "uniform",
    generator_steps: Count = 2,
) -> PackedGAN:
    """PacDCGAN on stacked MNIST, with its networks; of a pack of 1 the DCGAN (Lin et al. 2018, arXiv:1712.04086).

    Equation: max_D E log σ(D(x₁ … xₘ)) + E log(1 - σ(D(G(z₁) … G(zₘ)))),  max_G E log σ(D(G(z₁) … G(zₘ)))

    Args:
        latent: dimensions of z, from 1.
        channels: feature maps after the first halving, doubled at each further one, of both networks; from 1.
        halvings: how often the height and width are halved, from 1; odd sizes are rounded up.
        pack: samples m that the critic sees at once, from 1.
        noise: the distribution of z: "normal", or "uniform" on [-1, 1].
        generator_steps: steps of the generator for each step of the critic, from 1.
    """
    _check(task)
    depth, *size = task.event.shape
    generator = ConvGenerator(task.event.shape, latent, channels, halvings)
    critic = ConvCritic((pack * depth, *size), channels, halvings)
    return PackedGAN(task.event, generator, critic, latent, noise, pack, generator_steps)


def _check(task: Task) -> None:
    if task.condition.kind != "none":
        raise UserError(
            f"family pacgan has no model of condition {task.condition.kind}; allowed: none; take the family gan"
        )
