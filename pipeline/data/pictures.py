"""Image files of the user, read with care: few formats, no decompression bombs, 8 bits, one kept frame.

Images, label maps, polygons and boxes are all cut to this frame, so that they stay on top of each other.
"""

from __future__ import annotations

import os
import struct
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.bit_depth import refuse_deep
from pipeline.data.frame import Frame, View
from pipeline.errors import UserError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # those that start no other program
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
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

    Folders that are symbolic links are followed. Files that are not read, for their ending, are counted on stderr.

    Raises:
        UserError: `root` is no folder, or there is no image in it.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: data_root must name a folder of images, <class>/<image>.png")
    visible = sorted(_visible(root))
    found = [name for name in visible if _is_image(name)]
    unread = [name for name in visible if not _is_image(name)]
    if not found:
        rest = f" ({unread_files(unread)})" if unread else ""
        raise UserError(f"{root} holds no image{rest}: data_root must hold files that end in {', '.join(SUFFIXES)}")
    if unread:
        print(f"{root}: {unread_files(unread)}; read are {', '.join(SUFFIXES)}", file=sys.stderr)
    return found


def unread_files(names: list[str]) -> str:
    """'3 files are not read (2 .heic, 1 without an ending), the first is cat/1.heic'."""
    endings = Counter(Path(name).suffix.lower() or "without an ending" for name in names)
    counts = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
    verb = "file is" if len(names) == 1 else "files are"
    return f"{len(names):,} {verb} not read ({counts}), the first is {names[0]}"


def read(root: Path, name: str, view: View, channels: int) -> Picture:
    """What `view` keeps of an image.

    Raises:
        UserError: as for `load`, or the image is smaller than the view's crop.
    """
    image = load(root / name)
    plain = image.convert("L" if channels == 1 else "RGB")
    return Picture(name, image.size, view.show(plain), view.frame(*image.size))


def load(path: Path) -> Image.Image:
    """The whole (first) image of a file, as it is stored.

    Raises:
        UserError: the file is missing, damaged, of another format, larger than Pillow's limit, or has more than 8 bits
            per channel.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata that is not used
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as image:
                refuse_deep(path, image)
                image.load()
                return image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            limit = f"{Image.MAX_IMAGE_PIXELS or 0:,} pixels"
            raise UserError(f"{path} is larger than {limit}; make it smaller or take it away") from None
        except FileNotFoundError:
            raise UserError(f"{path} is missing") from None
        except UNREADABLE:
            raise UserError(f"{path} cannot be read as an image ({', '.join(FORMATS)}); take it away") from None


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _visible(root: Path) -> Iterator[str]:
    """The files below `root`, also through links to folders; each folder once, so that a loop of links ends."""
    entered: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        place = Path(folder).relative_to(root)
        yield from ((place / name).as_posix() for name in names if not name.startswith("."))
