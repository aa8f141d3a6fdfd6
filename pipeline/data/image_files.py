"""Image files: a few formats, no decompression bombs, 8 bits per channel."""

from __future__ import annotations

import os
import struct
import sys
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.image_transform import Frame, ImageTransform
from pipeline.errors import UserError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # those that start no other program
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what Pillow raises on damaged files
PNG_DEPTH = 24
"""Offset of the bit depth in a PNG, in its first chunk (IHDR)."""
TIFF_DEPTHS = 258
"""Number of the TIFF tag BitsPerSample."""
PPM_HEADER = 4096
"""Bytes of a PPM that are searched for its largest value."""
THREADS = min(8, os.cpu_count() or 1)
"""That decode images; Pillow holds no lock meanwhile."""
WAITING = 4 * THREADS
"""Decoded images that wait to be taken, at most."""


class SourceImage(NamedTuple):
    """An image of a dataset: `name` is its path below the root, `size` its (width, height) as stored."""

    name: str
    size: tuple[int, int]
    x: NDArray[np.uint8]
    """(C, H, W): cropped and resized, in 256 levels."""
    frame: Frame
    """The part of the stored image that x shows; label maps, polygons and boxes are cut to it."""


def list_images(root: Path) -> list[str]:
    """The images below `root` as sorted relative paths; hidden ones are left out, links to folders are followed.

    Files of other endings are counted on stderr.

    Raises:
        UserError: `root` is no folder, or there is no image in it.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: data_root must name a folder of images, <class>/<image>.png")
    visible = sorted(_walk(root))
    found = [name for name in visible if Path(name).suffix.lower() in SUFFIXES]
    skipped = sorted(set(visible) - set(found))
    if not found:
        rest = f" ({_count_by_suffix(skipped)})" if skipped else ""
        raise UserError(f"{root} holds no image{rest}: data_root must hold files that end in {', '.join(SUFFIXES)}")
    if skipped:
        print(f"{root}: {_count_by_suffix(skipped)}; read are {', '.join(SUFFIXES)}", file=sys.stderr)
    return found


def read_image(root: Path, name: str, transform: ImageTransform, channels: int) -> SourceImage:
    """Read, crop and resize an image.

    Raises:
        UserError: as for `load_image`, or the image is smaller than the crop.
    """
    with _image_warnings():
        return _read(root, name, transform, channels)


def read_images(root: Path, names: Iterable[str], transform: ImageTransform, channels: int) -> Iterator[SourceImage]:
    """As `read_image`, one after the other; several threads decode those that come next.

    Raises:
        UserError: as for `read_image`, of the first such image.
    """
    waiting: deque[Future[SourceImage]] = deque()
    with _image_warnings(), ThreadPoolExecutor(THREADS, "decode") as pool:
        for name in names:
            waiting.append(pool.submit(_read, root, name, transform, channels))
            if len(waiting) > WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(root: Path, name: str, transform: ImageTransform, channels: int) -> SourceImage:
    image = _load(root / name)
    plain = image.convert("L" if channels == 1 else "RGB")
    return SourceImage(name, image.size, transform.resize(plain), transform.frame(*image.size))


def load_image(path: Path) -> Image.Image:
    """The whole (first) image of a file, as it is stored.

    Raises:
        UserError: the file is missing, damaged, of another format, larger than Pillow's limit, or has more than 8 bits
            per channel.
    """
    with _image_warnings():
        return _load(path)


@contextmanager
def _image_warnings() -> Iterator[None]:
    """Pillow's warnings in the block: an error of an image that is too large, silence about metadata.

    Filters of warnings are of the process and not of a thread: threads that decode run within one block.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _load(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=FORMATS) as image:
            check_bit_depth(path, image)
            image.load()
            return image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        limit = f"{Image.MAX_IMAGE_PIXELS or 0:,} pixels"
        raise UserError(f"{path} is larger than {limit}; make it smaller or take it away") from None
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except UNREADABLE:
        raise UserError(f"{path} cannot be read as an image ({', '.join(FORMATS)}); take it away") from None


def check_bit_depth(path: Path, image: Image.Image) -> None:
    """Check that an opened image stores at most 8 bits per channel.

    The header says what is stored: Pillow opens 16-bit files in colour, or grey with alpha, in an 8-bit mode, and drops
    the low byte of each value without an error.

    Raises:
        UserError: it stores more.
    """
    bits = 32 if image.mode.startswith(("F", "I")) else 8
    if image.format == "PNG":
        with path.open("rb") as file:
            bits = file.read(PNG_DEPTH + 1)[-1]
    elif image.format == "PPM" and not image.mode.startswith("F"):
        bits = _largest_ppm_value(path).bit_length()
    elif image.format == "TIFF":
        bits = max(image.tag_v2.get(TIFF_DEPTHS, (1,)))  # type: ignore[attr-defined]  # a TiffImageFile has it
    if bits > 8:
        raise UserError(f"{path} has {bits} bits per channel (mode {image.mode}); convert it to 8")


def _largest_ppm_value(path: Path) -> int:
    """The largest value that a PBM, PGM or PPM may hold, the fourth word of its header; bitmaps have no such word."""
    with path.open("rb") as file:
        lines = file.read(PPM_HEADER).splitlines()
    words = b" ".join(line.partition(b"#")[0] for line in lines).split()
    return 1 if words[0] in (b"P1", b"P4") else int(words[3])


def _count_by_suffix(names: list[str]) -> str:
    """'3 files are not read (2 .heic, 1 without an ending), the first is cat/1.heic'."""
    suffixes = Counter(Path(name).suffix.lower() or "without an ending" for name in names)
    counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items()))
    verb = "file is" if len(names) == 1 else "files are"
    return f"{len(names):,} {verb} not read ({counts}), the first is {names[0]}"


def _walk(root: Path) -> Iterator[str]:
    """The files below `root`, also through links to folders; each folder once, so that a loop of links ends."""
    entered: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        relative = Path(folder).relative_to(root)
        yield from ((relative / name).as_posix() for name in names if not name.startswith("."))
