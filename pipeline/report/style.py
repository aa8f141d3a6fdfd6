"""How the figures look: one colour and one marker for each family, everywhere, and the same bytes for the same numbers.

Colours: Okabe & Ito 2008, "Color Universal Design", told apart with every common colour blindness; the markers repeat
what the colours say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Look(NamedTuple):
    colour: str
    marker: str


FAMILIES = {
    "autoregressive": Look("#0072B2", "o"),
    "flow": Look("#E69F00", "s"),
    "vae": Look("#009E73", "^"),
    "autoencoder": Look("#CC79A7", "D"),
    "gan": Look("#D55E00", "v"),
    "diffusion": Look("#56B4E9", "P"),
    "control": Look("#777777", "o"),
}
OTHER = Look("#000000", "X")
DASHES = ("-", "--", ":", "-.")
"""Models of one family share its colour and differ by their line."""
LABELS = ("#F5F5F5", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")
"""A segmentation's: the background, then the palette of Okabe & Ito."""
INK = "#333333"
DPI = 100

SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
}


def look(family: str) -> Look:
    return FAMILIES.get(family, OTHER)


def dashes(models: Iterable[tuple[str, str]]) -> dict[str, str]:
    """(model, family) -> the line style of each model, counted within its family."""
    counts: dict[str, int] = {}
    chosen: dict[str, str] = {}
    for model, family in models:
        if model not in chosen:
            count = counts[family] = counts.get(family, -1) + 1
            chosen[model] = DASHES[count % len(DASHES)]
    return chosen


@contextmanager
def settled() -> Iterator[None]:
    """The same settings on every machine, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def sheet(width: float, height: float) -> Figure:
    """An empty figure, inches, on an Agg canvas of its own: no global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panels(count: int, side: float) -> tuple[Figure, list[Axes]]:
    """`count` square panels of `side` inches in rows of at most four, as equally filled as can be."""
    rows = -(-count // 4)
    columns = -(-count // rows)
    figure = sheet(columns * side, rows * (side + 0.25))
    axes = [axis for row in figure.subplots(rows, columns, squeeze=False) for axis in row]
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_box_aspect(1)
        axis.spines[:].set_visible(True)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", metadata={"Software": None})
