"""Colours and markers: one of each for every family of models, in every chart and sheet.

Colours: Okabe & Ito 2008, "Color Universal Design", which readers with a colour vision deficiency can distinguish, and
a dark brown, since the palette's yellow is too light for lines on white; the markers repeat what the colours say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Look(NamedTuple):
    """`shape` is a Vega symbol, `glyph` the character that resembles it."""

    colour: str
    shape: str
    glyph: str


FAMILIES = {
    "autoregressive": Look("#0072B2", "circle", "●"),
    "flow": Look("#E69F00", "square", "■"),
    "vae": Look("#009E73", "triangle-up", "▲"),
    "autoencoder": Look("#CC79A7", "diamond", "◆"),
    "gan": Look("#D55E00", "triangle-down", "▼"),
    "diffusion": Look("#56B4E9", "cross", "✚"),
    "energy": Look("#7A4B12", "triangle-right", "▶"),
    "control": Look("#777777", "circle", "○"),
}
OTHER = Look("#000000", "wedge", "✖")
"""A family that another package adds, and models that were trained elsewhere."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
"""Models of one family share its colour and differ by their line."""
LABELS = ("#F5F5F5", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")
"""Colours of the labels of a segmentation: the background, then the palette of Okabe & Ito."""
INK = "#333333"


def look(family: str) -> Look:
    return FAMILIES.get(family, OTHER)


def dashes(models: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    """(model, family) -> the dash pattern of each model, counted within its family."""
    counts: dict[str, int] = {}
    chosen: dict[str, list[int]] = {}
    for model, family in models:
        if model not in chosen:
            count = counts[family] = counts.get(family, -1) + 1
            chosen[model] = DASHES[count % len(DASHES)]
    return chosen


def in_order(families: Iterable[str]) -> list[str]:
    """Distinct families, in the order of `FAMILIES`, then the others by name."""
    found = set(families)
    return [*(family for family in FAMILIES if family in found), *sorted(found - set(FAMILIES))]
