"""`coverseek train`: what does not fit together is refused before the first step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from clone import ROOT, small

from pipeline import paths
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages import prepare, train
from pipeline.training.resume import ResumePoints

CELL = Cell("ring", "realnvp", 0)
COMMAND = (sys.executable, "-m", "pipeline.cli", "train", "--task", CELL.task, "--model", CELL.model)


def test_a_batch_fills_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    params = small()
    params["training"]["points"].update(batch_size=1)
    paths.PARAMS.write_text(yaml.safe_dump(params))
    prepare.main("ring")
    with pytest.raises(
        UserError, match=r"models.points.pacgan.training.batch_size: 1; allowed: 2 \(its pack\) or more"
    ):
        train.main("ring", "pacgan", 0)


def test_resume_points_are_removed_when_the_training_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    save = ResumePoints.save

    def counted(points: ResumePoints, step: int, parts: Any) -> None:
        save(points, step, parts)
        written.append(len(list(paths.resume_points(CELL).iterdir())))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ResumePoints, "save", counted)
    params = small() | {"hardware": {"device": "cpu", "checkpoint_seconds": 1e-6}}
    paths.PARAMS.write_text(yaml.safe_dump(params))
    prepare.main(CELL.task)
    train.main(*CELL)
    assert written[0] == 1
    assert not paths.resume_points(CELL).exists()
    assert paths.trained(CELL).exists()


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    params = small() | {"hardware": {"device": "cpu", "checkpoint_seconds": 0.01}}
    params["training"]["points"].update(steps=600, validate_every=50)
    paths.PARAMS.write_text(yaml.safe_dump(params))
    prepare.main(CELL.task)
    for _ in range(3):
        _train_and_kill()
    output = _train()
    assert "goes on from step" in output
    resumed = _results()
    assert "goes on from step" not in _train()
    assert _results() == resumed


def _train_and_kill() -> None:
    """Kill a training when it has written another resume point."""
    before = _last_point()
    process = subprocess.Popen(COMMAND, env=_environment(), stdout=subprocess.DEVNULL)
    while process.poll() is None and _last_point() <= before:
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it was killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


def _last_point() -> int:
    names = (path.name for path in paths.resume_points(CELL).glob("*"))
    return max((int(name) for name in names if name.isdecimal()), default=0)


def _train() -> str:
    return subprocess.run(COMMAND, env=_environment(), check=True, capture_output=True, text=True).stdout


def _results() -> list[bytes]:
    return [(paths.trained(CELL) / name).read_bytes() for name in ("weights.safetensors", "curve.csv", "model.json")]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
