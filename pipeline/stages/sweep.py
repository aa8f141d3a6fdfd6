"""sweep: a trained model, turned through the settings of its knob -> reports/sweeps/<cell>."""

from __future__ import annotations

from pipeline import files, paths
from pipeline.metrics import knob, reference
from pipeline.metrics.protocol import balls
from pipeline.metrics.reference import Reference
from pipeline.paths import Cell
from pipeline.stages import trained as cells
from pipeline.stages.trained import Trained


def main(task: str, model: str, seed: int) -> None:
    """Raises `UserError` where the model has no knob, or guidance no condition to turn towards."""
    cell = Cell(task, model, seed)
    trained = cells.load(cell)
    record = trained.known("task", "model", "family", "seed", "status")
    if trained.model is not None:
        of = reference.load(trained.data.task)
        name = cells.knob(trained.model, cell, trained.data.task, f"take it out of the suite's sweep in {paths.PARAMS}")
        values, c = getattr(trained.configured.knobs, name), trained.data.test[1]
        turned = list(knob.curve(trained.model, trained.data.task, c, of, values, trained.settings, seed))
        record |= {"knob": name, "protocol": _protocol(of, trained), **knob.summary(turned)}
    files.write_json(paths.sweep(cell), record)


def _protocol(of: Reference, trained: Trained) -> str:
    settings = trained.settings
    real = min(settings.samples, len(trained.data.test[0]))
    return f"test n={real}, fake n={settings.samples}, {of.extractor.id}, {balls(settings.neighbours)}"
