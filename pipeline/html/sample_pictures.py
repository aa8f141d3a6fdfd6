"""Samples as small embedded images: at their own resolution, for the browser to enlarge without smoothing.

Points are a map of where samples lie, darker where they are denser; images stand each above its nearest training image
(Euclidean, in the values of the image), so that copying is seen. Sequences are curves over their nearest training
sequence (`sequence_pictures`).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipeline.data import manifest
from pipeline.data.manifest import EventSchema
from pipeline.errors import UserError
from pipeline.html import sequence_pictures
from pipeline.report import style
from pipeline.report.leaderboard import Standing
from pipeline.report.sample_sheets import Array, tiled
from pipeline.report.waveforms import amplitudes
from pipeline.results import task_facts

BINS, SHADES = 64, 10
GREY, COLOURED = (5, 2), (6, 1)
"""Columns of a sheet, and its rows of samples with their neighbours: colours take more room."""
COLOURS = 32
"""That a coloured picture is reduced to."""


class EmbeddedPicture(NamedTuple):
    """`uri` embeds it; `width` its pixels."""

    uri: str
    width: int
    height: int
    alt: str
    caption: str = ""
    sound: str = ""
    """The URI of a sound that goes with it; empty where there is none."""


class Gallery:
    """The pictures of one task."""

    def __init__(self, task: str) -> None:
        self.task = task

    @property
    def exists(self) -> bool:
        """Whether the task's data are in this folder."""
        return task_facts.is_prepared(self.task)

    @property
    def legend(self) -> str:
        """What the pictures of samples show."""
        if not self.exists:
            return ""
        if self.is_sequences:
            heard = "; the player has the first of them, one after the other" if self.event.rate else ""
            return f"Each sheet shows samples of the first seed, each over its nearest training sequence, pale{heard}."
        if self.levels is None:
            return "Each map shows where the samples of the first seed lie, darker where they are denser."
        columns, rows = self.shape
        return f"Each sheet shows {columns * rows} samples of the first seed, each above its nearest training image."

    @cached_property
    def event(self) -> EventSchema:
        return manifest.read(self.task).event

    @property
    def levels(self) -> int | None:
        return self.event.levels

    @property
    def is_sequences(self) -> bool:
        return len(self.event.shape) == 2

    @property
    def shape(self) -> tuple[int, int]:
        """Columns of a sheet, and its rows of samples."""
        return GREY if self._split("test").shape[1] == 1 else COLOURED

    def real(self) -> EmbeddedPicture | None:
        """Held-out data; None where they are not in this folder."""
        if not self.exists:
            return None
        if self.is_sequences:
            test = self._split("test")
            image = self._curves(test, None, style.look("control").colour)
            return self._sounding(_embedded(image, f"Held-out sequences of {self.task}"), test)
        if self.levels is None:
            alt = f"Map of the held-out points of {self.task}"
            return _embedded(self._map(self._split("test"), style.look("control").colour), alt)
        columns, rows = self.shape
        sheet = self._sheet([self._split("test")[k * columns : (k + 1) * columns] for k in range(2 * rows)])
        return _embedded(sheet, f"Held-out images of {self.task}")

    def of(self, standing: Standing) -> Iterator[EmbeddedPicture]:
        """Samples of the model's first seed; its latent plane where it has one. None of an earlier run."""
        if standing.first is None:
            return
        arrays = manifest.read_samples(standing.first)
        if self.is_sequences:
            yield from self._of_sequences(standing, arrays["x"])
            return
        yield _embedded(self.sheet(arrays["x"], standing.family), self._alt(standing, len(arrays["x"])))
        if self.levels is not None and "plane" in arrays and not standing.control:
            plane = _image(tiled(arrays["plane"] / (self.levels - 1), gap=0))
            made = _embedded(plane, f"What the latent plane of {standing.model} decodes to on {self.task}")
            yield made._replace(caption="the latent plane")

    def from_file(self, path: Path, standing: Standing) -> EmbeddedPicture:
        """A sheet of samples that are not stored."""
        try:
            with Image.open(path) as image:
                return _embedded(image, f"Samples of {standing.model} on {self.task}")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            hint = f"coverseek score PATH --task {self.task} --name {standing.model}"
            raise UserError(f"{path} is damaged; make it again with: {hint}") from None

    def sheet(self, x: Array, family: str) -> Image.Image:
        """Levels (N, C, H, W), the first of them each above its nearest training image; sequences (N, C, T), over
        theirs; or points (N, 2) as a map."""
        if self.is_sequences:
            first, data = x[: sequence_pictures.COLUMNS * sequence_pictures.ROWS], self._split("train")
            return self._curves(first, data[nearest(first, data)], style.look(family).colour)
        if self.levels is None:
            return self._map(x, style.look(family).colour)
        train, (columns, count) = self._split("train"), self.shape
        shown = [x[k * columns : (k + 1) * columns] for k in range(count)]
        return self._sheet([part for row in shown for part in (row, train[nearest(row, train)])])

    def _of_sequences(self, standing: Standing, x: Array) -> Iterator[EmbeddedPicture]:
        alt = f"Samples of {standing.model} on {self.task}, each over its nearest training sequence"
        yield self._sounding(_embedded(self.sheet(x, standing.family), alt), x)
        if self.event.rate and not standing.control:
            found = sequence_pictures.spectrograms(self._first(x), style.look(standing.family).colour)
            made = _embedded(found, f"Spectrograms of samples of {standing.model} on {self.task}")
            yield made._replace(caption="spectrograms")

    def _curves(self, x: Array, near: Array | None, colour: str) -> Image.Image:
        real = self._first(self._split("test"))
        behind = None if near is None else self._first(near)
        return sequence_pictures.sheet(self._first(x), behind, (float(real.min()), float(real.max())), colour)

    def _sounding(self, picture: EmbeddedPicture, x: Array) -> EmbeddedPicture:
        """With a player, where the sequences are sound."""
        rate = self.event.rate
        return picture._replace(sound=sequence_pictures.sound(self._first(x), rate)) if rate else picture

    def _first(self, x: Array) -> Array:
        """x (N, C, T) as stored -> the first channel, (N, T)."""
        channel: Array = amplitudes(x, self.event)[:, 0]
        return channel

    def _alt(self, standing: Standing, count: int) -> str:
        if self.levels is None:
            return f"Map of {count:,} samples of {standing.model} on {self.task}"
        columns, rows = self.shape
        shown = min(count, columns * rows)
        return f"{shown} samples of {standing.model} on {self.task}, each above its nearest training image"

    def _sheet(self, rows: Sequence[Array]) -> Image.Image:
        """Rows of levels (n, C, H, W), none longer than a sheet is wide."""
        room = np.ones((len(rows), self.shape[0], *rows[0].shape[1:]))
        for place, row in zip(room, rows, strict=True):
            place[: len(row)] = row / ((self.levels or 2) - 1)
        return _image(tiled(room))

    def _map(self, x: Array, colour: str) -> Image.Image:
        low, high = self._split("test").min(axis=0), self._split("test").max(axis=0)
        centre, reach = (low + high) / 2, float((high - low).max()) * 0.6
        frame = [(float(c - reach), float(c + reach)) for c in centre]
        counts = np.histogram2d(x[:, 0], x[:, 1], bins=BINS, range=frame)[0].T[::-1]
        shade = np.ceil((SHADES - 1) * np.log1p(counts) / max(np.log1p(counts).max(), 1e-9)).astype(np.uint8)
        return _shaded(shade, colour)

    def _split(self, split: str) -> Array:
        if split not in self._splits:
            self._splits[split] = manifest.read_split(self.task, split)["x"]
        return self._splits[split]

    @cached_property
    def _splits(self) -> dict[str, Array]:
        return {}


def nearest(x: Array, among: Array) -> Array:
    """(n, ...) and (N, ...) -> (n,) places in `among`, by Euclidean distance."""
    a, b = (e.reshape(len(e), -1).astype(np.float32) for e in (x, among))
    distance = (b * b).sum(axis=1) - 2 * a @ b.T
    places: Array = distance.argmin(axis=1)
    return places


def _image(picture: Array) -> Image.Image:
    made = Image.fromarray((255 * picture).round().astype(np.uint8))
    grey = (picture[..., :1] == picture).all()
    return made if grey else made.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")


def _shaded(shade: Array, colour: str) -> Image.Image:
    """One colour, from clear to solid: it sits on light and on dark paper."""
    alphas = np.array([0, *(80 + 175 * k // (SHADES - 1) for k in range(1, SHADES))], dtype=np.uint8)
    made = Image.new("RGB", shade.shape[::-1], colour)
    made.putalpha(Image.fromarray(alphas[shade]))
    return made


def _embedded(image: Image.Image, alt: str) -> EmbeddedPicture:
    held = io.BytesIO()
    image.save(held, format="webp", lossless=True, quality=100, method=4)
    return EmbeddedPicture(f"data:image/webp;base64,{base64.b64encode(held.getvalue()).decode()}", *image.size, alt)
