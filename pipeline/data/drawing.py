"""Many small colour images drawn at once, anti-aliased, from distances instead of strokes.

A shape is defined in its own plane (u, v), rotated and scaled so that it just fits into [-1, 1]². There d(u, v) is the
distance to its outline, negative inside. With the radius r in pixels a pixel is covered by

    a = clip(1/2 - r d, 0, 1)        canvas <- (1 - a) canvas + a ink

and what is drawn last is on top (the painter's algorithm). A pixel belongs to a shape if its centre is inside.

Distances to outlines: Quilez 2019, 2D distance functions, https://iquilezles.org/articles/distfunctions2d.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]  # single precision would let a byte depend on the processor's last bit
Plane = Callable[[Reals, Reals], Reals]
"""(u, v), each (N, S, S) -> (N, S, S)."""


def _disc(u: Reals, v: Reals) -> Reals:
    return np.hypot(u, v) - 0.92


def _square(u: Reals, v: Reals) -> Reals:
    return np.maximum(np.abs(u), np.abs(v)) - 0.86


def _triangle(u: Reals, v: Reals) -> Reals:
    """Equilateral, its tip at v = -1: v grows downwards, as rows do."""
    v = v - 0.08  # its centre of mass lies lower than the middle of its height
    return np.maximum(np.abs(u) * np.sqrt(3) / 2 - v / 2, v) - 0.54


def _cross(u: Reals, v: Reals) -> Reals:
    u, v = np.abs(u), np.abs(v)
    return np.maximum(np.minimum(u, v) - 0.28, np.maximum(u, v) - 0.97)


def _ring(u: Reals, v: Reals) -> Reals:
    return np.abs(np.hypot(u, v) - 0.75) - 0.25


def _plain(u: Reals, v: Reals) -> Reals:
    return np.zeros_like(u)


def _gradient(u: Reals, v: Reals) -> Reals:
    return np.clip((u + v) / 2, -0.5, 0.5) + 0.5


def _stripes(u: Reals, v: Reals) -> Reals:
    return np.sin(2 * np.pi * u + 0.5) / 2 + 0.5


def _checks(u: Reals, v: Reals) -> Reals:
    return np.clip(1.5 * np.sin(1.3 * np.pi * u) * np.sin(1.3 * np.pi * v), -0.5, 0.5) + 0.5


OUTLINES: dict[str, Plane] = {
    "disc": _disc, "square": _square, "triangle": _triangle, "cross": _cross, "ring": _ring,
}  # fmt: skip
"""The distance to the outline of each class."""

TEXTURES: dict[str, Plane] = {"plain": _plain, "gradient": _gradient, "stripes": _stripes, "checks": _checks}
"""The share of the second colour, in [0, 1]."""


@dataclass(frozen=True)
class Shapes:
    """One shape for each of N images; lengths in sides of the image, colours in [0, 1]."""

    present: NDArray[np.bool_]
    """(N,): whether the image has this shape."""
    outline: NDArray[np.int64]
    """(N,): its class, an index into OUTLINES."""
    texture: NDArray[np.int64]
    """(N,): an index into TEXTURES."""
    centre: Reals
    """(N, 2): x to the right, y down."""
    radius: Reals
    """(N,)."""
    rotation: Reals
    """(N,) radians."""
    inks: Reals
    """(N, 2, 3): the colours between which the texture mixes."""

    def __getitem__(self, part: slice) -> Shapes:
        return Shapes(*(getattr(self, field.name)[part] for field in fields(self)))


def paint(canvas: Reals, shapes: Shapes) -> NDArray[np.bool_]:
    """Draw on canvas (N, 3, S, S), in place; return which pixels belong to the shape, (N, S, S)."""
    side = canvas.shape[-1]
    u, v = _plane(shapes, side)
    distance = _each(list(OUTLINES.values()), shapes.outline, u, v) * shapes.radius[:, None, None] * side
    distance[~shapes.present] = np.inf
    cover = np.clip(0.5 - distance, 0, 1)[:, None]  # (N, 1, S, S)
    first, second = shapes.inks.transpose(1, 0, 2)[..., None, None]  # (N, 3, 1, 1) each
    ink = first + _each(list(TEXTURES.values()), shapes.texture, u, v)[:, None] * (second - first)
    canvas += cover * (ink - canvas)
    return distance < 0


def gradient(ends: Reals, angle: Reals, side: int) -> Reals:
    """A background that runs from one colour to another: ends (N, 2, 3), angle (N,) radians -> (N, 3, S, S)."""
    x, y = _pixels(side) - 0.5
    across = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y  # (N, S, S), at most 0.71 from 0
    first, second = ends.transpose(1, 0, 2)[..., None, None]
    return first + (across[:, None] / np.sqrt(2) + 0.5) * (second - first)


def rgb(hue: Reals, saturation: Reals, value: Reals) -> Reals:
    """(N,) each, hue in turns -> (N, 3) in [0, 1] (Smith 1978, Color gamut transform pairs)."""
    sector = (np.array((5.0, 3.0, 1.0)) + hue[:, None] * 6) % 6
    return value[:, None] * (1 - saturation[:, None] * np.clip(np.minimum(sector, 4 - sector), 0, 1))


def _plane(shapes: Shapes, side: int) -> tuple[Reals, Reals]:
    """The pixels' centres in each shape's own plane."""
    x, y = _pixels(side)[:, None] - shapes.centre.T[..., None, None]  # (N, S, S)
    cos, sin = np.cos(shapes.rotation)[:, None, None], np.sin(shapes.rotation)[:, None, None]
    radius = shapes.radius[:, None, None]
    return (cos * x + sin * y) / radius, (cos * y - sin * x) / radius


def _pixels(side: int) -> Reals:
    """The pixels' centres (x, y) as fractions of the side: (2, S, S)."""
    line = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(line, line))


def _each(functions: list[Plane], which: NDArray[Any], u: Reals, v: Reals) -> Reals:
    """Apply functions[which[i]] to image i."""
    out = np.empty_like(u)
    for k, function in enumerate(functions):
        selected = which == k
        out[selected] = function(u[selected], v[selected])
    return out
