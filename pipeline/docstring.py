"""The parts of a recipe's docstring, for the pages that show them.

    Summary (paper). More of the summary.

    Equation: one or more lines, up to the first empty one. It may also follow the summary in the same paragraph.

    Args:
        keyword: meaning, unit, range.

Any other paragraph belongs to the summary. Nothing is imported, so that a report reads recipes without torch.
"""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple


class Docstring(NamedTuple):
    """Each text is one line; `equation` is empty and `keywords` has no entry where the docstring says nothing."""

    summary: str
    equation: str
    keywords: dict[str, str]


def parse(text: str | None) -> Docstring:
    """Split a docstring into its summary, its equation and the meanings of its keywords."""
    separated = re.sub(r"(?<=\S)[ \n]+(?=Equation:)", "\n\n", inspect.cleandoc(text or ""))
    paragraphs = re.split(r"\n\s*\n", separated)
    equations = [p.removeprefix("Equation:") for p in paragraphs if p.startswith("Equation:")]
    arguments = [p.removeprefix("Args:") for p in paragraphs if p.startswith("Args:")]
    summary = [p for p in paragraphs if not p.startswith(("Equation:", "Args:"))]
    pairs = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", "\n".join(arguments), flags=re.MULTILINE)
    return Docstring(
        summary=_line(" ".join(summary)),
        equation=_line(" ".join(equations)).rstrip("."),
        keywords={name: _line(meaning) for name, meaning in pairs},
    )


def _line(text: str) -> str:
    return " ".join(text.split())
