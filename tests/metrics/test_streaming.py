"""Samples and data that are held as levels give the numbers, to the last bit, that tensors in memory give."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from configuration import params_text, task_entry
from gaussian import Gaussian
from torch import Tensor

from pipeline import paths
from pipeline.contract import Event
from pipeline.data import prepared
from pipeline.items import CompactItems, head
from pipeline.metrics.evaluation import draws, memo
from pipeline.metrics.evaluation.draws import draw, restored, stored
from pipeline.metrics.judges import fitting
from pipeline.paths import Cell
from pipeline.stages import evaluate, features, prepare
from pipeline.training import reproducible
from pipeline.training.checkpoint import Trained

CLASSIFIER = {"name": "classifier", "width": 2, "features": 4, "steps": 5}
SHAPES = {"extractor": CLASSIFIER, "side": 12}
PARAMS = params_text(
    {
        "map": task_entry("shapes", 60, 20, 30, condition="segmentation", **SHAPES),
        "luma": task_entry("shapes", 60, 20, 30, condition="grayscale", **SHAPES),
    },
    evaluation={"samples": 25, "draws": 2, "chunk": 10, "neighbours": 1, "conditions": 6, "repeats": 3, "modes": 30},
)


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    monkeypatch.setattr(memo, "of_cell", lambda *_: None)
    monkeypatch.setattr(fitting, "fit", partial(fitting.fit, steps=3))
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")


def measured(task: str) -> tuple[object, bytes, bytes]:
    """The numbers of a cell, its samples, and the features of the task."""
    prepare.main(task)
    features.main(task)
    evaluate.main(task, "toy", 4)
    cell = Cell(task, "toy", 4)
    kept = paths.features(task) / "reference.npz"
    metrics = json.loads(paths.metrics(cell).read_text(encoding="utf-8"))["metrics"]
    return metrics, paths.samples(cell).read_bytes(), kept.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["map", "luma"])
def test_a_large_cell_is_measured_as_a_small_one(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {
        "task": task,
        "model": "toy",
        "family": "toys",
        "seed": 4,
        "status": "ok",
        "parameters": 7,
        "operations": 5,
        "steps": 3,
    }
    monkeypatch.setattr("pipeline.training.checkpoint.load", lambda *_: Trained(Gaussian((3, 12, 12)), manifest))
    small = measured(task)
    monkeypatch.setattr(prepared, "LARGE", 0)
    monkeypatch.setattr(draws, "LARGE", 0)
    large = measured(task)
    assert isinstance(prepared.load(task).test[0], CompactItems)
    assert large == small


def test_samples_are_held_as_levels_as_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    event, c = Event((1, 4, 4), levels=16), torch.empty(1, 0)
    found = []
    for limit in (10**6, 0):
        monkeypatch.setattr(draws, "LARGE", limit)
        torch.manual_seed(0)
        found.append(draw(Gaussian(event.shape), event, c, count=23, chunk=5)[0])
    whole, compact = found
    assert isinstance(compact, CompactItems)
    assert compact.stored.dtype == torch.uint8
    assert torch.equal(compact[:], whole)
    assert torch.equal(head(compact, 7)[:], whole[:7])
    assert isinstance(head(compact, 7), CompactItems)
    assert torch.equal(stored(event, compact), stored(event, whole))
    assert torch.equal(restored(event, stored(event, whole))[:], whole)


def test_points_are_always_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "LARGE", 0)
    assert isinstance(draw(Gaussian((2,)), Event((2,)), torch.empty(1, 0), count=9, chunk=4)[0], Tensor)


def test_a_sample_that_is_not_finite_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Gaussian):
        def sample(self, c: Tensor) -> Tensor:
            return torch.full((len(c), *self.shape), torch.nan if len(c) < 4 else 0.0)

    monkeypatch.setattr(draws, "LARGE", 0)
    with pytest.raises(FloatingPointError, match="sample 8 is not finite"):
        draw(Broken((1, 2, 2)), Event((1, 2, 2), levels=4), torch.empty(1, 0), count=10, chunk=4)
