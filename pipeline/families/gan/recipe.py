"""Where networks meet the GAN family."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.families.gan.gan import GAN, Conditioned
from pipeline.families.gan.objectives import Name
from pipeline.networks.code import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from pipeline.networks.condition import encoder
from pipeline.params import Count, NonNegative, Share, Whole

__all__ = ["gan_images", "gan_points"]


def gan_points(
    task: Task,
    *,
    latent: Count = 8,
    width: Count = 64,
    depth: Count = 3,
    octaves: Whole = 3,
    objective: Name = "nonsaturating",
    r1: NonNegative = 0.0,
    r1_share: Share = 0.25,
    turns: Count = 1,
) -> GAN:
    """Fully connected players; the critic sees Fourier features, or it could not tell modes this narrow."""
    ours, theirs = encoder(task.condition, task.event), encoder(task.condition, task.event)
    generator = DenseDecoder(task.event, latent, ours.flat, 1, width, depth)
    critic = DenseEncoder(task.event, theirs.flat, 1, width, depth, octaves)
    players = Conditioned(ours, generator), Conditioned(theirs, critic)
    return GAN(task.event, *players, latent, objective, r1, r1_share, turns)


def gan_images(
    task: Task,
    *,
    latent: Count = 32,
    channels: Count = 24,
    halvings: Count = 2,
    blocks: Whole = 0,
    objective: Name = "nonsaturating",
    r1: NonNegative = 1.0,
    r1_share: Share = 0.25,
    turns: Count = 1,
) -> GAN:
    """Convolutional players."""
    ours, theirs = encoder(task.condition, task.event), encoder(task.condition, task.event)
    generator = ConvDecoder(task.event, latent, ours.flat, ours.everywhere, 1, channels, halvings, blocks)
    critic = ConvEncoder(task.event, theirs.everywhere, 1, channels, halvings, blocks)
    players = Conditioned(ours, generator), Conditioned(theirs, critic)
    return GAN(task.event, *players, latent, objective, r1, r1_share, turns)
