"""A Vega-Lite specification as an SVG, small enough that a page can hold a hundred.

Vega writes each attribute out, defaults too, and coordinates with fourteen digits. What no eye can see is left away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import vl_convert

from pipeline.errors import UserError

LARGEST = 1e15
"""Magnitude of a number in a chart."""
EMPTY = re.compile(
    r'<path class="(?:background|foreground)"[^>]*(?:d="M0,0h0v0h0Z"|display="none")[^>]*/>'
    r'|<path class="background"[^>]*pointer-events="none"(?: opacity="1")?/>|<g[^>]*/>'
)
DEFAULT = re.compile(
    r' (?:aria-hidden|aria-roledescription|role|pointer-events|class)="[^"]*"| opacity="1"| stroke-width="1"'
    r'| (?:x2|y2)="0"| transform="translate\(0,0\)"| xmlns(?::xlink)?="[^"]*"| version="1.1"| fill-opacity="1"'
)
HOLLOW = re.compile(r"<g>((?:(?!<g[ >]|</g>).)*)</g>|<g[^>]*></g>")
RUNS = {
    ' font-family="system-ui, sans-serif"': "",
    ' font-weight="normal"': "",
    ' stroke="currentColor" stroke-opacity="0.1"': ' class="g"',
    ' stroke="currentColor" stroke-opacity="0.4"': ' class="d"',
    ' font-size="11px" fill="currentColor" fill-opacity="0.8"': ' class="l"',
    ' font-size="12px" fill="currentColor"': ' class="a"',
    ' font-size="11px" fill="currentColor" opacity="0.8"': ' class="n"',
}
"""What the theme writes on every line and letter, and the class that says it in the style sheet (`.chart`)."""
MIDDLE = re.compile(r'<text text-anchor="middle"( transform="[^"]*" class="n")')
TAG = re.compile(r"<[^>]*>")
LONG = re.compile(r"(-?\d+\.\d)\d+")
CLIP = re.compile(r"\bclip\d+")
PLACE = re.compile(r' transform="translate\((-?[\d.]+),(-?[\d.]+)\)"(?= class="[nla]">)')
FRAME = re.compile(r'<path d="M0,0h[\d.]+v[\d.]+h-[\d.]+Z"/>')
"""Around each mark, for a pointer: nothing is drawn there."""
HUE = re.compile(r' (stroke|fill)="var\(--(\w+)\)"( stroke-width="1.2")?( opacity="0.5")?')
OPEN = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"[^>]*>')


def svg(spec: dict[str, Any], alt: str, key: str) -> str:
    """An `<svg role="img">` named `alt`; `key` tells its ids from those of the page's other charts.

    Raises:
        UserError: a number is not finite, or larger than `LARGEST`: with such numbers the renderer may end the process.
    """
    for value in _numbers(spec):
        if not (math.isfinite(value) and abs(value) <= LARGEST):
            raise UserError(f"the chart {key} cannot be drawn with the number {value:g}: allowed: to {LARGEST:g}")
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return OPEN.sub(lambda found: _opened(found[1], found[2], alt), smaller(_own(drawn, key)), count=1)


def _numbers(spec: dict[str, Any]) -> Iterator[float]:
    blocks: list[Any] = [spec]
    while blocks:
        block = blocks.pop()
        if isinstance(block, dict):
            blocks.extend(block.values())
        elif isinstance(block, list | tuple):
            blocks.extend(block)
        elif isinstance(block, int | float):
            yield block


def smaller(drawn: str) -> str:
    drawn = DEFAULT.sub("", EMPTY.sub("", drawn))
    drawn = TAG.sub(lambda tag: LONG.sub(r"\1", tag[0]), drawn)
    for run, name in RUNS.items():
        drawn = drawn.replace(run, name)
    drawn = HUE.sub(_classed, FRAME.sub("", drawn))
    drawn = MIDDLE.sub(r"<text\1", drawn)
    drawn = PLACE.sub(r' x="\1" y="\2"', drawn)
    for _ in range(3):  # groups in groups
        drawn = HOLLOW.sub(r"\1", drawn)
    return drawn


def _classed(hue: re.Match[str]) -> str:
    """What is in a family's colour, and whether it is a line, a bar or a marker."""
    drawn, family, wide, faint = hue.groups()
    kind = "f" if drawn == "fill" else "w" if wide else "b" if faint else "s"
    return f' class="{kind} {family}"'


def _own(drawn: str, key: str) -> str:
    """Vega counts its clips from chart to chart: an id of this chart alone is the same on each run."""
    clips = list(dict.fromkeys(CLIP.findall(drawn)))
    return CLIP.sub(lambda found: f"{key}-{clips.index(found[0])}", drawn)


def _opened(width: str, height: str, alt: str) -> str:
    box = f'viewBox="0 0 {width} {height}"'
    return f'<svg role="img" aria-label="{escape(alt)}" width="{width}" height="{height}" {box}>'
