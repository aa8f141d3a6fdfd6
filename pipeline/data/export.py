"""Samples as files for people: a PNG for each image, a csv for points, and an npz with both samples and conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline import files
from pipeline.contract import Event

Array = NDArray[Any]


def write(folder: Path, event: Event, x: Array, c: Array) -> None:
    """x as stored: levels uint8 (N, C, H, W) -> 0000.png, ...; points (N, D) -> samples.csv. Both -> samples.npz."""
    files.write_npz(folder / "samples.npz", {"x": x, "c": c})
    if event.levels is None:
        _points(folder / "samples.csv", x)
    else:
        _images(folder, eight_bits(x, event.levels))


def eight_bits(x: Array, levels: int) -> NDArray[np.uint8]:
    """Level 0 .. L-1 -> the nearest of 0 .. 255 on the same scale."""
    return np.rint(x * (255 / (levels - 1))).astype(np.uint8)


def _images(folder: Path, x: NDArray[np.uint8]) -> None:
    """In colour where there are three channels, else the first one in grey."""
    width = max(4, len(str(len(x) - 1)))
    for place, image in enumerate(x):
        pixels = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{place:0{width}d}.png")


def _points(path: Path, x: Array) -> None:
    header = ",".join(f"x{axis}" for axis in range(x.shape[1]))
    np.savetxt(
        path, x, fmt="%.9g", delimiter=",", header=header, comments="", encoding="utf-8"
    )  # 9 digits bring a float32 back
