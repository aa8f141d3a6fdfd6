"""`coverseek models`: the models of params.yaml on a terminal, and the page of every recipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline import files, paths, table_formats
from pipeline.families import catalogue
from pipeline.families.catalogue import Entry, describe
from pipeline.families.registry import find, ours
from pipeline.params import ModelParams, Params, load
from pipeline.results.column import DASH
from pipeline.results.outcomes import Record
from pipeline.stages.leaderboard import PIPE_WIDTH

HEAD = """# Models

Every recipe of every family, as `coverseek models --write` reads it from the code. A model in params.yaml names a
family, a recipe (its own name unless given) and the recipe's keywords; *kind of likelihood* says how its bits/dim or
nats is to be read, and the *knob* turns it towards its modes when it samples (1 is the model as trained).

`Count` is a whole number from 1, `Whole` from 0; `Positive` is above 0, `NonNegative` from 0; `Fraction` lies in
[0, 1), `Share` in (0, 1].
"""


def main(write: bool) -> None:
    """List the models, or write the page.

    Raises:
        UserError: params.yaml names a family, recipe or keyword that does not exist.
    """
    if write:
        with files.whole(paths.MODELS) as draft:
            draft.write_text(page(), encoding="utf-8")
        print(paths.MODELS)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("events", "model", "family", "likelihood", "knob", "parameters", "suites"):
        table.add_column(title, justify="right" if title == "parameters" else "left", no_wrap=title != "suites")
    for row in _rows(load()):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False).print(table)
    print("Parameters are those of the trained cells. Equations, papers, keywords: coverseek models --write")


def page() -> str:
    """docs/models.md."""
    sections = ("\n".join([f"## {family}\n", *map(_section, _merged(family))]) for family in ours())
    return "\n".join([HEAD, *sections])


def _rows(params: Params) -> Iterator[tuple[str, ...]]:
    for events in catalogue.EVENTS:
        for model, spec in params.models[events].items():
            entry = _entry(events, model, spec)
            suites = [n for n, s in params.suites.items() if s.events == events and model in s.models]
            yield (
                events, model, spec.family, entry.likelihood, entry.knob or DASH,
                _parameters(params, events, model), ", ".join(suites) or DASH,
            )  # fmt: skip


def _entry(events: str, model: str, spec: ModelParams) -> Entry:
    recipe = spec.recipe or model
    return describe(spec.family, recipe, find(spec.family, recipe, events, f"models.{events}.{model}"))


def _parameters(params: Params, events: str, model: str) -> str:
    """Of its first measured cell: 1,234, or a dash."""
    cells = (cell for s in params.suites.values() if s.events == events for cell in s.cells() if cell.model == model)
    written = next((paths.metrics(cell) for cell in cells if paths.metrics(cell).exists()), None)
    if written is None:
        return DASH
    counted = files.read_json(written, "coverseek run", schema=Record)["metrics"].get("parameters")
    return f"{counted['value']:,}" if counted else DASH


def _merged(family: str) -> list[list[Entry]]:
    """The recipes by name: points and images of one name belong together."""
    merged: dict[str, list[Entry]] = {}
    for entry in catalogue.entries(family):
        merged.setdefault(entry.recipe, []).append(entry)
    return list(merged.values())


def _section(entries: list[Entry]) -> str:
    return "\n\n".join([f"### {entries[0].recipe}", *map(_describe, entries)]) + "\n"


def _describe(entry: Entry) -> str:
    equation = f"\n\n    {entry.equation}" if entry.equation else ""
    facts = f"Likelihood: {entry.likelihood}. Knob: {entry.knob or 'none'}. Code: [{entry.file}](../{entry.file})."
    text = f"**On {' and '.join(entry.events)}.** {entry.summary}{equation}\n\n{facts}"
    if not entry.keywords:
        return text
    columns = [
        ["keyword", *(k.name for k in entry.keywords)],
        ["takes", *(f"`{k.kind}`" for k in entry.keywords)],
        ["default", *(f"`{k.default}`" for k in entry.keywords)],
    ]
    return f"{text}\n\n{table_formats.markdown(columns)}"
