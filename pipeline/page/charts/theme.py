"""How the charts look: the colour and the shape of each family, ink that follows the page from light to dark.

Colours are names of the style sheet's variables, which have a value for each scheme; `pipeline.report.style` chose
them (Okabe & Ito 2008), and the shapes repeat what the colours say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import altair as alt

from pipeline.page.charts.chart import Spec
from pipeline.page.charts.static import LARGEST
from pipeline.report.style import FAMILIES

INK, FAINT = "currentColor", 0.14
FONT = "system-ui, sans-serif"
SHAPES = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross"}
OTHER_SHAPE = "wedge"
WIDTH, HEIGHT = 400, 330
"""Pixels of a panel."""

CONFIG: dict[str, Any] = {
    "aria": False,  # the whole is one image with one name; the table below it has the numbers
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "tickColor": INK, "domainColor": INK, "gridColor": INK,
        "gridOpacity": FAINT, "domainOpacity": 0.4, "ticks": False, "labelOpacity": 0.8, "labelPadding": 6, 
        "titleFontWeight": "normal", "titleFontSize": 12, "labelFontSize": 11, "titlePadding": 8,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 11, "symbolStrokeWidth": 2},
    "title": {"color": INK, "fontSize": 12, "fontWeight": 600, "anchor": "start"},
    "text": {"color": INK, "fontSize": 11},
    "concat": {"spacing": 36},
}  # fmt: skip


def colour(family: str) -> str:
    """A CSS variable of the page."""
    return f"var(--{family})" if family in FAMILIES else INK


def shape(family: str) -> str:
    return SHAPES[FAMILIES[family].marker] if family in FAMILIES else OTHER_SHAPE


def key(families: Iterable[str]) -> list[tuple[str, str]]:
    """The legend of a chart whose colours are families, in the order of the table of them."""
    found = set(families)
    known = [family for family in FAMILIES if family in found]
    return [(family, family) for family in (*known, *sorted(found - set(known)))]


def drawable(*values: float | None) -> bool:
    """Whether an axis can show these numbers, of which None is none."""
    return all(value is None or (math.isfinite(value) and abs(value) <= LARGEST) for value in values)


def data(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=cast(Any, rows))


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


def spec(chart: alt.LayerChart | alt.HConcatChart | alt.Chart) -> Spec:
    """Vega-Lite, without what names its editor."""
    made = chart.configure(**CONFIG).to_dict(validate=False)  # the tests validate: it takes most of the time
    made.pop("$schema", None)
    return made
