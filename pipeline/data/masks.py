"""Label maps of the user: for images/<class>/<name>.jpg an 8-bit masks/<class>/<name>.png, 0 the background.

An instance is a connected region of one label (4 neighbours); the box of an image is that of its largest instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.conditions import boxes
from pipeline.data.pictures import Picture, load
from pipeline.errors import UserError

MODES = ("1", "L", "P")  # one label of at most 8 bits per pixel


@dataclass(frozen=True)
class Masks:
    """A folder of label maps."""

    root: Path

    def segmentation(self, picture: Picture) -> NDArray[np.int64]:
        """The labels (H, W) of what is kept of `picture`.

        Raises:
            UserError: its mask is missing, unreadable, of another size, or not one of 8-bit labels.
        """
        path = self._path(picture)
        if not path.is_file():
            raise UserError(f"{path} is missing: it must hold the mask of image {picture.name}")
        mask = load(path)
        if mask.mode not in MODES:
            raise UserError(f"{path} has mode {mask.mode}: a mask is a PNG of one 8-bit label per pixel")
        if mask.size != picture.size:
            raise UserError(f"{path} is {_by(mask.size)}, but image {picture.name} is {_by(picture.size)}")
        rows, columns = picture.x.shape[1:]
        left, top, width, height = picture.frame
        kept = mask.resize((columns, rows), Image.Resampling.NEAREST, box=(left, top, left + width, top + height))
        return np.asarray(kept).astype(np.int64)

    def box(self, picture: Picture) -> NDArray[np.float32]:
        """(left, top, right, bottom) (4,) in [0, 1] of the largest instance in what is kept of `picture`.

        Raises:
            UserError: as for `segmentation`, or nothing but background is kept.
        """
        label = self.segmentation(picture)
        if not label.any():
            raise UserError(f"{self._path(picture)} has no label in the part of the image that is kept: no box")
        box: NDArray[np.float32] = boxes(_largest(label)[None])[0]
        return box

    def _path(self, picture: Picture) -> Path:
        return (self.root / picture.name).with_suffix(".png")


def _largest(label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the largest instance is: (H, W) -> (H, W)."""
    from scipy import ndimage

    regions, count = np.zeros_like(label), 0
    for value in np.unique(label[label > 0]):
        found, more = ndimage.label(label == value)
        regions += np.where(found, found + count, 0)
        count += more
    return regions == 1 + np.bincount(regions.ravel())[1:].argmax()


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
