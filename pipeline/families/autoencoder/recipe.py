"""Where networks meet the autoencoder family."""

from __future__ import annotations

from typing import Literal

from torch import nn

from pipeline.contract import Task
from pipeline.families.autoencoder.autoencoder import Autoencoder, Codes
from pipeline.families.autoencoder.networks import FunnelDecoder, FunnelEncoder, PoolingEncoder, UpsamplingDecoder
from pipeline.networks.condition import encoder
from pipeline.params import Count, NonNegative

__all__ = ["conv_autoencoder_images", "deep_sparse_autoencoder", "denoising_autoencoder", "dense_autoencoder"]


def dense_autoencoder(task: Task, *, latent: Count = 32, codes: Codes = "fitted") -> Autoencoder:
    """Autoencoder of one dense layer each way (Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647).

    Equation: min E |x − D(E(x, c), c)|²
    """
    return _dense(task, [latent], nn.Identity(), codes)


def deep_sparse_autoencoder(
    task: Task,
    *,
    width: Count = 128,
    latent: Count = 32,
    sparsity: NonNegative = 1e-4,
    codes: Codes = "fitted",
) -> Autoencoder:
    """Autoencoder of three layers each way, its code kept sparse (Olshausen & Field 1996, doi:10.1038/381607a0).

    Equation: min E |x − D(z, c)|² + λ |z|₁,  z = E(x, c) ≥ 0
    """
    return _dense(task, [width, max(width // 2, 1), latent], nn.ReLU(), codes, sparsity=sparsity)


def denoising_autoencoder(
    task: Task,
    *,
    width: Count = 256,
    latent: Count = 32,
    noise: NonNegative = 0.3,
    codes: Codes = "fitted",
) -> Autoencoder:
    """Denoising autoencoder: a corrupted input, a clean target (Vincent et al. 2008, doi:10.1145/1390156.1390294).

    Equation: min E |x − D(E(x + σ ε, c), c)|²,  ε ~ N(0, I)
    """
    return _dense(task, [width, latent], nn.Identity(), codes, noise=noise)


def conv_autoencoder_images(
    task: Task, *, channels: Count = 16, halvings: Literal[1, 2, 3] = 2, codes: Codes = "fitted"
) -> Autoencoder:
    """Convolutional autoencoder, with max pooling and upsampling (Masci et al. 2011, doi:10.1007/978-3-642-21735-7_7).

    Equation: min E |x − D(E(x, c), c)|²
    """
    condition, half = encoder(task.condition, task.event), max(channels // 2, 1)
    widths = [channels, half, half]
    encode = PoolingEncoder(task.event, condition.everywhere, widths, halvings, nn.Identity())
    decode = UpsamplingDecoder(task.event, condition.everywhere, widths, halvings)
    height, width = decode.shape[1:]
    return Autoencoder(task.event, condition, encode, decode, half * height * width, codes=codes)


def _dense(
    task: Task, sizes: list[int], code: nn.Module, codes: Codes, sparsity: float = 0.0, noise: float = 0.0
) -> Autoencoder:
    """Layers of `sizes` to the code, and the same way back."""
    condition = encoder(task.condition, task.event)
    encode = FunnelEncoder(task.event, condition.flat, sizes, code)
    decode = FunnelDecoder(task.event, condition.flat, sizes[::-1])
    return Autoencoder(task.event, condition, encode, decode, sizes[-1], codes=codes, sparsity=sparsity, noise=noise)
