"""SVHN: cropped digits of house numbers (Netzer et al. 2011), 32x32, RGB, 10 classes, 73,257 + 26,032 images.

Matlab files (format 5): X (32, 32, 3, N) uint8 and y (N, 1), in which 10 stands for the digit 0. The 531,131 easier
images of `extra` are not used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.data.vision import stored
from pipeline.data.vision.official import Labelled, Official
from pipeline.data.vision.standard import colour

CLASSES = 10
FILES = ("train_32x32.mat", "test_32x32.mat")
SHAPE = (32, 32, 3)


@colour
def svhn(data_root: Path) -> Official:
    """The digit in the middle is the class; from `data_root` itself, where torchvision puts the two files."""
    stored.present(data_root, FILES, stored.downloadable("svhn", data_root))
    train, test = (_matlab(data_root / name) for name in FILES)
    return Official("svhn", train, test, CLASSES)


def _matlab(path: Path) -> Labelled:
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=("X", "y"))
        x, y = np.asarray(found["X"]), np.asarray(found["y"]).reshape(-1)
    except Exception as error:  # what scipy raises on damaged files is any of a dozen
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise stored.damaged(path, f"it is no Matlab file of X and y ({why})") from None
    if x.dtype != np.uint8 or x.shape != (*SHAPE, len(y)) or y.dtype.kind not in "iu" or not len(y):
        raise stored.damaged(path, f"X is {x.dtype} {x.shape}, y {y.dtype} {y.shape}")
    if y.min() < 1 or y.max() > CLASSES:
        raise stored.damaged(path, f"it holds labels {y.min()} to {y.max()}, not 1 to {CLASSES}")
    return Labelled(np.ascontiguousarray(x.transpose(3, 2, 0, 1)), y.astype(np.int64) % CLASSES)
