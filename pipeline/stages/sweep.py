"""sweep: a trained model, evaluated at each setting of its knob -> artifacts/sweeps/<cell>."""

from __future__ import annotations

from pipeline import files, paths
from pipeline.metrics import knob
from pipeline.metrics.evaluation.placement import device_of
from pipeline.metrics.extractors import reference
from pipeline.metrics.extractors.reference import Reference
from pipeline.metrics.prdc import balls
from pipeline.paths import Cell
from pipeline.stages import trained as cells
from pipeline.stages.trained import TrainedCell

SELECTION = 1_000_000
"""What is added to the seed of the samples by which settings are selected."""


def main(task: str, model: str, seed: int) -> None:
    """Raises `UserError` where the model has no knob, or guidance no condition to turn towards."""
    cell = Cell(task, model, seed)
    trained = cells.load(cell)
    record = trained.known("task", "model", "family", "seed", "status")
    if trained.model is not None:
        of = reference.load(trained.data.task, device_of(trained.model))
        name = cells.knob(trained.model, cell, trained.data.task, f"take it out of the suite's sweep in {paths.PARAMS}")
        splits = {"validation": (trained.data.validation[1], seed + SELECTION), "test": (trained.data.test[1], seed)}
        values = getattr(trained.configured.knobs, name)
        selection, turned = (
            list(knob.curve(trained.model, trained.data.task, c, of, values, trained.settings, start, split))
            for split, (c, start) in splits.items()
        )
        record |= {"knob": name, "protocol": _protocol(of, trained), **knob.summary(turned, selection)}
    files.write_json(paths.sweep(cell), record)


def _protocol(of: Reference, trained: TrainedCell) -> str:
    settings = trained.settings
    real, validation = (min(settings.samples, len(split[0])) for split in (trained.data.test, trained.data.validation))
    return (
        f"test n={real}, fake n={settings.samples}, {of.extractor.id}, {balls(settings.neighbours)}, "
        f"selected on validation n={validation}"
    )
