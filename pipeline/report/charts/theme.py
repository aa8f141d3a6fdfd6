"""How the charts look: colours and markers of the families, axes, type.

A specification names colours as the CSS variables of the page (`var(--flow)`, `currentColor`), which differ between
its light and its dark scheme; `printed` replaces them for a picture on white paper.
"""

from __future__ import annotations

import json
import math
from typing import Any, cast

import altair as alt

from pipeline.report import style

Spec = dict[str, Any]

INK, FONT = "currentColor", "system-ui, sans-serif"
PRINT_FONT = "Liberation Sans"
"""A font that the renderer brings, so that pictures do not depend on the machine."""
LARGEST = 1e15
"""Magnitude of a number in a chart: beyond it the renderer may end the process."""
CONFIG: dict[str, Any] = {
    "aria": False,  # the whole is one image with one name; the table below it has the numbers
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "tickColor": INK, "domainColor": INK, "gridColor": INK,
        "gridOpacity": 0.14, "domainOpacity": 0.4, "ticks": False, "labelOpacity": 0.8, "labelPadding": 6,
        "titleFontWeight": "normal", "titleFontSize": 12, "labelFontSize": 11, "titlePadding": 8,
    },
    "title": {"color": INK, "fontSize": 12, "fontWeight": 600, "anchor": "start"},
    "text": {"color": INK, "fontSize": 11},
    "concat": {"spacing": 36},
}  # fmt: skip


def colour(family: str) -> str:
    """A CSS variable of the page."""
    return f"var(--{family})" if family in style.FAMILIES else INK


def drawable(*values: float | None) -> bool:
    """Whether an axis can show these numbers; None is no number."""
    return all(value is None or (math.isfinite(value) and abs(value) <= LARGEST) for value in values)


def data(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=cast(Any, rows))


def rounded(value: float) -> float:
    """To five significant digits, which keeps the specification small."""
    return float(f"{value:.5g}")


def axis(field: str, title: str, *, log: bool = False, domain: list[float] | None = None) -> dict[str, Any]:
    """A channel that holds numbers."""
    scale: dict[str, Any] = {"type": "log"} if log else {"zero": False}
    labels: dict[str, Any] = {"tickCount": 5, "format": "~s" if log else "~r", "labelOverlap": True}
    if domain:
        scale |= {"domain": domain, "nice": False}
    if domain and log:
        labels |= {"values": _ticks(*domain), "format": "~s" if domain[0] > 100 else "~r"}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": labels}


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten; where they are few, with what lies at 2 and 5 between them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        found = [float(f"{digit}e{power}") for power in powers for digit in digits]
        if sum(low <= tick <= high for tick in found) > 2:
            break
    return [tick for tick in found if low <= tick <= high]


def spec(chart: alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.Chart) -> Spec:
    """The Vega-Lite specification, without the address of its schema."""
    made = chart.configure(**CONFIG).to_dict(validate=False)  # the tests validate: it takes most of the time
    made.pop("$schema", None)
    return made


def printed(made: Spec) -> Spec:
    """The same specification with fixed colours and a fixed font, on white."""
    text = json.dumps(made).replace(INK, style.INK).replace(FONT, PRINT_FONT)
    for family, known in style.FAMILIES.items():
        text = text.replace(f"var(--{family})", known.colour)
    paper: Spec = json.loads(text)
    paper["config"]["background"] = "white"
    return paper
