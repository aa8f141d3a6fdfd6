"""`coverseek models`: list the models of params.yaml, describe one of them, or write the page of all recipes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline import files, paths
from pipeline.errors import UserError, suggest
from pipeline.families import catalogue
from pipeline.families.catalogue import RecipeEntry, describe
from pipeline.families.registry import find, ours
from pipeline.params import EVENTS, ModelParams, Params, load
from pipeline.results.column import DASH
from pipeline.results.outcomes import CellMetrics
from pipeline.stages.leaderboard import PIPE_WIDTH

HEAD = """# Models

Every recipe of every family, as `coverseek models --write` reads it from the code. A model in params.yaml names a
family, a recipe (its own name unless given) and the recipe's keywords; *kind of likelihood* says how its bits/dim or
nats is to be read, and the *knob* moves its samples towards the modes (1 is the model as trained).

`Count` is a whole number from 1, `Whole` and `Seed` from 0; `Positive` is above 0, `NonNegative` from 0; `Fraction`
lies in [0, 1), `Share` in (0, 1]. `coverseek models NAME` prints the entry of one model and its values in params.yaml.
"""


def main(name: str | None = None, *, write: bool = False) -> None:
    """List the models, describe the one called `name`, or write the page.

    Raises:
        UserError: params.yaml names a family, recipe or keyword that does not exist, or no model is called `name`.
    """
    if name:
        print(description(load(), name))
        return
    if write:
        with files.atomic_write(paths.MODELS) as draft:
            draft.write_text(page(), encoding="utf-8")
        print(paths.MODELS)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("events", "model", "family", "likelihood", "knob", "parameters", "suites"):
        table.add_column(title, justify="right" if title == "parameters" else "left", no_wrap=title != "suites")
    for row in _rows(load()):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False).print(table)
    print("Parameters are those of the trained cells. Equation, paper and keywords of one: coverseek models NAME")


def page() -> str:
    """docs/models.md."""
    sections = ("\n".join([f"## {family}\n", *map(_section, _merged(family))]) for family in ours())
    return "\n".join([HEAD, *sections])


def description(params: Params, name: str) -> str:
    """The recipe of a model in params.yaml, with the meaning and the value of each of its keywords.

    Raises:
        UserError: no model is called `name`.
    """
    named = [(events, params.models[events][name]) for events in EVENTS if name in params.models[events]]
    if not named:
        known = {model for events in EVENTS for model in params.models[events]}
        raise UserError(f"params.yaml has no model {name!r}; {suggest(name, known)}")
    return "\n\n".join(_describe_model(events, name, spec) for events, spec in named)


def _describe_model(events: str, name: str, spec: ModelParams) -> str:
    entry = _entry(events, name, spec)
    head = f"models.{events}.{name}: recipe {entry.recipe} of the family {entry.family}"
    facts = f"Likelihood: {entry.likelihood}. Knob: {entry.knob or 'none'}. Code: {entry.file}."
    parts = [head, fill(entry.summary, 100), f"    {entry.equation}" if entry.equation else "", facts]
    values = {k.name: spec.keywords.get(k.name, k.default) for k in entry.keywords}
    lines = [f"{k.name}: {values[k.name]} ({k.kind}, default {k.default})\n    {k.meaning}" for k in entry.keywords]
    return "\n\n".join(part for part in [*parts, "\n".join(lines)] if part)


def _rows(params: Params) -> Iterator[tuple[str, ...]]:
    for events in EVENTS:
        for model, spec in params.models[events].items():
            entry = _entry(events, model, spec)
            suites = [
                n for n, s in params.suites.items() if any(g.events == events and model in g.models for g in s.grids)
            ]
            yield (
                events, model, spec.family, entry.likelihood, entry.knob or DASH,
                _parameters(params, events, model), ", ".join(suites) or DASH,
            )  # fmt: skip


def _entry(events: str, model: str, spec: ModelParams) -> RecipeEntry:
    recipe = spec.recipe or model
    return describe(spec.family, recipe, find(spec.family, recipe, events, f"models.{events}.{model}"))


def _parameters(params: Params, events: str, model: str) -> str:
    """Of its first measured cell: 1,234, or a dash."""
    cells = (cell for cell in params.cells if cell.model == model and params.task_events[cell.task] == events)
    written = next((paths.metrics(cell) for cell in cells if paths.metrics(cell).exists()), None)
    if written is None:
        return DASH
    counted = files.read_json(written, "coverseek run", schema=CellMetrics)["metrics"].get("parameters")
    return f"{counted['value']:,}" if counted else DASH


def _merged(family: str) -> list[list[RecipeEntry]]:
    """The recipes by name: points and images of one name belong together."""
    merged: dict[str, list[RecipeEntry]] = {}
    for entry in catalogue.entries(family):
        merged.setdefault(entry.recipe, []).append(entry)
    return list(merged.values())


def _section(entries: list[RecipeEntry]) -> str:
    return "\n\n".join([f"### {entries[0].recipe}", *map(_describe, entries)]) + "\n"


def _describe(entry: RecipeEntry) -> str:
    equation = f"\n\n    {entry.equation}" if entry.equation else ""
    facts = f"Likelihood: {entry.likelihood}. Knob: {entry.knob or 'none'}. Code: [{entry.file}](../{entry.file})."
    *first, last = entry.events
    events = f"{', '.join(first)} and {last}" if first else last
    text = f"**On {events}.** {entry.summary}{equation}\n\n{facts}"
    if not entry.keywords:
        return text
    keywords = (f"- `{k.name}` (`{k.kind}`, default `{k.default}`): {k.meaning}" for k in entry.keywords)
    return "\n".join([f"{text}\n", *keywords])
