"""Crop, resize and quantise images.

    crop      the centre square of that many stored pixels; the whole image by default
    side      the largest centred square of that, resized to side x side; as it is by default
    levels    level = floor(v L / 256): L bins of the 256 stored values, as equal as L divides them; 256 by default

Images are resized by Pillow's Lanczos filter (a windowed sinc, a = 3), stretched with the scale, so that a smaller
image shows no aliases.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from pipeline.data.dataset import stacked
from pipeline.errors import UserError

STORED = 256  # values of a stored byte
Levels = Annotated[int, Field(strict=True, ge=2, le=STORED)]


class Frame(NamedTuple):
    """The part of an image that a transform selects, in the image's own pixels."""

    left: float
    top: float
    width: float
    height: float


class ImageTransform(NamedTuple):
    """Crop to the centre, resize, quantise."""

    side: int | None = None
    crop: int | None = None
    levels: int = STORED

    def frame(self, width: int, height: int) -> Frame:
        """The part of an image of this size that is used.

        Raises:
            UserError: the image is smaller than `crop`.
        """
        left, top, right, bottom = self._crop_box(width, height)
        if self.side is None:
            return Frame(left, top, right - left, bottom - top)
        side = min(right - left, bottom - top)
        return Frame((left + right - side) / 2, (top + bottom - side) / 2, side, side)

    def resize(self, image: Image.Image) -> NDArray[np.uint8]:
        """An image of mode L or RGB -> cropped and resized (C, H, W), not yet quantised."""
        cropped = image.crop(self._crop_box(*image.size))
        if self.side is not None:
            left, top, width, height = ImageTransform(self.side).frame(*cropped.size)
            box = left, top, left + width, top + height
            cropped = cropped.resize((self.side, self.side), Image.Resampling.LANCZOS, box=box)
        return np.moveaxis(np.asarray(cropped, np.uint8).reshape(cropped.height, cropped.width, -1), -1, 0)

    def quantise(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Stored values 0 .. 255 -> levels 0 .. L-1, same shape."""
        return x if self.levels == STORED else (x.astype(np.uint16) * self.levels // STORED).astype(np.uint8)

    def apply(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Stored images (N, C, H, W) -> cropped, resized and quantised."""
        if (self.side, self.crop) == (None, None):
            return self.quantise(x)
        images = x[:, 0] if x.shape[1] == 1 else np.moveaxis(x, 1, -1)  # (N, H, W) or (N, H, W, 3)
        return stacked((self.quantise(self.resize(Image.fromarray(image))) for image in images), len(images))

    def _crop_box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in whole pixels: a crop interpolates nothing."""
        if self.crop is None:
            return 0, 0, width, height
        if self.crop > min(width, height):
            raise UserError(f"crop: {self.crop} is more than an image of {width}x{height} has; give less")
        left, top = (width - self.crop) // 2, (height - self.crop) // 2
        return left, top, left + self.crop, top + self.crop
