"""What the family column of a table says of a model. Imports nothing, for the terminal's sake."""

from __future__ import annotations

CONTROLS = {
    "oracle": "ceiling: the truth",
    "real": "ceiling: held-out data",
    "copycat": "copies the training set",
    "collapsed": "floor: one mode",
    "noise": "floor: uniform",
    "marginal": "floor: independent pixels",
}
NEAREST = {"real": "held-out item of the nearest condition", "copycat": "training item of the nearest condition"}
"""What the controls are on a task whose conditions are not shared by several items."""
TWO_DIMENSIONAL = frozenset({"vae", "vae_half", "vae_quarter", "vae_eighth"})
"""Models of images whose latent code has two dimensions, as in the paper's figures. It costs them likelihood, so their
rows say so: other models of the family are better."""


def family_label(model: str, family: str, images: bool) -> str:
    """What the family column says of a model.

    Args:
        model: its name in params.yaml.
        family: its family there.
        images: whether the table is of a task of images.
    """
    return f"{family} (2-D code)" if images and model in TWO_DIMENSIONAL else family


def control_label(model: str, shared: bool) -> str:
    """`shared`: whether several items of the task have one condition."""
    return (CONTROLS if shared else CONTROLS | NEAREST).get(model, "control")
