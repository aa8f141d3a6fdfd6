"""code: the sources of `pipeline` -> reports/code.json, one hash for each thing that a stage can depend on.

Families are imported by name, where no import graph sees it: so each model's entry names its family's recipe too, and
an edit in `families/gan/` makes the cells of that family stale and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import files, params, paths
from pipeline.closure import Sources
from pipeline.errors import UserError, suggest
from pipeline.params import ModelParams, Params
from pipeline.paths import Cell
from pipeline.report import scored

WHOLE = ("prepare", "features", "report")
FOLDERS = (paths.sweep(Cell("", "", 0)).parent, scored.FOLDER)
"""The report depends on them, and a folder that nobody writes to has to be there too: a grid may turn no knob."""
PER_MODEL = ("train", "evaluate", "sweep")


def main() -> None:
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
    files.write_json(paths.CODE, hashes(params.load()))


def hashes(settings: Params) -> dict[str, Any]:
    """{"prepare": h, "features": h, "report": h, "train": {events: {model: h}}, "evaluate": likewise, "sweep": ...}."""
    sources = Sources()
    whole: dict[str, Any] = {stage: sources.hash(sources.closure(*entries(stage))) for stage in WHOLE}
    return whole | {stage: _per_model(sources, stage, settings) for stage in PER_MODEL}


def entries(stage: str, family: str | None = None) -> tuple[str, ...]:
    """The modules that a stage starts from."""
    return (f"pipeline.stages.{stage}", *([f"pipeline.families.{family}.recipe"] if family else []))


def _per_model(sources: Sources, stage: str, settings: Params) -> dict[str, dict[str, str]]:
    return {
        events: {
            model: _model(sources, stage, spec, f"models.{events}.{model}")
            for model, spec in settings.models[events].items()
        }
        for events in ("points", "images")
    }


def _model(sources: Sources, stage: str, spec: ModelParams, where: str) -> str:
    try:
        return sources.hash(sources.closure(*entries(stage, spec.family)))
    except KeyError:
        families = [m.split(".")[2] for m in sources.graph.modules if m.endswith(".recipe")]
        hint = suggest(spec.family, families)
        raise UserError(f"{paths.PARAMS}: {where}.family: unknown {spec.family!r}; {hint}") from None


def at(content: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key, None where there is none: DVC's way to name a parameter."""
    for part in key.split("."):
        content = content.get(part, {}) if isinstance(content, Mapping) else {}
    return content or None
