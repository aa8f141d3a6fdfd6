"""The stamp is fresh only as long as nothing at all was touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.run.stamp import Stamp

FILES = ("params.yaml", "dvc.yaml", "dvc.lock", "pipeline/a.py", "artifacts/train/x/model.json", "reports/results.csv")


@pytest.fixture(autouse=True)
def stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    Stamp("default").write()


def test_nothing_changed() -> None:
    assert Stamp("default").fresh()


@pytest.mark.parametrize("name", FILES)
def test_a_touched_file(name: str) -> None:
    os.utime(name, ns=(1, 1))
    assert not Stamp("default").fresh()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(name: str) -> None:
    Path(name).unlink()
    assert not Stamp("default").fresh()


def test_a_new_file() -> None:
    Path("pipeline/b.py").touch()
    assert not Stamp("default").fresh()


def test_another_selection() -> None:
    assert not Stamp("points").fresh()
    assert not Stamp("all").fresh()


def test_no_stamp_and_a_damaged_stamp() -> None:
    Path("artifacts/.fresh.json").write_text("{")
    assert not Stamp("default").fresh()
    Path("artifacts/.fresh.json").unlink()
    assert not Stamp("default").fresh()


def test_an_edit_during_a_run_is_not_stamped_as_done() -> None:
    stamp = Stamp("points")
    Path("params.yaml").write_text("edited meanwhile")
    stamp.write()
    assert not Stamp("points").fresh()
