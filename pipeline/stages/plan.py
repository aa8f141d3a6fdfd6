"""plan: params.yaml and the sources of `pipeline` -> plan/cells.json and plan/parameters.json, which dvc.yaml reads.

cells.json lists the tasks, and the cells that the suites select, as DVC's `foreach` takes them. DVC reads it before it
runs any stage, so that it cannot be written by a stage of the same `dvc repro`.

parameters.json has one hash for each kind of work and task or model, over its settings and the code that it can reach.
A stage depends on one entry of it and not on params.yaml, which DVC would parse anew for each of its stages.

Families are imported by name, where no import graph sees it: so each model's entry names its family's recipe too, and
an edit in `families/gan/` makes the cells of that family stale and no others. What params.yaml names and another
package brings counts with that package's code, and with what of ours that imports: a family in its own cells, a dataset
wherever data are prepared, an extractor wherever features are fitted or used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from pipeline import cells, files, params, paths, plugins
from pipeline.cells import evaluation_group
from pipeline.errors import UserError
from pipeline.import_closure import Sources
from pipeline.metrics import registry
from pipeline.params import EVENTS, Events, Params, TaskParams
from pipeline.paths import Cell
from pipeline.plugins import Group
from pipeline.results import external, published

GROUPS: dict[str, Group | None] = {
    "prepare": "datasets", "features": "extractors", "train": None, "evaluate": "extractors", "sweep": "extractors",
    "report": None,
}  # fmt: skip
"""Stage -> what it calls by a name that params.yaml gives, besides a family."""
FOLDERS = (paths.sweep(Cell("", "", 0)).parent, external.FOLDER)
"""The report depends on them, also where no cell is swept and nothing was scored."""

ADDED = {"keep": "best"}
"""Settings of trainings that came later, each with the value at which a training is what it was before."""

Brought = dict[Group, dict[str, str]]
"""Group -> name -> the hash of the code that another package brings by that name."""
Foreign = tuple[Group, str]


class Family(NamedTuple):
    """A family of models; `foreign`: another package brings it."""

    name: str
    foreign: bool


def main(check: bool) -> None:
    """Write both files. With `check`, as the stage of dvc.yaml, parameters.json alone.

    Raises:
        UserError: with `check`, where cells.json does not list the cells of params.yaml.
    """
    settings = params.load()
    if not check:
        cells.write(settings)
    elif cells.is_stale(settings):
        raise UserError(cells.STALE)
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
    files.write_json(paths.PARAMETERS, parameters(settings))


def parameters(settings: Params) -> dict[str, Any]:
    """parameters.json.

    Returns:
        {"prepare": {task: hash}, "features": {task: hash}, "train": {events: {model: hash}}, "evaluate": {evaluation:
        {model: hash}}, "sweep": {evaluation: {model: hash}}, "report": hash, "brought": {group: {name: hash}}} with
        the models of the suites. `evaluation` is an event kind, or one and an entry of `evaluation`: `images_modes`.

    Raises:
        UserError: a family does not exist, or is ours and another package's.
    """
    settings = cells.in_graph(settings)
    sources, brought = Sources(), elsewhere(settings)
    found: dict[str, Any] = {
        "prepare": {
            name: _hash(sources, brought, "prepare", _block(task.data)) for name, task in settings.tasks.items()
        },
        "features": {
            name: _hash(sources, brought, "features", _extractors(task) | _device(settings))
            for name, task in settings.tasks.items()
        },
    }
    families = _families(sources, settings)
    for stage, selected in (("train", settings.cells), ("evaluate", settings.cells), ("sweep", settings.sweeps)):
        found[stage] = {}
        for events, group, model, evaluation in dict.fromkeys(_work(settings, stage, cell) for cell in selected):
            family = families[events, model]
            of = _model_settings(settings, stage, events, model, evaluation)
            found[stage].setdefault(group, {})[model] = _hash(sources, brought, stage, of, family)
    of = settings.model_dump(mode="json", include={"suites", "models", "tasks"})
    if published.PATH.exists():
        of["published"] = files.sha256(published.PATH)
    return found | {"report": _hash(sources, brought, "report", of), "brought": brought}


def _work(settings: Params, stage: str, cell: Cell) -> tuple[Events, str, str, str]:
    """(event kind, group of parameters.json, model, entry of `evaluation`) of a cell."""
    events = settings.task_events[cell.task]
    group = events if stage == "train" else evaluation_group(settings, cell.task)
    return events, group, cell.model, "" if stage == "train" else settings.evaluation_of(cell.task, events)[0]


def _block(block: BaseModel) -> dict[str, Any]:
    return block.model_dump(mode="json")


def _extractors(task: TaskParams) -> dict[str, Any]:
    second = {"second_extractor": _block(task.second_extractor)} if task.second_extractor else {}
    return _block(task.extractor) | second


def _device(settings: Params) -> dict[str, str]:
    """The kind of device where it is not the CPU."""
    kind = settings.device.partition(":")[0]
    return {} if kind == "cpu" else {"device": kind}


def _model_settings(settings: Params, stage: str, events: Events, model: str, evaluation: str) -> Any:
    """What a stage reads of params.yaml for a model, and on which kind of device."""
    if stage == "train":
        of = settings.model(events, model).model_dump(mode="json") | settings.train(events, model).model_dump()
    else:
        of = settings.evaluation[evaluation].model_dump(mode="json")
    return of | _device(settings) | ({"knobs": settings.knobs.model_dump(mode="json")} if stage == "sweep" else {})


def elsewhere(settings: Params) -> Brought:
    """What params.yaml names and another package brings."""
    named: dict[Group, set[str]] = {
        "models": {spec.family for events in EVENTS for spec in settings.models[events].values()},
        "datasets": {task.data.dataset for task in settings.tasks.values()},
        "extractors": {name for task in settings.tasks.values() for name in task.extractors},
    }
    return {
        group: {name: plugins.code(entry) for name, entry in plugins.announced(group).items() if name in names}
        for group, names in named.items()
    }


def entries(stage: str, family: str | None = None) -> tuple[str, ...]:
    """The modules that a stage starts from; `family` is one of ours.

    Metrics are found by listing their folder, which no import graph shows.
    """
    metrics = registry.declared() if stage in ("evaluate", "report") else ()
    return (f"pipeline.stages.{stage}", *([f"pipeline.families.{family}.recipe"] if family else []), *metrics)


def _families(sources: Sources, settings: Params) -> dict[tuple[Events, str], Family]:
    """(event kind, model) -> its family, and whether another package brings it."""
    ours = {module.split(".")[2] for module in sources.graph.modules if module.endswith(".recipe")}
    found: dict[tuple[Events, str], Family] = {}
    families: dict[str, Family] = {}
    for events in EVENTS:
        for model, spec in settings.models[events].items():
            if spec.family not in families:  # each search reads the metadata of all installed packages
                where = f"{paths.PARAMS}: models.{events}.{model}.family"
                foreign = plugins.find("models", spec.family, ours, where) is not None
                families[spec.family] = Family(spec.family, foreign)
            found[events, model] = families[spec.family]
    return found


def _hash(sources: Sources, brought: Brought, stage: str, settings: object, family: Family | None = None) -> str:
    """<code>-<settings>: a hash of the code that a stage can reach, with what other packages bring to it, and one of
    the settings that it reads."""
    modules = entries(stage, family.name if family and not family.foreign else None)
    group = GROUPS[stage]
    foreign: list[Foreign] = [("models", family.name)] if family and family.foreign else []
    foreign += [(group, name) for name in sorted(brought[group])] if group else []
    roots = [root for of, name in foreign for root in plugins.roots(plugins.announced(of)[name])]
    code = sources.hash(sources.closure(*modules, *sources.imported(roots)))
    lines = [code, *(f"{of} {name} {brought[of][name]}" for of, name in foreign)]
    return f"{_digits(chr(10).join(lines))}-{_digits(json.dumps(settings, sort_keys=True))}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_before(settings: Params, cell: Cell) -> str | None:
    """The hash of a training's settings in plans that were made before those of `ADDED`; None where one of these
    settings makes it another training."""
    events = settings.task_events[cell.task]
    training = settings.train(events, cell.model).model_dump()
    if any(training.pop(key) != value for key, value in ADDED.items()):
        return None
    of = settings.model(events, cell.model).model_dump(mode="json") | training | _device(settings)
    return _digits(json.dumps(of, sort_keys=True))


def is_same_setting(one: str, other: object) -> bool:
    """Whether two hashes differ at most in the code."""
    return isinstance(other, str) and one.partition("-")[2] == other.partition("-")[2]


def at(content: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key, None where there is none: DVC's way to name a parameter."""
    for part in key.split("."):
        content = content.get(part, {}) if isinstance(content, Mapping) else {}
    return content or None
