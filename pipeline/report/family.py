"""The family column of the tables."""

from __future__ import annotations

TWO_DIMENSIONAL = frozenset({"vae", "vae_half", "vae_quarter", "vae_eighth"})
"""Models of images whose latent code has two dimensions, as in the paper's figures. It costs them likelihood, so their
rows say so: other models of the family are better."""


def label(model: str, family: str, images: bool) -> str:
    """What the family column says of a model.

    Args:
        model: its name in params.yaml.
        family: its family there.
        images: whether the table is of a task of images.
    """
    return f"{family} (2-D code)" if images and model in TWO_DIMENSIONAL else family
