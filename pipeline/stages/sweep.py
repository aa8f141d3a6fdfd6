"""sweep: a trained model, turned through the settings of its knob -> reports/sweeps/<cell>."""

from __future__ import annotations

from pipeline import files, params, paths
from pipeline.contract import GenerativeModel
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError
from pipeline.metrics import knob, reference
from pipeline.metrics.evidence import Settings
from pipeline.metrics.reference import Reference
from pipeline.paths import Cell
from pipeline.training import checkpoint, reproducible


def main(task: str, model: str, seed: int) -> None:
    """Raises `UserError` where the model has no knob, or guidance no condition to turn towards."""
    configured, cell = params.load(), Cell(task, model, seed)
    configured.task(task)
    reproducible.seed(seed)
    data = prepared.load(task)
    trained, manifest = checkpoint.load(cell, data.task)
    record = {key: manifest[key] for key in ("task", "model", "family", "seed", "status")}
    if trained is not None:
        name = _knob(trained, cell, data)
        settings = Settings(**configured.evaluated(cell, data.task.event.kind).model_dump())
        of = reference.load(data.task)
        turned = knob.curve(trained, data.task, data.test[1], of, getattr(configured.knobs, name), settings, seed)
        record |= {"knob": name, "protocol": _protocol(of, data, settings), **knob.summary(list(turned))}
    files.write_json(paths.sweep(cell), record)


def _knob(model: GenerativeModel, cell: Cell, data: Prepared) -> str:
    if model.knob is None:
        raise UserError(f"model {cell.model} has no knob: take it out of the suite's sweep in {paths.PARAMS}")
    if model.knob == "guidance" and data.task.condition.kind == "none":
        raise UserError(f"guidance needs a condition, and task {cell.task} has none: sweep {cell.model} on another")
    return model.knob


def _protocol(of: Reference, data: Prepared, settings: Settings) -> str:
    real = min(settings.samples, len(data.test[0]))
    return f"test n={real}, fake n={settings.samples}, {of.extractor.id}, k={settings.neighbours}"
