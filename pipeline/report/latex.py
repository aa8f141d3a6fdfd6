"""A table in LaTeX, for the packages booktabs, graphicx (`\\resizebox`) and xcolor (`\\textcolor`).

Words are set to the left, numbers to the right.

Every text is escaped: what stands in a table means itself, never a command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.report.markdown import WORDS
from pipeline.report.tabular import Text, Titled

ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "|": r"\textbar{}", "—": "---", "–": "--", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "∞": r"$\infty$",
        "‖": r"$\Vert$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "×": r"$\times$",
    }
)  # fmt: skip
STYLES = {"plain": "{}", "best": r"\textbf{{{}}}", "control": r"\textit{{{}}}", "blind": r"\textcolor{{gray}}{{{}}}"}
MINUS = re.compile(r"(?<![\w-])-(?=\d)")
"""Before a number, not within a word."""


def table(columns: Sequence[Titled], caption: str, label: str) -> str:
    """Controls stand below a rule. `caption` is escaped; `label`, of words and hyphens, is not."""
    rows = list(zip(*(column.texts for column in columns), strict=True))
    models = [_row(row) for row in rows if row[0].emphasis != "control"]
    controls = [_row(row) for row in rows if row[0].emphasis == "control"]
    alignment = "".join("l" if column.title in WORDS else "r" for column in columns)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{{label}}}",
        r"  \resizebox{\textwidth}{!}{%",
        rf"  \begin{{tabular}}{{{alignment}}}",
        r"    \toprule",
        f"    {' & '.join(escaped(column.title) for column in columns)} \\\\",
        r"    \midrule",
        *models,
        *([r"    \midrule"] if models and controls else []),
        *controls,
        r"    \bottomrule",
        r"  \end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """LaTeX that prints `text`."""
    return MINUS.sub("$-$", text.translate(ESCAPES))


def _row(row: Sequence[Text]) -> str:
    return f"    {' & '.join(STYLES[text.emphasis].format(escaped(text.words)) for text in row)} \\\\"
