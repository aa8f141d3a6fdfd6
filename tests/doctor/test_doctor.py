"""The doctor names what is wrong and what mends it, finds nothing wrong where nothing is, and is quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from configuration import params_text, suite_entry, task_entry

from pipeline import cells, files, params, paths
from pipeline.doctor import lock_recovery
from pipeline.doctor.surroundings import LOCKS
from pipeline.paths import Cell
from pipeline.stages.doctor import main

PARAMS = params_text(
    {"toy": task_entry("digits", 9, 9, 9, extractor="classifier"), "other": task_entry("ring", 9, 9, 9)},
    points={"vae": {"family": "vae"}},
    images={"vae": {"family": "vae"}},
    suites={
        "images": suite_entry("images", ["toy"], ["vae"], question="Who?", seeds=[0, 1]),
        "points": suite_entry("points", ["other"], ["vae"], question="What?", default=False),
    },
    training={"steps": 10, "batch_size": 4, "learning_rate": 0.001},
)
FIRST, SECOND = Cell("toy", "vae", 0), Cell("toy", "vae", 1)


@pytest.fixture(autouse=True)
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished default run in the working directory; one seed diverged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    paths.PARAMS.write_text(PARAMS)
    cells.write(params.load())
    paths.PIPELINE.write_text("stages: {report: {cmd: coverseek report}}")
    paths.LOCK.write_text("schema: '2.0'\nstages: {report: {cmd: coverseek report}}\n")
    paths.REQUIREMENTS.write_text("numpy>=1 \\\n    --hash=sha256:00\nabsent==1 ; python_version < '3' \\\n")
    prepared, features = paths.prepared("toy"), paths.features("toy")
    files.write_npz(prepared / "test.npz", {"x": np.zeros(3)})
    known = {"task": "toy", "event": {"shape": [3], "levels": None}}
    splits = {"test": {"sha256": files.sha256(prepared / "test.npz")}}
    files.write_json(prepared / "manifest.json", known | {"splits": splits})
    files.write_npz(features / "reference.npz", {"test": np.zeros(3)})
    (features / "extractor.safetensors").write_text("weights")
    start = files.sha256(features / "extractor.safetensors")[:6]
    files.write_json(features / "extractor.json", {"name": "classifier", "id": f"digits-classifier@{start}"})
    weights = paths.trained(FIRST) / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_text("weights")
    recipe = {"family": "vae", "recipe": "vae", "hyper": {}}
    files.write_json(paths.trained(FIRST) / "model.json", recipe | {"status": "ok", "sha256": files.sha256(weights)})
    files.write_json(paths.trained(SECOND) / "model.json", recipe | {"status": "diverged"})


def faults(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The faults that the doctor prints; its exit code says whether there are any."""
    code = main()
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fault")]
    assert code == (1 if found else 0)
    return found


def test_where_nothing_is_wrong_there_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(capsys) == []


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        (paths.trained(FIRST) / "weights.safetensors", "coverseek train --task toy --model vae --seed 0"),
        (paths.trained(SECOND) / "model.json", "coverseek train --task toy --model vae --seed 1"),
        (paths.prepared("toy") / "test.npz", "coverseek prepare --task toy"),
        (paths.prepared("toy") / "manifest.json", "coverseek prepare --task toy"),
        (paths.features("toy") / "extractor.safetensors", "coverseek features --task toy"),
        (paths.features("toy") / "reference.npz", "coverseek features --task toy"),
        (paths.CELLS, "coverseek plan"),
        (paths.PIPELINE, "correct it; what changed in it: git diff dvc.yaml"),
        (paths.PARAMS, "correct params.yaml"),
    ],
    ids=str,
)
def test_a_damaged_file_is_named_with_its_mend(path: Path, mend: str, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("[damaged")
    (fault,) = faults(capsys)
    assert str(path) in fault
    assert fault.endswith(f"do: {mend}")


@pytest.mark.parametrize("left", ["", "{"])
def test_a_damaged_table_of_locks_is_a_fault(left: str, capsys: pytest.CaptureFixture[str]) -> None:
    LOCKS.parent.mkdir(parents=True, exist_ok=True)
    LOCKS.write_text("{}")
    assert main() == 0
    capsys.readouterr()
    LOCKS.write_text(left)
    (fault,) = faults(capsys)
    assert fault.endswith(f"do: rm -f {LOCKS}")


@pytest.mark.parametrize("left", ["", "schema: '2.0'\nstages:\n  report:\n    cmd: cov", "[damaged\n"])
def test_an_incomplete_lock_is_restored_from_the_copy(left: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = paths.LOCK.read_text()
    lock_recovery.COPY.parent.mkdir(parents=True)
    lock_recovery.COPY.write_text(expected)
    paths.LOCK.write_text(left)
    assert main() == 0
    printed = capsys.readouterr().out
    source = "restored from the copy in .dvc/tmp/coverseek/dvc.lock"
    assert f"warning dvc.lock: dvc.lock was incomplete: {source}; do: coverseek run" in printed
    assert "git checkout" not in printed
    assert paths.LOCK.read_text() == expected
    assert lock_recovery.DAMAGED.read_text() == left


def test_an_incomplete_lock_is_left_to_the_command_that_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    paths.LOCK.write_text("")
    with lock_recovery.exclusive():
        assert main() == 0
    assert "incomplete: another DVC command writes in this folder; do: wait for it" in capsys.readouterr().out
    assert paths.LOCK.read_text() == ""


def test_conflict_markers_in_the_lock_are_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    conflict = "<<<<<<< HEAD\n" + paths.LOCK.read_text()
    paths.LOCK.write_text(conflict)
    (fault,) = faults(capsys)
    assert "git checkout --ours dvc.lock" in fault
    assert paths.LOCK.read_text() == conflict


def test_what_is_missing_is_only_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    (paths.trained(SECOND) / "model.json").unlink()
    paths.trained(SECOND).rmdir()
    paths.LOCK.unlink()
    assert main() == 0
    printed = capsys.readouterr().out
    assert "warning trained models: 1 of 2 are missing; do: coverseek run" in printed
    assert "warning dvc.lock: nothing has run yet; do: coverseek run" in printed


def test_packages_are_those_of_the_lock(capsys: pytest.CaptureFixture[str]) -> None:
    paths.REQUIREMENTS.write_text("numpy==0.0.1 \\\n")
    assert main() == 0
    assert "instead of 0.0.1; do: python -m pip install" in capsys.readouterr().out
    paths.REQUIREMENTS.write_text("coverseek-absent==1 \\\n")
    (fault,) = faults(capsys)
    assert "missing: coverseek-absent" in fault


def test_a_damaged_store_is_a_fault(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert main() == 0
    assert "nothing published yet; do: coverseek publish" in capsys.readouterr().out
    Path("mlflow.db").write_text("no database" * 100)
    (fault,) = faults(capsys)
    assert "it is damaged; do: restore it from a backup, or rename it" in fault


def test_it_imports_neither_torch_nor_mlflow() -> None:
    code = "import sys; from pipeline.stages.doctor import main; main(); print({'torch', 'mlflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
