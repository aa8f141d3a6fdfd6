"""Where networks meet the VAE family."""

from __future__ import annotations

from torch import nn

from pipeline.contract import Event, Task
from pipeline.distributions.likelihood import Likelihood, likelihood
from pipeline.families.vae.hierarchical import HierarchicalVAE
from pipeline.families.vae.networks.encoder_decoder import (
    ConvDecoder,
    ConvEncoder,
    DenseDecoder,
    DenseEncoder,
    GridDecoder,
    GridEncoder,
    SymbolNetwork,
)
from pipeline.families.vae.networks.top_down import ConvLadder, DenseLadder
from pipeline.families.vae.vae import IWAE, VAE
from pipeline.families.vae.vq_vae import VQVAE
from pipeline.networks.condition import encoder
from pipeline.params import Count, Fraction, NonNegative, Positive, Whole

__all__ = [
    "beta_vae",
    "conv_vae_images",
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
    """beta-VAE, whose rate is dearer in training; its scores use beta = 1 (Higgins et al. 2017).

    Equation: max E_q(z|x,c)[log p(x | z, c)] − β KL(q(z | x, c) ‖ N(0, I))
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
) -> VAE:
    """Variational autoencoder, convolutional (Kingma & Welling 2014, arXiv:1312.6114).

    Equation: log p(x | c) ≥ E_q(z|x,c)[log p(x | z, c)] − KL(q(z | x, c) ‖ N(0, I))
    """
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
    """Ladder VAE, fully connected, with half the codes at each layer up (Sønderby et al. 2016, arXiv:1602.02282).

    Equation: log p(x | c) ≥ E_q[log p(x | z, c)] − Σ_l KL(q(z_l | z_>l, x, c) ‖ p(z_l | z_>l, c))
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    latents = [max(1, latent >> i) for i in reversed(range(layers))]
    ladder = DenseLadder(
        task.event, condition.flat, px.width, latents=latents, width=width, octaves=octaves, dropout=dropout
    )
    return HierarchicalVAE(task.event, condition, ladder, px, free)


def hierarchical_vae_images(
    task: Task,
    *,
    latent: Count = 4,
    channels: Count = 32,
    halvings: Count = 2,
    blocks: Whole = 1,
    dropout: Fraction = 0.25,
    free: NonNegative = 1.0,
) -> HierarchicalVAE:
    """Ladder VAE, convolutional, with codes at every resolution (Sønderby et al. 2016, arXiv:1602.02282).

    Equation: log p(x | c) ≥ E_q[log p(x | z, c)] − Σ_l KL(q(z_l | z_>l, x, c) ‖ p(z_l | z_>l, c))
    """
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    ladder = ConvLadder(
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
    return HierarchicalVAE(task.event, condition, ladder, px, free)


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
    """What a VAE is made of, fully connected."""
    condition, px = encoder(task.condition, task.event), likelihood(task.event)
    encode = DenseEncoder(task.event, condition.flat, 2 * latent, width, depth, octaves, dropout)
    decode = DenseDecoder(task.event, latent, condition.flat, px.width, width, depth, dropout, condition.maps)
    return task.event, condition, encode, decode, px, latent
