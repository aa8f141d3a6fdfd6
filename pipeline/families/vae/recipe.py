"""Where networks meet the VAE family."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.families.likelihood import likelihood
from pipeline.families.vae.vae import VAE
from pipeline.networks.code import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from pipeline.networks.condition import encoder
from pipeline.params import Count, NonNegative, Whole

__all__ = ["conv_vae_images", "vae"]


def vae(
    task: Task,
    *,
    latent: Count = 8,
    width: Count = 256,
    depth: Count = 2,
    octaves: Whole = 1,
    beta: NonNegative = 1.0,
    free: NonNegative = 0.0,
) -> VAE:
    """Fully connected encoder and decoder."""
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    encode = DenseEncoder(task.event, condition.flat, 2 * latent, width, depth, octaves)
    decode = DenseDecoder(task.event, latent, condition.flat, px.width, width, depth)
    return VAE(task.event, condition, encode, decode, px, latent, beta, free)


def conv_vae_images(
    task: Task,
    *,
    latent: Count = 16,
    channels: Count = 32,
    halvings: Count = 2,
    blocks: Whole = 1,
    beta: NonNegative = 1.0,
    free: NonNegative = 0.0,
) -> VAE:
    """Convolutional encoder and decoder."""
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    encode = ConvEncoder(task.event, condition.everywhere, 2 * latent, channels, halvings, blocks)
    decode = ConvDecoder(task.event, latent, condition.flat, condition.everywhere, px.width, channels, halvings, blocks)
    return VAE(task.event, condition, encode, decode, px, latent, beta, free)
