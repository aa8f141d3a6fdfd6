"""EMNIST: handwritten digits and letters of NIST's Special Database 19 (Cohen et al. 2017, arXiv:1702.05373).

28x28, gray, in MNIST's format but transposed; here they stand upright. Its six splits differ in which characters they
hold and how evenly: `balanced` has 47 classes alike, `byclass` all 62, `bymerge` joins letters whose cases look alike,
`letters` joins all cases, `digits` and `mnist` are digits only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.frame import Levels, View
from pipeline.data.vision import idx, official, stored
from pipeline.data.vision.official import Labelled, Official
from pipeline.params import Count

FOLDER = "EMNIST/raw"
CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "letters": 26, "digits": 10, "mnist": 10}
FIRST = {"letters": 1}  # its labels count from 1


def files(split: str) -> tuple[str, ...]:
    """Images and labels of the training part, then of the test part."""
    rests = ("images-idx3", "labels-idx1")
    return tuple(f"emnist-{split}-{part}-{rest}-ubyte" for part in ("train", "test") for rest in rests)


def emnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    split: Literal["balanced", "byclass", "bymerge", "letters", "digits", "mnist"] = "balanced",
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """One of the six splits, from `data_root`/EMNIST/raw.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    folder, names = data_root / FOLDER, files(split)
    stored.present(folder, names, stored.downloadable("emnist", data_root))
    train, test = (_upright(folder / names[at], folder / names[at + 1], split) for at in (0, 2))
    source = Official(f"emnist's {split}", train, test, CLASSES[split])
    return official.dataset(source, sizes, seed, condition, View(side, crop, levels))


def _upright(images: Path, labels: Path, split: str) -> Labelled:
    x, label = idx.pair(images, labels, CLASSES[split], FIRST.get(split, 0))
    return Labelled(x.swapaxes(2, 3), label)
