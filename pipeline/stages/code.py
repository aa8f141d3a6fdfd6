"""code: the sources of `pipeline` -> reports/code.json, one hash for each thing that a stage can depend on.

Families are imported by name, where no import graph sees it: so each model's entry names its family's recipe too, and
an edit in `families/gan/` makes the cells of that family stale and no others. What params.yaml names and another
package brings counts with that package's code, and with what of ours that imports: a family in its own cells, a dataset
wherever data are prepared, an extractor wherever features are fitted or used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline import files, params, paths, plugins
from pipeline.closure import Sources
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.plugins import Group
from pipeline.results import external

WHOLE: dict[str, Group | None] = {"prepare": "datasets", "features": "extractors", "report": None}
PER_MODEL: dict[str, Group | None] = {"train": None, "evaluate": "extractors", "sweep": "extractors"}
"""Stage -> what it calls by a name that params.yaml gives, beside a family."""
FOLDERS = (paths.sweep(Cell("", "", 0)).parent, external.FOLDER)
"""The report depends on them, and a folder that nobody writes to has to be there too: a grid may turn no knob."""
EVENTS = ("points", "images")

Brought = dict[Group, dict[str, str]]
"""Group -> name -> the hash of the code that another package brings by that name."""
Foreign = tuple[Group, str]


def main() -> None:
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
    files.write_json(paths.CODE, hashes(params.load()))


def hashes(settings: Params) -> dict[str, Any]:
    """{"prepare": h, "features": h, "report": h, "train": {events: {model: h}}, "evaluate": likewise, "sweep": ...,
    "brought": {group: {name: h}}}.

    Raises:
        UserError: a family is nobody's, or ours and another package's.
    """
    sources, brought = Sources(), elsewhere(settings)
    found: dict[str, Any] = {"brought": brought}
    for stage, group in WHOLE.items():
        found[stage] = _hash(sources, brought, entries(stage), _of(brought, group))
    for stage in PER_MODEL:
        found[stage] = {events: _models(sources, stage, events, settings, brought) for events in EVENTS}
    return found


def elsewhere(settings: Params) -> Brought:
    """What params.yaml names and another package brings."""
    named: dict[Group, set[str]] = {
        "models": {spec.family for events in EVENTS for spec in settings.models[events].values()},
        "datasets": {task.data.dataset for task in settings.tasks.values()},
        "extractors": {task.extractor.name for task in settings.tasks.values()},
    }
    return {
        group: {name: plugins.code(entry) for name, entry in plugins.announced(group).items() if name in names}
        for group, names in named.items()
    }


def entries(stage: str, family: str | None = None) -> tuple[str, ...]:
    """The modules that a stage starts from; `family` is one of ours."""
    return (f"pipeline.stages.{stage}", *([f"pipeline.families.{family}.recipe"] if family else []))


def _models(sources: Sources, stage: str, events: str, settings: Params, brought: Brought) -> dict[str, str]:
    ours = {module.split(".")[2] for module in sources.graph.modules if module.endswith(".recipe")}
    extractors, found = _of(brought, PER_MODEL[stage]), {}
    for model, spec in settings.models[events].items():
        where = f"{paths.PARAMS}: models.{events}.{model}.family"
        foreign = plugins.find("models", spec.family, ours, where) is not None
        family: list[Foreign] = [("models", spec.family)] if foreign else []
        found[model] = _hash(sources, brought, entries(stage, None if foreign else spec.family), [*family, *extractors])
    return found


def _of(brought: Brought, group: Group | None) -> list[Foreign]:
    return [(group, name) for name in sorted(brought[group])] if group else []


def _hash(sources: Sources, brought: Brought, modules: Iterable[str], foreign: Sequence[Foreign]) -> str:
    """Of all that `modules` can reach, and what other packages bring to it; the former alone where nobody does."""
    roots = [root for group, name in foreign for root in plugins.roots(plugins.announced(group)[name])]
    own = sources.hash(sources.closure(*modules, *sources.imported(roots)))
    if not foreign:
        return own
    lines = [own, *(f"{group} {name} {brought[group][name]}" for group, name in foreign)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def at(content: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key, None where there is none: DVC's way to name a parameter."""
    for part in key.split("."):
        content = content.get(part, {}) if isinstance(content, Mapping) else {}
    return content or None
