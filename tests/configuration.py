"""Small configurations: the text of a params.yaml with few tasks, models and suites, one entry on each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Entries = Mapping[str, Any]


def params_text(
    tasks: Entries,
    points: Entries | None = None,
    images: Entries | None = None,
    suites: Entries | None = None,
    *,
    training: Entries | None = None,
    evaluation: Entries | None = None,
    **sections: Entries,
) -> str:
    """The text of a params.yaml.

    Args:
        tasks: as `task_entry` makes them.
        points, images: models, by name.
        suites: as `suite_entry` makes them.
        training, evaluation: settings for both kinds of event, or by name.
        sections: others, such as `knobs`.
    """
    content = {
        "tasks": tasks,
        "training": _for_both(training or {"steps": 1, "batch_size": 1, "learning_rate": 0.1}),
        "evaluation": _for_both(evaluation or {"samples": 64, "draws": 64, "chunk": 64}),
        "models": {"points": points or {}, "images": images or {}},
        "suites": suites or {},
        **sections,
    }
    return "".join(f"{_section(name, entries)}\n" for name, entries in content.items())


def task_entry(
    dataset: str, train: int, validation: int, test: int, *, extractor: str | Entries = "identity", **data: Any
) -> dict[str, Any]:
    """A task; `data` are keywords of the dataset."""
    chosen = {"name": extractor} if isinstance(extractor, str) else extractor
    sizes = {"train": train, "validation": validation, "test": test}
    return {"data": {"dataset": dataset, **data, **sizes}, "extractor": dict(chosen)}


def suite_entry(
    events: str, tasks: Sequence[str], models: Sequence[str], *, question: str = "?", default: bool = True, **more: Any
) -> dict[str, Any]:
    """A suite, with seed 0 unless `more` has `seeds`."""
    grid = {"tasks": list(tasks), "models": list(models), "seeds": [0]}
    return {"question": question, "default": default, "events": events, **grid, **more}


def _for_both(settings: Entries) -> Entries:
    by_name = any(isinstance(value, Mapping) for value in settings.values())
    return settings if by_name else {"points": settings, "images": settings}


def _section(name: str, entries: Entries) -> str:
    if not entries:
        return f"{name}: {{}}"
    return "\n".join([f"{name}:", *(f"  {key}: {_flow(value)}" for key, value in entries.items())])


def _flow(value: Any) -> str:
    """On one line, without anchors for what occurs twice."""
    return yaml.dump(value, Dumper=_Plain, default_flow_style=True, sort_keys=False, width=10_000).strip()


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
