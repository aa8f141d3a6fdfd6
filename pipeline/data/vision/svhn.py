"""SVHN: cropped digits of house numbers (Netzer et al. 2011), 32x32, RGB, 10 classes, 73,257 + 26,032 images.

Matlab files (format 5): X (32, 32, 3, N) uint8 and y (N, 1), in which 10 stands for the digit 0. The 531,131 easier
images of `extra` are not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.frame import Levels, View
from pipeline.data.vision import official, stored
from pipeline.data.vision.official import Labelled, Official
from pipeline.params import Count

CLASSES = 10
FILES = ("train_32x32.mat", "test_32x32.mat")
SHAPE = (32, 32, 3)


def svhn(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class", "grayscale"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """The digit in the middle is the class, from `data_root` itself, where torchvision puts the two files.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    stored.present(data_root, FILES, stored.downloadable("svhn", data_root))
    train, test = (_matlab(data_root / name) for name in FILES)
    return official.dataset(Official("svhn", train, test, CLASSES), sizes, seed, condition, View(side, crop, levels))


def _matlab(path: Path) -> Labelled:
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=("X", "y"))
        x, y = np.asarray(found["X"]), np.asarray(found["y"]).reshape(-1)
    except Exception:  # what scipy raises on damaged files is any of a dozen
        raise stored.damaged(path, "it is no Matlab file of X and y") from None
    if x.dtype != np.uint8 or x.shape != (*SHAPE, len(y)) or y.dtype.kind not in "iu" or not len(y):
        raise stored.damaged(path, f"X is {x.dtype} {x.shape}, y {y.dtype} {y.shape}")
    if y.min() < 1 or y.max() > CLASSES:
        raise stored.damaged(path, f"it holds labels {y.min()} to {y.max()}, not 1 to {CLASSES}")
    return Labelled(np.ascontiguousarray(x.transpose(3, 2, 0, 1)), y.astype(np.int64) % CLASSES)
