"""Samples as files for people: a PNG for each image, a WAV for each sound, a csv for others, and an npz with both
samples and conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline import files
from pipeline.contract import Event
from pipeline.data import mu_law

Array = NDArray[Any]


def write(folder: Path, event: Event, x: Array, c: Array) -> None:
    """x as stored: images (N, C, H, W) -> 0000.png, ...; sound (N, C, T) -> 0000.wav, ...; other sequences, of which a
    row has the channels one after the other, and points (N, D) -> samples.csv. All -> samples.npz."""
    files.write_npz(folder / "samples.npz", {"x": x, "c": c})
    if event.kind == "images":
        _images(folder, eight_bits(x, event.grid))
    elif event.rate is not None and event.levels is not None:
        _sounds(folder, mu_law.decode(x, event.levels), event.rate)
    else:
        _table(folder / "samples.csv", x.reshape(len(x), -1))


def eight_bits(x: Array, levels: int) -> NDArray[np.uint8]:
    """Level 0 .. L-1 -> the nearest of 0 .. 255 on the same scale."""
    return np.rint(x * (255 / (levels - 1))).astype(np.uint8)


def _images(folder: Path, x: NDArray[np.uint8]) -> None:
    """In colour where there are three channels, else the first one in grey."""
    width = max(4, len(str(len(x) - 1)))
    for place, image in enumerate(x):
        pixels = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{place:0{width}d}.png")


def _sounds(folder: Path, x: NDArray[np.float32], rate: int) -> None:
    """Amplitudes (N, C, T) -> PCM of 16 bits."""
    from scipy.io import wavfile

    width = max(4, len(str(len(x) - 1)))
    for place, sound in enumerate(np.rint(32767 * x).astype(np.int16)):
        wavfile.write(folder / f"{place:0{width}d}.wav", rate, np.ascontiguousarray(sound.T))


def _table(path: Path, x: Array) -> None:
    header = ",".join(f"x{axis}" for axis in range(x.shape[1]))
    np.savetxt(
        path, x, fmt="%.9g", delimiter=",", header=header, comments="", encoding="utf-8"
    )  # 9 digits bring a float32 back
