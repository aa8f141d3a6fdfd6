"""A workspace with four small tasks, prepared once: nothing is trained but classifiers and judges of five steps."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from configuration import params_text, suite_entry, task_entry

from pipeline import cli, files, paths
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.metrics.evaluation.draws import stored
from pipeline.metrics.judges import fitting
from pipeline.results import external
from pipeline.stages import features, prepare
from pipeline.training import reproducible

CLASSIFIER = {"name": "classifier", "width": 2, "features": 4, "steps": 5}
PARAMS = params_text(
    {
        "ring": task_entry("ring", 300, 40, 40, sigma=0.1),
        "digits": task_entry("digits", 200, 40, 40, extractor=CLASSIFIER),
        "digits_class": task_entry("digits", 200, 40, 40, condition="class", extractor=CLASSIFIER),
        "digits_box": task_entry("digits", 200, 40, 40, condition="box", extractor=CLASSIFIER),
    },
    points={"vae": {"family": "vae"}},
    images={"pixelcnn": {"family": "autoregressive", "channels": 4}},
    suites={"images": suite_entry("images", ["digits"], ["pixelcnn"], question="How?")},
    evaluation={
        "points": {"samples": 40, "draws": 2, "chunk": 20},
        "images": {"samples": 30, "draws": 2, "chunk": 20, "conditions": 6, "repeats": 2},
    },
)
TASKS = ("ring", "digits", "digits_class", "digits_box")


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("score")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(reproducible, "seed", torch.manual_seed)
        patch.setattr(fitting, "fit", partial(fitting.fit, steps=5))
        paths.PARAMS.write_text(PARAMS)
        for task in TASKS:
            prepare.main(task)
            features.main(task)
    return folder


@pytest.fixture(autouse=True)
def workspace(_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder beside the prepared tasks."""
    shutil.copy(_prepared / paths.PARAMS, tmp_path)
    shutil.copytree(_prepared / "artifacts", tmp_path / "artifacts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    return tmp_path


class Score:
    """The command, and what it works on."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str, task: str = "digits") -> str:
        """What a command that ends well prints."""
        code, out, err = self._run(words, task)
        assert code == 0, err
        return out

    def refused(self, *words: str, task: str = "digits") -> str:
        """The one line of a command that is refused, and leaves everything as it was."""
        before = self._files()
        code, _, said = self._run(words, task)
        assert (code, said.count("\n")) == (2, 1), said
        assert self._files() == before
        return said

    def record(self, name: str, task: str = "digits") -> dict[str, Any]:
        read: dict[str, Any] = json.loads(external.path(task, name).read_text())
        return read

    def data(self, task: str = "digits") -> Prepared:
        return prepared.load(task)

    def levels(self, split: str = "test", task: str = "digits") -> np.ndarray[Any, Any]:
        """x as stored: levels, or points."""
        data = self.data(task)
        return stored(data.task.event, getattr(data, split)[0]).numpy()

    def _run(self, words: tuple[str, ...], task: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main(["score", "--task", task, *words])
        out, err = self.capsys.readouterr()
        return int(end.value.code or 0), out, err

    def _files(self) -> dict[str, str]:
        return {str(path): files.sha256(path) for path in Path().rglob("*") if path.is_file()}


@pytest.fixture
def score(capsys: pytest.CaptureFixture[str]) -> Score:
    return Score(capsys)
