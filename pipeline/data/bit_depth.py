"""The bits per channel of an image file, from its header.

Pillow opens 16-bit files in colour, or grey with alpha, in an 8-bit mode, and drops the low byte of each value without
an error. The header says what is stored.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from pipeline.errors import UserError

PNG_DEPTH = 24
"""Offset of the bit depth in a PNG, in its first chunk (IHDR)."""
TIFF_DEPTHS = 258
"""Number of the TIFF tag BitsPerSample."""
DEEP_MODES = ("F", "I")
"""How the names of Pillow's modes of more than 8 bits begin."""
PPM_HEADER = 4096
"""Bytes of a PPM that are searched for its largest value."""


def refuse_deep(path: Path, image: Image.Image) -> None:
    """Check that an opened image stores at most 8 bits per channel.

    Raises:
        UserError: it stores more.
    """
    bits = _bits(path, image)
    if bits > 8:
        raise UserError(f"{path} has {bits} bits per channel (mode {image.mode}); convert it to 8")


def _bits(path: Path, image: Image.Image) -> int:
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(PNG_DEPTH + 1)[-1]
    if image.format == "PPM":
        return _largest(path).bit_length() if not image.mode.startswith("F") else 32
    if image.format == "TIFF":
        return max(image.tag_v2.get(TIFF_DEPTHS, (1,)))  # type: ignore[attr-defined]  # a TiffImageFile has it
    return 32 if image.mode.startswith(DEEP_MODES) else 8


def _largest(path: Path) -> int:
    """The largest value that a PBM, PGM or PPM may hold, the fourth word of its header; bitmaps have no such word."""
    with path.open("rb") as file:
        lines = file.read(PPM_HEADER).splitlines()
    words = b" ".join(line.partition(b"#")[0] for line in lines).split()
    return 1 if words[0] in (b"P1", b"P4") else int(words[3])
