"""Instances in the COCO format (Lin et al. 2014, arXiv:1405.0312): one json with boxes and polygons.

Label k + 1 is the k-th category in the order of the ids, 0 the background. Larger instances are drawn first, so that
what lies on them stays visible. A pixel has the label of the polygon that its centre lies in, to a quarter of a pixel.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.data.pictures import Picture
from pipeline.errors import UserError

FINE = 4  # drawn so much larger, and read at the centres: Pillow's polygons own the pixels on their edge

Length = Annotated[float, Field(ge=0)]
Polygon = Annotated[list[float], Field(min_length=6)]


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class File(_Checked):
    id: int
    file_name: str
    width: int
    height: int


class Category(_Checked):
    id: int


class Instance(_Checked):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, Length, Length]
    """(left, top, width, height) in pixels."""
    segmentation: list[Polygon] | dict[str, Any] | None = None
    """Polygons (x, y, x, y, ...) in pixels, or a run-length encoding."""
    iscrowd: int = 0


class Annotations(_Checked):
    images: list[File]
    annotations: list[Instance]
    categories: list[Category]


class Coco:
    """The instances of each image.

    Raises:
        UserError: the file is missing, is not in the format, names a path outside the folder of images, or an
            annotation's image or category is not in it.
    """

    def __init__(self, path: Path) -> None:
        content = _read(path)
        self.path = path
        self._files = {_inside(file.file_name, path): file for file in content.images}
        self._labels = {id_: k + 1 for k, id_ in enumerate(sorted({category.id for category in content.categories}))}
        self._instances: dict[int, list[Instance]] = defaultdict(list)
        known = {file.id for file in content.images}
        for instance in content.annotations:
            for key, ids in (("image_id", known), ("category_id", self._labels.keys())):
                if getattr(instance, key) not in ids:
                    raise UserError(f"{path}: annotation {instance.id} has an unknown {key} {getattr(instance, key)}")
            self._instances[instance.image_id].append(instance)

    def segmentation(self, picture: Picture) -> NDArray[np.int64]:
        """The labels (H, W) of what is kept of `picture`.

        Raises:
            UserError: the image is not in the file or has another size, or an instance has no polygon.
        """
        rows, columns = picture.x.shape[1:]
        canvas = Image.new("I", (columns * FINE, rows * FINE))
        draw = ImageDraw.Draw(canvas)
        for instance in sorted(self._of(picture), key=lambda i: (-i.bbox[2] * i.bbox[3], i.id)):
            for polygon in self._polygons(instance):
                corners = _kept(np.reshape(polygon, (-1, 2)), picture) * canvas.size  # (P, 2)
                draw.polygon([(x, y) for x, y in corners.tolist()], fill=self._labels[instance.category_id])
        return np.asarray(canvas)[FINE // 2 :: FINE, FINE // 2 :: FINE].astype(np.int64)

    def box(self, picture: Picture) -> NDArray[np.float32]:
        """(left, top, right, bottom) (4,) in [0, 1] of the largest instance in what is kept of `picture`.

        Raises:
            UserError: the image is not in the file or has another size, or no instance is in what is kept.
        """
        given = np.array([i.bbox for i in self._of(picture) if not i.iscrowd]).reshape(-1, 2, 2)
        corners = _kept(given.cumsum(axis=1), picture).clip(0, 1)  # (I, 2, 2): left, top; right, bottom
        area = (corners[:, 1] - corners[:, 0]).prod(axis=1)  # (I,)
        if not area.any():
            raise UserError(f"{self.path} has no instance in the part of image {picture.name} that is kept: no box")
        return corners[area.argmax()].ravel().astype(np.float32)

    def _of(self, picture: Picture) -> list[Instance]:
        if picture.name not in self._files:
            raise UserError(f"{self.path} has no image with file_name {picture.name}; add it or take the image away")
        file = self._files[picture.name]
        if (file.width, file.height) != picture.size:
            sizes = f"{file.width}x{file.height}, the file is {picture.size[0]}x{picture.size[1]}"
            raise UserError(f"{self.path}: image {picture.name} is {sizes}")
        return self._instances[file.id]

    def _polygons(self, instance: Instance) -> list[Polygon]:
        polygons = instance.segmentation
        if isinstance(polygons, dict):
            raise UserError(f"{self.path}: annotation {instance.id} is run-length encoded; give it as polygons")
        if not polygons or any(len(polygon) % 2 for polygon in polygons):
            raise UserError(f"{self.path}: annotation {instance.id} needs polygons, each a list x, y, x, y, ...")
        return polygons


def _kept(points: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """(..., 2) in pixels of the stored image, those outside moved to its edge -> as fractions of what is kept."""
    frame = picture.frame
    inside = points.clip(0, picture.size)
    fractions: NDArray[np.float64] = (inside - (frame.left, frame.top)) / (frame.width, frame.height)
    return fractions


def _read(path: Path) -> Annotations:
    try:
        return Annotations.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): annotations must name a COCO json") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path} is not in the COCO format: {place}: {first['msg'].lower()}") from None


def _inside(name: str, path: Path) -> str:
    """A file name relative to the folder of images, in its shortest form."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise UserError(f"{path}: file_name {name!r} leaves the folder of images; name a path below data_root")
    return pure.as_posix()
