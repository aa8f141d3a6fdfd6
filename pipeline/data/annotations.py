"""Annotations of a user's images: label maps, or instances in the COCO format (Lin et al. 2014, arXiv:1405.0312).

Label maps: for images/<class>/<name>.jpg an 8-bit masks/<class>/<name>.png, 0 the background. An instance is a
connected region of one label (4 neighbours); the box of an image is that of its largest instance.

COCO: one json with boxes and polygons. Label k + 1 is the k-th category in the order of the ids, 0 the background.
Larger instances are drawn first, so that smaller ones on top of them stay visible. A pixel has the label of the polygon
that its centre lies in, to a quarter of a pixel.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.data.conditions import boxes
from pipeline.data.image_files import Picture, load_image
from pipeline.errors import UserError

MASK_MODES = ("1", "L", "P")  # one label of at most 8 bits per pixel
OVERSAMPLING = 4  # polygons are drawn larger and sampled at pixel centres: Pillow's polygons include their edge pixels

Length = Annotated[float, Field(ge=0)]
Polygon = Annotated[list[float], Field(min_length=6)]


class Annotations(Protocol):
    """What is where in a picture."""

    def segmentation(self, picture: Picture) -> NDArray[np.int64]:
        """The labels (H, W) of the part that the picture shows."""

    def box(self, picture: Picture) -> NDArray[np.float32]:
        """(left, top, right, bottom) (4,) in [0, 1] of the largest instance in the part that the picture shows."""


class Masks:
    """A folder of label maps.

    Raises:
        UserError: the mask of an image is missing, unreadable, of another size, or not one of 8-bit labels; for a box
            also where only background is shown.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def segmentation(self, picture: Picture) -> NDArray[np.int64]:
        path = self._path(picture)
        if not path.is_file():
            raise UserError(f"{path} is missing: it must hold the mask of image {picture.name}")
        mask = load_image(path)
        if mask.mode not in MASK_MODES:
            raise UserError(f"{path} has mode {mask.mode}: a mask is a PNG of one 8-bit label per pixel")
        if mask.size != picture.size:
            mask_size, size = ("x".join(map(str, s)) for s in (mask.size, picture.size))
            raise UserError(f"{path} is {mask_size}, but image {picture.name} is {size}")
        rows, columns = picture.x.shape[1:]
        left, top, width, height = picture.frame
        shown = mask.resize((columns, rows), Image.Resampling.NEAREST, box=(left, top, left + width, top + height))
        return np.asarray(shown).astype(np.int64)

    def box(self, picture: Picture) -> NDArray[np.float32]:
        label = self.segmentation(picture)
        if not label.any():
            raise UserError(f"{self._path(picture)} has no label in the part of the image that is kept: no box")
        box: NDArray[np.float32] = boxes(_largest_region(label)[None])[0]
        return box

    def _path(self, picture: Picture) -> Path:
        return (self.root / picture.name).with_suffix(".png")


def _largest_region(label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the largest instance is: (H, W) -> (H, W)."""
    from scipy import ndimage

    regions, count = np.zeros_like(label), 0
    for value in np.unique(label[label > 0]):
        found, more = ndimage.label(label == value)
        regions += np.where(found, found + count, 0)
        count += more
    return regions == 1 + np.bincount(regions.ravel())[1:].argmax()


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class _CocoImage(_Checked):
    id: int
    file_name: str
    width: int
    height: int


class _CocoCategory(_Checked):
    id: int


class _CocoInstance(_Checked):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, Length, Length]
    """(left, top, width, height) in pixels."""
    segmentation: list[Polygon] | dict[str, Any] | None = None
    """Polygons (x, y, x, y, ...) in pixels, or a run-length encoding."""
    iscrowd: int = 0


class _CocoFile(_Checked):
    images: list[_CocoImage]
    annotations: list[_CocoInstance]
    categories: list[_CocoCategory]


class Coco:
    """The instances of each image.

    Raises:
        UserError: the file is missing, is not in the format, names a path outside the folder of images, or an
            annotation's image or category is not in it; of a picture: it is not in the file or has another size, an
            instance has no polygon, or for a box, no instance is shown.
    """

    def __init__(self, path: Path) -> None:
        content = _read_coco(path)
        self.path = path
        self._images = {_relative_name(image.file_name, path): image for image in content.images}
        self._labels = {id_: k + 1 for k, id_ in enumerate(sorted({category.id for category in content.categories}))}
        self._instances: dict[int, list[_CocoInstance]] = defaultdict(list)
        image_ids = {image.id for image in content.images}
        for instance in content.annotations:
            for key, ids in (("image_id", image_ids), ("category_id", self._labels.keys())):
                if getattr(instance, key) not in ids:
                    raise UserError(f"{path}: annotation {instance.id} has an unknown {key} {getattr(instance, key)}")
            self._instances[instance.image_id].append(instance)

    def segmentation(self, picture: Picture) -> NDArray[np.int64]:
        rows, columns = picture.x.shape[1:]
        canvas = Image.new("I", (columns * OVERSAMPLING, rows * OVERSAMPLING))
        draw = ImageDraw.Draw(canvas)
        for instance in sorted(self._of(picture), key=lambda i: (-i.bbox[2] * i.bbox[3], i.id)):
            for polygon in self._polygons(instance):
                corners = _to_frame(np.reshape(polygon, (-1, 2)), picture) * canvas.size  # (P, 2)
                draw.polygon([(x, y) for x, y in corners.tolist()], fill=self._labels[instance.category_id])
        centres = slice(OVERSAMPLING // 2, None, OVERSAMPLING)
        return np.asarray(canvas)[centres, centres].astype(np.int64)

    def box(self, picture: Picture) -> NDArray[np.float32]:
        stored = np.array([i.bbox for i in self._of(picture) if not i.iscrowd]).reshape(-1, 2, 2)
        corners = _to_frame(stored.cumsum(axis=1), picture).clip(0, 1)  # (I, 2, 2): left, top; right, bottom
        area = (corners[:, 1] - corners[:, 0]).prod(axis=1)  # (I,)
        if not area.any():
            raise UserError(f"{self.path} has no instance in the part of image {picture.name} that is kept: no box")
        return corners[area.argmax()].ravel().astype(np.float32)

    def _of(self, picture: Picture) -> list[_CocoInstance]:
        if picture.name not in self._images:
            raise UserError(f"{self.path} has no image with file_name {picture.name}; add it or take the image away")
        image = self._images[picture.name]
        if (image.width, image.height) != picture.size:
            sizes = f"{image.width}x{image.height}, the file is {picture.size[0]}x{picture.size[1]}"
            raise UserError(f"{self.path}: image {picture.name} is {sizes}")
        return self._instances[image.id]

    def _polygons(self, instance: _CocoInstance) -> list[Polygon]:
        polygons = instance.segmentation
        if isinstance(polygons, dict):
            raise UserError(f"{self.path}: annotation {instance.id} is run-length encoded; give it as polygons")
        if not polygons or any(len(polygon) % 2 for polygon in polygons):
            raise UserError(f"{self.path}: annotation {instance.id} needs polygons, each a list x, y, x, y, ...")
        return polygons


def _to_frame(points: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """(..., 2) in pixels of the stored image, those outside moved to its edge -> as fractions of the shown part."""
    frame = picture.frame
    inside = points.clip(0, picture.size)
    fractions: NDArray[np.float64] = (inside - (frame.left, frame.top)) / (frame.width, frame.height)
    return fractions


def _read_coco(path: Path) -> _CocoFile:
    try:
        return _CocoFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): annotations must name a COCO json") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path} is not in the COCO format: {where}: {first['msg'].lower()}") from None


def _relative_name(name: str, path: Path) -> str:
    """A file name relative to the folder of images, in its shortest form."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise UserError(f"{path}: file_name {name!r} leaves the folder of images; name a path below data_root")
    return pure.as_posix()
