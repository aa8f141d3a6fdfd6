"""A folder of PNG files, one image a file, in the natural order of the names: 2.png before 10.png.

Each header is checked before its pixels are read. Only PNG: JPEG, and WebP as it is mostly written, lose what is hardly
visible but what a feature extractor responds to: the Fréchet distance of real images to themselves is then not 0
(Parmar et al. 2022, On aliased resizing and surprising subtleties in GAN evaluation, arXiv:2104.11222).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.contract import Event
from pipeline.data.image_files import UNREADABLE, check_bit_depth
from pipeline.errors import UserError

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
LOSSY = "JPEG is lossy: it alters the pixels, and with them the Fréchet distance; save the samples as PNG or npz"
MODES = {1: "L", 3: "RGB"}
"""Channels -> the mode of a PNG: 8 bits of grey, or of each colour."""


def list_pngs(folder: Path, other: Sequence[str] = ()) -> list[Path]:
    """The PNG files of a flat folder in natural order; hidden files and those named in `other` are skipped.

    Raises:
        UserError: there is none, a file is something else, or a link leaves the folder.
    """
    root, found = folder.resolve(), []
    for path in sorted(folder.iterdir(), key=lambda path: _natural_key(path.name)):
        if path.name.startswith("."):
            continue
        if not path.resolve().is_relative_to(root):
            raise UserError(f"{path} is a link that leaves the folder: put the file itself there")
        if path.suffix.lower() in JPEG:
            raise UserError(f"{path}: {LOSSY}")
        if path.suffix.lower() == ".png" and path.is_file():
            found.append(path)
        elif path.name not in other:
            raise UserError(f"{path} is no PNG file: a folder of samples holds PNG files, {' and '.join(other)} only")
    if not found:
        raise UserError(f"{folder} holds no PNG file: give a folder of PNG files, an .npz, an .npy or a .safetensors")
    return found


def describe_order(paths: Sequence[Path]) -> str:
    """One sentence on the order of the files if it is not the alphabetical one; else empty."""
    alphabetical = sorted(paths, key=lambda path: path.name)
    if alphabetical == list(paths):
        return ""
    place = next(k for k, (path, other) in enumerate(zip(paths, alphabetical, strict=True)) if path != other)
    return (
        f"numbers in names count as numbers: file {place + 1} is {paths[place].name}, and not "
        f"{alphabetical[place].name} as in the order of the letters"
    )


def read_pngs(paths: Sequence[Path], event: Event) -> NDArray[np.uint8]:
    """(N, C, H, W) values from 0 to 255.

    Raises:
        UserError: a file is damaged, a JPEG by another name, or of another size or mode than the event's.
    """
    if event.levels is None:
        raise UserError(f"{paths[0]} is an image, and the task is one of points: give an .npz or .npy of shape (N, 2)")
    return np.stack([_read_png(path, event) for path in paths])


def _read_png(path: Path, event: Event) -> NDArray[np.uint8]:
    """(C, H, W)."""
    channels, height, width = event.shape
    with path.open("rb") as file:
        if file.read(3) == b"\xff\xd8\xff":
            raise UserError(f"{path} is a JPEG by another name. {LOSSY}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, and a size that is refused below
            with Image.open(path, formats=("PNG",)) as image:
                check_bit_depth(path, image)
                if (image.size, image.mode) != ((width, height), MODES.get(channels)):
                    raise UserError(
                        f"{path} is {image.width} x {image.height} of mode {image.mode}: the task takes "
                        f"{width} x {height} of mode {MODES.get(channels)}, 8 bits a channel and no transparency"
                    )
                levels = np.asarray(image, np.uint8).reshape(height, width, channels)
    except (Image.DecompressionBombError, *UNREADABLE):
        raise UserError(f"{path} cannot be read as a PNG: write it again") from None
    return np.moveaxis(levels, -1, 0)


def _natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """A sort key that compares runs of digits as numbers."""
    parts = re.findall(r"(\D*)(\d*)", name)
    return [(text, int(digits or -1)) for text, digits in parts], name
