"""A killed evaluation that is started again ends with the bytes of one that was not, and computes no chunk twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from configuration import params_text, task_entry
from torch import Tensor

from pipeline import paths
from pipeline.contract import GenerativeModel, Player, Weighted
from pipeline.data import prepared
from pipeline.metrics.evaluation import memo
from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks
from pipeline.metrics.judges import fitting
from pipeline.paths import Cell
from pipeline.stages import evaluate, features, prepare
from pipeline.training import reproducible
from pipeline.training.checkpoint import Trained

CELL = Cell("digits", "toy", 4)
PARAMS = params_text(
    {"digits": task_entry("digits", 60, 20, 30, condition="class", extractor="identity")},
    evaluation={"samples": 25, "draws": 3, "chunk": 10, "neighbours": 1, "conditions": 4, "repeats": 5},
    hardware={"checkpoint_seconds": 1e-9},
)
"""Every chunk is written."""


class Killed(BaseException):
    """As a signal: nothing catches it."""


class NoisyBound(GenerativeModel, Weighted):
    """A model with random log-weights, whose process is killed at the call with the number `end`."""

    def __init__(self, end: int | None = None) -> None:
        super().__init__()
        self.calls, self.end = 0, end

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        self._count()
        return torch.rand(len(c), 1, 8, 8) * 2 - 1

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        self._count()
        return -x.square().flatten(1).sum(dim=1) + torch.randn(len(x))

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.end:
            raise Killed


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    monkeypatch.setattr(memo, "of_cell", lambda *_: None)
    monkeypatch.setattr(evaluate, "operation_counts", lambda *_: {})
    monkeypatch.setattr(fitting, "fit", partial(fitting.fit, steps=3))
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    prepare.main("digits")
    features.main("digits")


def run(monkeypatch: pytest.MonkeyPatch, model: NoisyBound, weights: str = "one") -> tuple[bytes, bytes]:
    """The files of the cell; `weights` is their hash in its manifest."""
    task = prepared.described("digits")
    manifest = {"task": "digits", "family": "toy", "parameters": 0, "operations": 0, "steps": 0, "sha256": weights}
    monkeypatch.setattr("pipeline.training.checkpoint.load", lambda *_: Trained(model, manifest))
    assert task.condition.kind == "class"
    evaluate.main(*CELL)
    return paths.metrics(CELL).read_bytes(), paths.samples(CELL).read_bytes()


def test_an_evaluation_goes_on_where_it_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = NoisyBound()
    expected = run(monkeypatch, whole)
    assert not paths.evaluation_chunks(CELL).exists()
    for end in range(1, whole.calls + 1):
        killed, second = NoisyBound(end), NoisyBound()
        with pytest.raises(Killed):
            run(monkeypatch, killed)
        assert run(monkeypatch, second) == expected, f"killed at call {end}"
        again = killed.calls + second.calls - whole.calls
        assert again <= 3, f"killed at call {end}: more than the draws of one chunk are computed twice"
        assert not paths.evaluation_chunks(CELL).exists()


def test_damaged_chunks_and_those_of_other_inputs_are_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = run(monkeypatch, NoisyBound())
    with pytest.raises(Killed):
        run(monkeypatch, NoisyBound(end=8))
    files = sorted(paths.evaluation_chunks(CELL).glob("*"))
    files[1].write_bytes(files[1].read_bytes()[:-7])
    assert run(monkeypatch, NoisyBound()) == expected
    assert capsys.readouterr().out.count("evaluation chunks ignored") == 1
    with pytest.raises(Killed):
        run(monkeypatch, NoisyBound(end=8))
    assert run(monkeypatch, NoisyBound(), weights="two") == expected
    assert "other code, data or settings" in capsys.readouterr().out


def test_a_short_evaluation_writes_no_chunk(tmp_path: Path) -> None:
    chunks = EvaluationChunks(tmp_path / "none", {}, interval=3600)
    value, _ = chunks.compute("x", lambda: torch.ones(2))
    assert value.tolist() == [1, 1]
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_costs_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    chunks = EvaluationChunks(tmp_path / "file", {}, interval=1e-9)
    assert chunks.compute("x", lambda: torch.ones(1))[0].tolist() == [1]
    assert "cannot be written" in capsys.readouterr().out
