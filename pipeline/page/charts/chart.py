"""What a chart is: a Vega-Lite specification, the words that stand for it, and the table of what it draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from pipeline.page.charts import static

Spec = dict[str, Any]


class Table(NamedTuple):
    """`rows`: the first cell of each is its head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """`key` is its anchor; `title` its caption; `alt` what it shows, in words, for those who do not see it."""

    key: str
    title: str
    alt: str
    spec: Spec
    table: Table
    legend: Sequence[tuple[str, str]] = ()
    """(what is drawn, its family)."""
    wide: bool = False
    """Of several panels side by side: it takes a row of its own, and is not made smaller than it is."""

    @cached_property
    def svg(self) -> str:
        return static.svg(self.spec, self.alt, self.key)

    @property
    def width(self) -> int:
        """Pixels that it is drawn for."""
        found = re.search(r'width="(\d+)', self.svg)
        return int(found[1]) if found else 0
