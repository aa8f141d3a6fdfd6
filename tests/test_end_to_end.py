"""From params.yaml to MLflow at toy size: what runs first, what runs again after an edit, and whether bytes repeat."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml
from clone import ROOT, call, clone, locked, toy

pytestmark = pytest.mark.slow

CELLS = [
    f"{stage} {cell}-0"
    for stage in ("train", "evaluate")
    for cell in ("ring-gan_nonsaturating", "ring-oracle", "digits-vae")
] + ["sweep ring-gan_nonsaturating-0", "sweep digits-vae-0"]
TASKS = [f"{stage} {task}" for stage in ("prepare", "features") for task in ("ring", "digits")]
GAN = {f"{stage} ring-gan_nonsaturating-0" for stage in ("train", "evaluate", "sweep")}


def run(folder: Path) -> str:
    return call(folder, "coverseek", "run", "-j", "2")


def ran(output: str) -> set[str]:
    return set(re.findall(r"^\[\d+/\d+\] (.+) [\d.]+ s(?:,|$)", output, re.MULTILINE))


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A clone in which `coverseek run` ended well, and what it said."""
    folder = clone(ROOT, tmp_path_factory.mktemp("end") / "first", toy())
    return folder, run(folder)


def test_the_first_run_makes_everything(finished: tuple[Path, str]) -> None:
    folder, output = finished
    assert ran(output) == {"plan", *TASKS, *CELLS, "report"}
    for made in ("dvc.lock", "mlflow.db", "reports/results.csv", "reports/leaderboard.md", "reports/figures"):
        assert (folder / made).exists(), made
    with sqlite3.connect(folder / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone()[0] == 2 * 3  # a parent and a child for each
    database.close()
    assert "Nothing changed since the last run." in run(folder)


def test_dvc_gives_the_same_bytes_and_agrees_with_the_runner(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = clone(finished[0], tmp_path / "second", toy())
    call(folder, "dvc", "repro", "-q")
    assert locked(folder) == locked(finished[0])
    assert not ran(run(folder))
    assert "up to date" in call(finished[0], "dvc", "repro")


def test_an_edit_re_runs_what_depends_on_it(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(finished[0], folder, ignore=shutil.ignore_patterns("mlflow.db", "mlruns", "__pycache__"))
    edit(folder / "pipeline/families/gan/gan.py", '"""', '"""Better words. ')
    assert ran(run(folder)) == {"plan"}
    before = (folder / "params.yaml").read_text()
    params = yaml.safe_load(before)
    params["models"]["points"]["gan_nonsaturating"]["training"] = {"steps": 6}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert ran(run(folder)) == {"plan", *GAN, "report"}
    (folder / "params.yaml").write_text(before)
    again = run(folder)
    assert ran(again) == {"plan", "report"}
    assert "3 restored from the cache" in again
    edit(folder / "pipeline/families/gan/gan.py", "\nclass GAN", "\nSPEED = 1\n\n\nclass GAN")
    assert ran(run(folder)) == {"plan", *GAN, "report"}
