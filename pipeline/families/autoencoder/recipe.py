"""Where networks meet the autoencoder family."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.families.autoencoder.autoencoder import Autoencoder
from pipeline.networks.code import DenseDecoder, DenseEncoder
from pipeline.networks.condition import encoder
from pipeline.params import Count

__all__ = ["autoencoder"]


def autoencoder(task: Task, *, latent: Count = 16, width: Count = 128, depth: Count = 2) -> Autoencoder:
    """Fully connected encoder and decoder."""
    condition = encoder(task.condition, task.event)
    encode = DenseEncoder(task.event, condition.flat, latent, width, depth)
    decode = DenseDecoder(task.event, latent, condition.flat, 1, width, depth)
    return Autoencoder(task.event, condition, encode, decode, latent)
