"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32, RGB, 50,000 + 10,000 photographs, from their binary versions.

A record is its labels, one byte each, and 3 x 32 x 32 bytes. CIFAR-10 has one label; CIFAR-100 has two, one of 20
coarse classes and one of 100 fine ones, of which the fine one is used. The Python versions are pickles, and opening a
pickle runs whatever code it holds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.data.vision import stored
from pipeline.data.vision.official import Labelled, Official
from pipeline.data.vision.standard import colour

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32  # bytes of one image; its labels come first
FOLDERS = {"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"}
TRAIN = {"cifar10": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "cifar100": ("train.bin",)}
TEST = {"cifar10": ("test_batch.bin",), "cifar100": ("test.bin",)}
LABELS = {"cifar10": (10,), "cifar100": (20, 100)}
"""How many classes each of a record's labels has; the last label is used."""


@colour
def cifar10(data_root: Path) -> Official:
    """10 classes of animals and vehicles, from `data_root`/cifar-10-batches-bin."""
    return _read("cifar10", data_root)


@colour
def cifar100(data_root: Path) -> Official:
    """100 fine classes, from `data_root`/cifar-100-binary."""
    return _read("cifar100", data_root)


def _read(name: str, data_root: Path) -> Official:
    """Raises `UserError` where a file is missing or damaged."""
    folder = data_root / FOLDERS[name]
    stored.present(folder, TRAIN[name] + TEST[name], stored.downloadable(name, data_root))
    train, test = (_records([folder / file for file in part[name]], LABELS[name]) for part in (TRAIN, TEST))
    return Official(name, train, test, LABELS[name][-1])


def _records(batches: list[Path], labels: tuple[int, ...]) -> Labelled:
    parts = []
    record = len(labels) + PIXELS
    for path in batches:
        data = stored.content(path)
        if not data or len(data) % record:
            raise stored.damaged(path, f"{len(data)} bytes are no whole number of records of {record}")
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, record))
        for place, count in enumerate(labels):
            stored.classes(parts[-1][:, place], count, path)
    records = np.concatenate(parts)  # (N, labels + 3 * 32 * 32)
    return Labelled(records[:, len(labels) :].reshape(-1, *SHAPE), records[:, len(labels) - 1].astype(np.int64))
