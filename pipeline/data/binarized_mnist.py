"""Binarized MNIST, on which papers report likelihoods in nats. Static and dynamic are two datasets: numbers on one do
not compare with numbers on the other, and the same model reads several nats better on the dynamic one.

static     one fixed draw (Larochelle & Murray 2011, from the probabilities of Salakhutdinov & Murray 2008):
           50,000 + 10,000 + 10,000 images as text, 784 zeros or ones a line
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
from pipeline.data import official_splits
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.torchvision_datasets import SIDE, check_files, damaged, mnist, unreadable
from pipeline.params import Count

FOLDER = "binarized_mnist"
FILES = tuple(f"binarized_mnist_{part}.amat" for part in ("train", "valid", "test"))
ADDRESS = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
FULL = 255  # the intensity that is always drawn as 1


def static_mnist(sizes: Sizes, seed: int, *, data_root: Path) -> Dataset:
    """Its own three splits, from `data_root`/binarized_mnist; the files hold no labels.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    folder = data_root / FOLDER
    check_files(folder, dict.fromkeys(FILES), f"put them there by hand, from {ADDRESS}")
    images = dict(zip(SPLITS, (_read_text(folder / name) for name in FILES), strict=True))
    rows = official_splits.draw_rows("static_mnist", Sizes(*map(len, images.values())), sizes, seed)
    splits = {split: official_splits.make_split(images[split][rows[split]], None, "none", 2) for split in SPLITS}
    return official_splits.make_dataset(splits, "none", levels=2, classes=0)


def dynamic_mnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
) -> Dataset:
    """The images of `mnist` as probabilities; the training split holds them (`intensity`) and one draw of them (`x`).

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    source = mnist(sizes, seed, data_root=data_root, condition=condition, side=side, crop=crop)
    streams = np.random.default_rng(seed).spawn(2 + len(SPLITS))[2:]  # the first two chose the images
    splits = {
        name: replace(source.splits[name], x=_draw(source.splits[name].x, rng))
        for name, rng in zip(SPLITS, streams, strict=True)
    }
    splits["train"] = replace(splits["train"], intensity=source.splits["train"].x)
    return replace(source, event=Event(source.event.shape, levels=2), splits=splits)


def _draw(intensity: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return (rng.integers(FULL, size=intensity.shape, dtype=np.uint8) < intensity).astype(np.uint8)


def _read_text(path: Path) -> NDArray[np.uint8]:
    """Lines of 784 digits 0 or 1 with spaces between -> (N, 1, 28, 28)."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    digits = np.frombuffer(text.translate(None, b" \t\r\n"), np.uint8) - ord("0")
    if not digits.size or digits.size % SIDE**2 or digits.max() > 1:
        raise damaged(path, f"it does not hold images of {SIDE**2} zeros or ones each")
    return digits.reshape(-1, 1, SIDE, SIDE)
