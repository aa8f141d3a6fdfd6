"""Image files of the user, read with care: few formats, no decompression bombs, 8 bits, one kept frame.

Images, label maps, polygons and boxes are all cut to this frame, so that they stay on top of each other.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.frame import Frame, View
from pipeline.errors import UserError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # those that start no other program
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
DEEP = ("F", "I")  # modes of more than 8 bits: Pillow would clip them
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what Pillow raises on damaged files


class Picture(NamedTuple):
    """An image of a dataset: `name` is its path below the root, `size` its (width, height) as stored."""

    name: str
    size: tuple[int, int]
    x: NDArray[np.uint8]
    """(C, H, W): what is kept, in 256 levels."""
    frame: Frame
    """Where that is in the image."""


def names(root: Path) -> list[str]:
    """The images below `root`, hidden ones left out, as sorted relative paths.

    Raises:
        UserError: `root` is no folder, or there is no image in it.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: data_root must name a folder of images, <class>/<image>.png")
    found = sorted(_visible(root))
    if not found:
        raise UserError(f"{root} holds no image: data_root must hold files that end in {', '.join(SUFFIXES)}")
    return found


def read(root: Path, name: str, view: View, channels: int) -> Picture:
    """What `view` keeps of an image.

    Raises:
        UserError: the file is no image that can be read, is smaller than the view's crop, or has more than 8 bits per
            channel.
    """
    image = load(root / name)
    if image.mode.startswith(DEEP):
        raise UserError(f"{root / name} has more than 8 bits per channel (mode {image.mode}); convert it to 8")
    plain = image.convert("L" if channels == 1 else "RGB")
    return Picture(name, image.size, view.show(plain), view.frame(*image.size))


def load(path: Path) -> Image.Image:
    """The whole (first) image of a file, as it is stored.

    Raises:
        UserError: the file is missing, damaged, of another format or larger than Pillow's limit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata that is not used
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as image:
                image.load()
                return image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            limit = f"{Image.MAX_IMAGE_PIXELS or 0:,} pixels"
            raise UserError(f"{path} is larger than {limit}; make it smaller or take it away") from None
        except FileNotFoundError:
            raise UserError(f"{path} is missing") from None
        except UNREADABLE:
            raise UserError(f"{path} cannot be read as an image ({', '.join(FORMATS)}); take it away") from None


def _visible(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        name = path.relative_to(root)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield name.as_posix()
