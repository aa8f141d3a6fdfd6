"""A chart: a Vega-Lite specification, its description in words, the table of what it draws; rendered to SVG and PNG.

The SVG is for the page, which holds a hundred of them. Vega writes each attribute out, defaults too, and coordinates
with fourteen digits; what has no visible effect is removed.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, NamedTuple

import altair as alt
import vl_convert
from PIL import Image

from pipeline.errors import UserError
from pipeline.report import style
from pipeline.report.charts import theme
from pipeline.report.charts.theme import LARGEST, Spec

TITLE = 72
"""Characters in a line of a title."""
SCALE = 1.5
"""Pixels of a PNG for each pixel of the page."""
LETTER, LINE = 5.8, 16
"""Pixels of the key of a PNG: the mean width of a letter, the height of a line."""
LINE_WIDTH = 640
COLOURS = 128
"""Of a PNG, which makes it ten times smaller."""
EMPTY = re.compile(
    r'<path class="(?:background|foreground)"[^>]*(?:d="M0,0h0v0h0Z"|display="none")[^>]*/>'
    r'|<path class="background"[^>]*pointer-events="none"(?: opacity="1")?/>|<g[^>]*/>'
)
DEFAULT = re.compile(
    r' (?:aria-hidden|aria-roledescription|role|pointer-events|class)="[^"]*"| opacity="1"| stroke-width="1"'
    r'| (?:x2|y2)="0"| transform="translate\(0,0\)"| xmlns(?::xlink)?="[^"]*"| version="1.1"| fill-opacity="1"'
)
EMPTY_GROUP = re.compile(r"<g>((?:(?!<g[ >]|</g>).)*)</g>|<g[^>]*></g>")
CLASSES = {
    ' font-family="system-ui, sans-serif"': "",
    ' font-weight="normal"': "",
    ' stroke="currentColor" stroke-opacity="0.1"': ' class="g"',
    ' stroke="currentColor" stroke-opacity="0.4"': ' class="d"',
    ' font-size="11px" fill="currentColor" fill-opacity="0.8"': ' class="l"',
    ' font-size="12px" fill="currentColor"': ' class="a"',
    ' font-size="11px" fill="currentColor" opacity="0.8"': ' class="n"',
}
"""What the theme writes on every line and letter, and the class that has it in the style sheet (`.chart`)."""
MIDDLE = re.compile(r'<text text-anchor="middle"( transform="[^"]*" class="n")')
TAG = re.compile(r"<[^>]*>")
LONG = re.compile(r"(-?\d+\.\d)\d+")
CLIP = re.compile(r"\bclip\d+")
POSITION = re.compile(r' transform="translate\((-?[\d.]+),(-?[\d.]+)\)"(?= class="[nla]">)')
FRAME = re.compile(r'<path d="M0,0h[\d.]+v[\d.]+h-[\d.]+Z"/>')
"""Around each mark, for a pointer: nothing is drawn there."""
HUE = re.compile(r' (stroke|fill)="var\(--(\w+)\)"( stroke-width="1.2")?( opacity="0.5")?')
OPEN = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"[^>]*>')


class ChartTable(NamedTuple):
    """`rows`: the first cell of each is its head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """One chart of the report.

    Attributes:
        key: its anchor on the page.
        title: its caption.
        alt: what it shows, in words, for those who do not see it.
        spec: the Vega-Lite specification.
        table: the numbers that it draws.
        legend: (label, its family).
        wide: whether it has several panels side by side: it takes a row of its own, and is not made smaller than it is.
    """

    key: str
    title: str
    alt: str
    spec: Spec
    table: ChartTable
    legend: Sequence[tuple[str, str]] = ()
    wide: bool = False

    @cached_property
    def svg(self) -> str:
        """An `<svg role="img">`, named `alt`.

        Raises:
            UserError: a number is not finite, or larger than `LARGEST`.
        """
        drawn = vl_convert.vegalite_to_svg(self._checked(self.spec), allowed_base_urls=[])
        return OPEN.sub(lambda found: _opened(found[1], found[2], self.alt), compact(_own_ids(drawn, self.key)), 1)

    def png(self) -> bytes:
        """The same on white paper, with its title and its legend.

        Raises:
            UserError: as `svg`.
        """
        parts = [self.spec | {}, *([_key(self.legend)] if self.legend else [])]
        config = self.spec["config"]
        data: dict[str, Any] = {}
        for part in parts:
            data |= part.pop("datasets")
            del part["config"]
        whole = {
            "title": textwrap.wrap(self.title, TITLE),
            "vconcat": parts[::-1],
            "config": config,
            "datasets": data,
            "spacing": 8,
        }
        spec = self._checked(theme.printed(whole))
        drawn = vl_convert.vegalite_to_png(spec, scale=SCALE, allowed_base_urls=[])
        with Image.open(io.BytesIO(drawn)) as image:
            palette = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small = io.BytesIO()
        palette.save(small, format="png", optimize=True)
        return small.getvalue()

    @property
    def width(self) -> int:
        """Pixels that it is drawn for."""
        found = re.search(r'width="(\d+)', self.svg)
        return int(found[1]) if found else 0

    def _checked(self, spec: Spec) -> Spec:
        for value in _numbers(spec):
            if not (math.isfinite(value) and abs(value) <= LARGEST):
                allowed = f"allowed: to {LARGEST:g}"
                raise UserError(f"the chart {self.key} cannot be drawn with the number {value:g}: {allowed}")
        return spec


def _key(legend: Sequence[tuple[str, str]]) -> Spec:
    """A marker with a label for each entry, in lines of `LINE_WIDTH` pixels."""
    rows: list[dict[str, Any]] = []
    x, y = 6.0, 0
    for label, family in legend:
        width = 24 + LETTER * len(label)
        if rows and x + width > LINE_WIDTH:
            x, y = 6.0, y + LINE
        rows.append({"label": label, "colour": theme.colour(family), "shape": style.look(family).shape,
                     "hollow": family == "control", "x": x, "y": y + LINE / 2})  # fmt: skip
        x += width
    base = alt.Chart(theme.data(rows)).encode(x=alt.value(alt.expr("datum.x")), y=alt.value(alt.expr("datum.y")))
    marks = [
        base.mark_point(size=50, filled=filled, opacity=1)
        .encode(alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None))
        .transform_filter(f"datum.hollow === {str(not filled).lower()}")
        for filled in (True, False)
    ]
    text = base.mark_text(align="left", dx=9, fontSize=11).encode(text="label:N")
    return theme.spec(alt.LayerChart(layer=[*marks, text], width=LINE_WIDTH, height=y + LINE))


def _numbers(spec: Spec) -> Iterator[float]:
    blocks: list[Any] = [spec]
    while blocks:
        block = blocks.pop()
        if isinstance(block, dict):
            blocks.extend(block.values())
        elif isinstance(block, list | tuple):
            blocks.extend(block)
        elif isinstance(block, int | float):
            yield block


def compact(drawn: str) -> str:
    """The SVG without what has no visible effect; repeated attributes as classes."""
    drawn = DEFAULT.sub("", EMPTY.sub("", drawn))
    drawn = TAG.sub(lambda tag: LONG.sub(r"\1", tag[0]), drawn)
    for attributes, name in CLASSES.items():
        drawn = drawn.replace(attributes, name)
    drawn = HUE.sub(_classed, FRAME.sub("", drawn))
    drawn = MIDDLE.sub(r"<text\1", drawn)
    drawn = POSITION.sub(r' x="\1" y="\2"', drawn)
    for _ in range(3):  # groups in groups
        drawn = EMPTY_GROUP.sub(r"\1", drawn)
    return drawn


def _classed(hue: re.Match[str]) -> str:
    """The family of the colour, and whether it is a line, a bar or a marker."""
    drawn, family, wide, faint = hue.groups()
    kind = "f" if drawn == "fill" else "w" if wide else "b" if faint else "s"
    return f' class="{kind} {family}"'


def _own_ids(drawn: str, key: str) -> str:
    """Vega counts its clips from chart to chart: an id of this chart alone is the same on each run."""
    clips = list(dict.fromkeys(CLIP.findall(drawn)))
    return CLIP.sub(lambda found: f"{key}-{clips.index(found[0])}", drawn)


def _opened(width: str, height: str, alt: str) -> str:
    box = f'viewBox="0 0 {width} {height}"'
    return f'<svg role="img" aria-label="{escape(alt)}" width="{width}" height="{height}" {box}>'
