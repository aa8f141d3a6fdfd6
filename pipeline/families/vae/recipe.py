"""Recipes of the VAE family: each builds a model from its networks."""

from __future__ import annotations

from typing import Literal

from torch import nn

from pipeline.contract import Event, Task
from pipeline.distributions.likelihood import Likelihood, likelihood
from pipeline.families.vae.hierarchical import HierarchicalVAE, TopDownNetwork
from pipeline.families.vae.networks.encoder_decoder import (
    ConvDecoder,
    ConvEncoder,
    DenseDecoder,
    DenseEncoder,
    GridDecoder,
    GridEncoder,
    SymbolNetwork,
)
from pipeline.families.vae.networks.strided import StridedDecoder, StridedEncoder
from pipeline.families.vae.networks.top_down import ConvTopDown, DenseTopDown
from pipeline.families.vae.networks.very_deep import VeryDeepTopDown
from pipeline.families.vae.vae import IWAE, VAE
from pipeline.families.vae.vq_vae import VQVAE
from pipeline.networks.condition import encoder
from pipeline.networks.layers import check_halvings
from pipeline.params import Count, Fraction, NonNegative, Positive, Whole

__all__ = [
    "beta_vae",
    "conv_vae_images",
    "conv_vae_sequences",
    "hierarchical_vae_images",
    "hierarchical_vae_points",
    "iwae",
    "vae",
    "vq_vae_images",
]


def vae(
    task: Task,
    *,
    latent: Count = 2,
    width: Count = 256,
    depth: Count = 1,
    octaves: Whole = 0,
    dropout: Fraction = 0.0,
    free: NonNegative = 0.0,
) -> VAE:
    """Variational autoencoder, fully connected, of one hidden layer (Kingma & Welling 2014, arXiv:1312.6114).

    Equation: log p(x | c) ≥ E_q(z|x,c)[log p(x | z, c)] − KL(q(z | x, c) ‖ N(0, I))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of encoder and decoder, from 1.
        depth: hidden layers of encoder and decoder each, from 1.
        octaves: octaves of Fourier features of each of the encoder's inputs: sines and cosines at as many frequencies,
            each twice the one before; from 0, which adds none.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        free: nats of each latent's rate that cost nothing in training (free bits), from 0.
    """
    return VAE(*_dense(task, latent, width, depth, octaves, dropout), free=free)


def beta_vae(
    task: Task,
    *,
    latent: Count = 16,
    width: Count = 256,
    depth: Count = 2,
    octaves: Whole = 0,
    dropout: Fraction = 0.2,
    beta: NonNegative = 4.0,
) -> VAE:
    """beta-VAE: the rate has a weight in training; scores use a weight of 1 (Higgins et al. 2017).

    Equation: max E_q(z|x,c)[log p(x | z, c)] − β KL(q(z | x, c) ‖ N(0, I))

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of encoder and decoder, from 1.
        depth: hidden layers of encoder and decoder each, from 1.
        octaves: octaves of Fourier features of each of the encoder's inputs: sines and cosines at as many frequencies,
            each twice the one before; from 0, which adds none.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        beta: weight β of the rate in training, from 0.
    """
    return VAE(*_dense(task, latent, width, depth, octaves, dropout), beta=beta)


def iwae(
    task: Task,
    *,
    latent: Count = 16,
    width: Count = 512,
    depth: Count = 2,
    octaves: Whole = 0,
    dropout: Fraction = 0.2,
    draws: Count = 8,
) -> IWAE:
    """Importance weighted autoencoder, trained on IWAE-`draws` (Burda, Grosse & Salakhutdinov 2015, arXiv:1509.00519).

    Equation: log p(x | c) ≥ E log (1/k) Σᵢ p(x | zᵢ, c) p(zᵢ) / q(zᵢ | x, c),  zᵢ ~ q(z | x, c)

    Args:
        latent: dimensions of z, from 1.
        width: units of each hidden layer of encoder and decoder, from 1.
        depth: hidden layers of encoder and decoder each, from 1.
        octaves: octaves of Fourier features of each of the encoder's inputs: sines and cosines at as many frequencies,
            each twice the one before; from 0, which adds none.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        draws: importance samples k of the training bound, from 1.
    """
    return IWAE(*_dense(task, latent, width, depth, octaves, dropout), draws=draws)


def conv_vae_images(
    task: Task,
    *,
    latent: Count = 16,
    channels: Count = 32,
    halvings: Count = 2,
    blocks: Whole = 1,
    dropout: Fraction = 0.1,
    free: NonNegative = 0.5,
    network: Literal["residual", "strided"] = "residual",
    kernel: Count = 4,
) -> VAE:
    """Variational autoencoder, convolutional (Kingma & Welling 2014, arXiv:1312.6114).

    Equation: log p(x | c) ≥ E_q(z|x,c)[log p(x | z, c)] − KL(q(z | x, c) ‖ N(0, I))

    Args:
        latent: dimensions of z, from 1.
        channels: feature maps at full size, from 1; doubled at each halving.
        halvings: how often the height and width are halved, from 1; both must be divisible.
        blocks: residual blocks at each size, from 0.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        free: nats of each latent's rate that cost nothing in training (free bits), from 0.
        network: "residual", or "strided" convolutions with batch normalisation, whose decoder starts at 8 x 8, without
            `blocks` and `dropout`; `channels` is then the feature maps after the first halving.
        kernel: height and width in pixels of the strided convolutions, from 4.
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    encode: nn.Module
    decode: nn.Module
    if network == "strided":
        sizes = channels, halvings, kernel
        encode = StridedEncoder(task.event, condition.everywhere, 2 * latent, *sizes)
        decode = StridedDecoder(task.event, latent, condition.flat, condition.everywhere, px.width, *sizes)
        return VAE(task.event, condition, encode, decode, px, latent, free=free)
    shape = channels, halvings, blocks, dropout
    encode = ConvEncoder(task.event, condition.everywhere, 2 * latent, *shape)
    decode = ConvDecoder(task.event, latent, condition.flat, condition.everywhere, px.width, *shape)
    return VAE(task.event, condition, encode, decode, px, latent, free=free)


def conv_vae_sequences(
    task: Task,
    *,
    latent: Count = 16,
    channels: Count = 16,
    halvings: Count = 2,
    blocks: Whole = 1,
    dropout: Fraction = 0.0,
    free: NonNegative = 0.0,
) -> VAE:
    """Variational autoencoder, convolutional in one dimension (Kingma & Welling 2014, arXiv:1312.6114).

    Equation: log p(x | c) ≥ E_q(z|x,c)[log p(x | z, c)] − KL(q(z | x, c) ‖ N(0, I))

    Args:
        latent: dimensions of z, from 1.
        channels: feature maps at full length, from 1; doubled at each halving.
        halvings: how often the length is halved, from 1; it must be divisible.
        blocks: residual blocks at each length, from 0.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        free: nats of each latent's rate that cost nothing in training (free bits), from 0.
    """
    check_halvings(task.event.shape[1:], halvings)
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    shape = channels, halvings, blocks, dropout
    encode = ConvEncoder(task.event, condition.everywhere, 2 * latent, *shape)
    decode = ConvDecoder(task.event, latent, condition.flat, condition.everywhere, px.width, *shape)
    return VAE(task.event, condition, encode, decode, px, latent, free=free)


def hierarchical_vae_points(
    task: Task,
    *,
    latent: Count = 4,
    layers: Count = 2,
    width: Count = 128,
    octaves: Whole = 2,
    dropout: Fraction = 0.0,
    free: NonNegative = 0.1,
) -> HierarchicalVAE:
    """Ladder VAE, fully connected: each layer has half the latents of the one below (Sønderby et al. 2016,
    arXiv:1602.02282).

    Equation: log p(x | c) ≥ E_q[log p(x | z, c)] − Σ_l KL(q(z_l | z_>l, x, c) ‖ p(z_l | z_>l, c))

    Args:
        latent: dimensions of the lowest z, from 1; each layer above has half as many, at least 1.
        layers: layers of latents, from 1.
        width: features between the layers, from 1.
        octaves: octaves of Fourier features of each of the encoder's inputs: sines and cosines at as many frequencies,
            each twice the one before; from 0, which adds none.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        free: nats of each latent dimension's rate that cost nothing in training (free bits), from 0.
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    latents = [max(1, latent >> i) for i in reversed(range(layers))]
    network = DenseTopDown(
        task.event, condition.flat, px.width, latents=latents, width=width, octaves=octaves, dropout=dropout
    )
    return HierarchicalVAE(task.event, condition, network, px, free)


def hierarchical_vae_images(
    task: Task,
    *,
    latent: Count = 4,
    channels: Count = 32,
    halvings: Count = 2,
    blocks: Whole = 1,
    dropout: Fraction = 0.25,
    free: NonNegative = 1.0,
    depths: tuple[Count, ...] = (),
    encoder_depths: tuple[Count, ...] = (),
) -> HierarchicalVAE:
    """Ladder VAE, convolutional, with latents at every resolution (Sønderby et al. 2016, arXiv:1602.02282).

    Equation: log p(x | c) ≥ E_q[log p(x | z, c)] − Σ_l KL(q(z_l | z_>l, x, c) ‖ p(z_l | z_>l, c))

    Args:
        latent: channels of z at each resolution, from 1.
        channels: feature maps at every resolution, from 1.
        halvings: how often the height and width are halved, from 1; there is a z at each size.
        blocks: residual blocks at each size in each direction, from 0.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        free: nats of the rate of each value of z that cost nothing in training (free bits), from 0.
        depths: layers of latents at each size, finest first and the last of one place, each from 1: the very deep VAE
            (Child 2021, arXiv:2011.10650), without `halvings`, `blocks` and `dropout`; none by default, which is the
            ladder VAE with one layer at each size.
        encoder_depths: blocks of the very deep VAE's bottom-up pass at each of these sizes, each from 1.
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    network: TopDownNetwork
    if depths:
        network = VeryDeepTopDown(
            task.event,
            condition.flat,
            condition.everywhere,
            px.width,
            latent=latent,
            channels=channels,
            depths=depths,
            encoder_depths=encoder_depths,
        )
    else:
        network = ConvTopDown(
            task.event,
            condition.flat,
            condition.everywhere,
            px.width,
            latent=latent,
            channels=channels,
            halvings=halvings,
            blocks=blocks,
            dropout=dropout,
        )
    return HierarchicalVAE(task.event, condition, network, px, free)


def vq_vae_images(
    task: Task,
    *,
    codes: Count = 32,
    latent: Count = 8,
    channels: Count = 32,
    halvings: Count = 1,
    blocks: Whole = 0,
    dropout: Fraction = 0.1,
    width: Count = 64,
    commitment: Positive = 0.25,
) -> VQVAE:
    """Vector-quantised VAE with a learned prior (van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937).

    Equation: log p(x | c) ≥ log p(x | v_k(x), c) + Σ_i log p(k_i | k_<i, c),  k(x) = argminₖ |e(x) − vₖ|²

    Args:
        codes: vectors K of the codebook, from 1.
        latent: dimensions of each vector, from 1.
        channels: feature maps at full size, from 1; doubled at each halving.
        halvings: how often the height and width are halved, from 1; both must be divisible.
        blocks: residual blocks at each size, from 0.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        width: hidden units of the recurrent prior, from 1.
        commitment: weight of the commitment loss, β in the paper; above 0.
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    grid = (latent, task.event.shape[1] >> halvings, task.event.shape[2] >> halvings)
    shape = channels, halvings, blocks, dropout
    encode = GridEncoder(task.event, condition.everywhere, latent, *shape)
    decode = GridDecoder(task.event, latent, condition.everywhere, px.width, *shape)
    prior = SymbolNetwork(codes, grid[1] * grid[2], condition.flat, width, dropout)
    return VQVAE(task.event, condition, encode, decode, prior, px, size=codes, grid=grid, commitment=commitment)


def _dense(
    task: Task, latent: int, width: int, depth: int, octaves: int, dropout: float
) -> tuple[Event, nn.Module, nn.Module, nn.Module, Likelihood, int]:
    """The arguments of a fully connected VAE."""
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    encode = DenseEncoder(task.event, condition.flat, 2 * latent, width, depth, octaves, dropout)
    decode = DenseDecoder(task.event, latent, condition.flat, px.width, width, depth, dropout, condition.maps)
    return task.event, condition, encode, decode, px, latent
