"""An edit of one metric computes that metric alone, and the files are those of measuring everything anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline import paths
from pipeline.contract import GenerativeModel, Player
from pipeline.import_closure import Sources
from pipeline.metrics.evaluation import code_hash, measure, memo
from pipeline.metrics.registry import Entry, Metric
from pipeline.metrics.second_extractor import NAMES
from pipeline.stages import evaluate, features, prepare
from pipeline.stages.plan import entries
from pipeline.training import reproducible
from pipeline.training.checkpoint import Trained

PARAMS = """
tasks:
  ring:
    data: {dataset: ring, sigma: 0.1, train: 200, validation: 20, test: 60}
    extractor: {name: identity}
  digits:
    data: {dataset: digits, train: 200, validation: 20, test: 40}
    extractor: {name: classifier, width: 2, features: 4, steps: 5}
training:
  points: {steps: 1, batch_size: 1, learning_rate: 0.1}
  images: {steps: 1, batch_size: 1, learning_rate: 0.1}
evaluation:
  points: {samples: 50, draws: 2, chunk: 20}
  images: {samples: 30, draws: 2, chunk: 20}
models: {points: {}, images: {}}
suites: {}
"""


class Sampler(GenerativeModel):
    """Counts its samples."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.drawn = shape, 0

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        self.drawn += len(c)
        return torch.randn(len(c), *self.shape).clamp(-1, 1)


class Cell:
    """A trained cell, evaluated as often as is asked for."""

    def __init__(self, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.task, self.model = task, Sampler((2,) if task == "ring" else (1, 8, 8))
        self.hashes, self.computed = dict(code_hash.metric_hashes()), Counter[str]()
        manifest = {
            "task": task,
            "model": "toy",
            "family": "gan",
            "seed": 4,
            "status": "ok",
            "parameters": 7,
            "operations": 5,
            "steps": 3,
        }
        monkeypatch.setattr("pipeline.training.checkpoint.load", lambda cell, task: Trained(self.model, manifest))
        monkeypatch.setattr(memo, "metric_hashes", lambda: dict(self.hashes))
        original = measure.entry

        def counted(metric: Metric, context: Any) -> Entry:
            self.computed[metric.name] += 1
            return original(metric, context)

        monkeypatch.setattr(measure, "entry", counted)
        weights = Path(f"artifacts/train/{task}-toy-4/weights.safetensors")
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"weights")
        self.weights = weights
        prepare.main(task)
        features.main(task)

    def evaluate(self) -> tuple[bytes, bytes]:
        """The bytes of both files."""
        self.computed.clear()
        evaluate.main(self.task, "toy", 4)
        of = paths.Cell(self.task, "toy", 4)
        metrics, samples = (path(of).read_bytes() for path in (paths.metrics, paths.samples))
        return metrics, samples


@pytest.fixture(params=["ring", "digits"])
def cell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    return Cell(request.param, monkeypatch)


def test_an_edit_of_one_metric_computes_that_metric_alone_from_the_same_samples(cell: Cell) -> None:
    anew = cell.evaluate()
    assert cell.computed["vendi"] == cell.computed["recall"] == 1
    drawn = cell.model.drawn
    cell.hashes["vendi"] = "edited"
    assert cell.evaluate() == anew
    assert cell.computed == {"vendi": 1}
    evaluated = cell.model.drawn - drawn
    assert evaluated < drawn  # the operations of a few samples are counted again
    assert cell.evaluate() == anew
    assert not cell.computed


def test_other_weights_are_measured_anew(cell: Cell) -> None:
    cell.evaluate()
    cell.weights.write_bytes(b"other weights")
    cell.evaluate()
    assert cell.computed["vendi"] == cell.computed["recall"] == 1


def test_damaged_samples_are_drawn_anew(cell: Cell) -> None:
    anew = cell.evaluate()
    Path(f"artifacts/memo/{cell.task}-toy-4.npz").write_bytes(b"damaged")
    cell.hashes["recall"] = "edited"
    assert cell.evaluate() == anew


def test_the_hash_of_a_metric_covers_its_module_and_what_that_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash.computed(Sources())

    def edited(*modules: str) -> set[str]:
        original = Sources._of
        with monkeypatch.context() as patch:
            patch.setattr(Sources, "_of", lambda self, name: "edited" if name in modules else original(self, name))
            after = code_hash.computed(Sources())
        return {name for name in before if after[name] != before[name]}

    assert edited("pipeline.metrics.vendi") == {"vendi"}
    second = {f"{name}_second" for name in NAMES}
    assert edited("pipeline.metrics.frechet") == {"frechet", "frechet_infinity"} | second
    assert {"precision", "conditional_recall", "f_8"} & edited("pipeline.metrics.prdc") == {
        "precision",
        "conditional_recall",
    }
    assert edited("pipeline.metrics.neighbours.int8") >= {"recall", "authenticity", "conditional_diversity"}
    assert "kernel" not in edited("pipeline.metrics.neighbours.int8")
    assert edited("pipeline.families.vae.recipe") == {"sampling/vae"}
    assert edited("pipeline.metrics.registry") >= {"nats", "vendi", "box_iou_floor"}


def test_an_edit_of_a_metric_makes_evaluations_and_the_report_stale() -> None:
    sources = Sources()
    for stage in ("evaluate", "report"):
        assert "pipeline.metrics.vendi" in sources.closure(*entries(stage))
