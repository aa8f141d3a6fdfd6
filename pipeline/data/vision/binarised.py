"""Binarised MNIST, the yardstick of likelihoods in nats. Static and dynamic are two datasets: numbers of one do not
compare with numbers of the other, and the same model reads several nats better on the dynamic one.

static     one fixed draw, the same for everybody (Larochelle & Murray 2011, from the probabilities of Salakhutdinov &
           Murray 2008): 50,000 + 10,000 + 10,000 images as text, 784 zeros or ones a line
dynamic    P(pixel = 1) = intensity / 255, drawn anew for every training batch (Burda et al. 2015, arXiv:1509.00519);
           validation and test are drawn once, from the seed. What else looks at the training split, such as the
           control that copies it or the search for memorised items, sees one draw of it, from the seed too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Event
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.vision import official, stored
from pipeline.data.vision.mnist import mnist
from pipeline.params import Count

FOLDER = "binarized_mnist"
FILES = tuple(f"binarized_mnist_{part}.amat" for part in ("train", "valid", "test"))
ADDRESS = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
SIDE = 28
FULL = 255  # the intensity that is always drawn as 1


def static_mnist(sizes: Sizes, seed: int, *, data_root: Path) -> Dataset:
    """Its own three splits, from `data_root`/binarized_mnist; the files hold no labels.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    folder = data_root / FOLDER
    stored.present(folder, FILES, f"put them there by hand, from {ADDRESS}")
    images = dict(zip(SPLITS, (_text(folder / name) for name in FILES), strict=True))
    rows = official.parts("static_mnist", Sizes(*map(len, images.values())), sizes, seed)
    splits = {split: official.told(images[split][rows[split]], None, "none", 2) for split in SPLITS}
    return official.described(splits, "none", levels=2, classes=0)


def dynamic_mnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
) -> Dataset:
    """The images of `mnist` as probabilities; the training split keeps them beside its one draw.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    source = mnist(sizes, seed, data_root=data_root, condition=condition, side=side, crop=crop)
    streams = np.random.default_rng(seed).spawn(2 + len(SPLITS))[2:]  # the first two chose the images
    splits = {
        name: replace(source.splits[name], x=_drawn(source.splits[name].x, rng))
        for name, rng in zip(SPLITS, streams, strict=True)
    }
    splits["train"] = replace(splits["train"], intensity=source.splits["train"].x)
    return replace(source, event=Event(source.event.shape, levels=2), splits=splits)


def _drawn(intensity: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return (rng.integers(FULL, size=intensity.shape, dtype=np.uint8) < intensity).astype(np.uint8)


def _text(path: Path) -> NDArray[np.uint8]:
    """Lines of 784 digits 0 or 1 with spaces between -> (N, 1, 28, 28)."""
    digits = np.frombuffer(stored.content(path).translate(None, b" \t\r\n"), np.uint8) - ord("0")
    if not digits.size or digits.size % SIDE**2 or digits.max() > 1:
        raise stored.damaged(path, f"it does not hold images of {SIDE**2} zeros or ones each")
    return digits.reshape(-1, 1, SIDE, SIDE)
