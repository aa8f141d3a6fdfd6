"""From params.yaml to MLflow at toy size: what runs first, what runs again after an edit, and whether bytes repeat."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
COMMAND = f"#!{sys.executable}\nfrom pipeline.cli import main\n\nif __name__ == '__main__':\n    main()\n"
CELLS = [
    f"{stage} {cell}-0"
    for stage in ("train", "evaluate")
    for cell in ("ring-gan_nonsaturating", "ring-oracle", "digits-vae")
] + ["sweep ring-gan_nonsaturating-0", "sweep digits-vae-0"]
SUITES = ("points", "images")
TASKS = [f"{stage} {task}" for stage in ("prepare", "features") for task in ("ring", "digits")]
GAN = {f"{stage} ring-gan_nonsaturating-0" for stage in ("train", "evaluate", "sweep")}


def toy(params: dict[str, Any]) -> dict[str, Any]:
    """The real configuration over three cells, at a size at which each takes a second."""
    params["tasks"] = {name: params["tasks"][name] for name in ("ring", "digits")}
    params["tasks"]["ring"]["data"].update(train=512, validation=128, test=128)
    params["tasks"]["digits"]["data"].update(train=200, validation=64, test=64)
    params["tasks"]["digits"]["extractor"]["steps"] = 4
    for events in ("points", "images"):
        params["training"][events].update(steps=8, validate_every=4, batch_size=32)
        params["evaluation"][events].update(samples=64, draws=2, chunk=64)
    for block in (params["models"]["points"]["gan_nonsaturating"], params["models"]["images"]["vae"]):
        block.pop("training", None)
    params["suites"] = {name: params["suites"][name] for name in SUITES}
    params["suites"]["points"].update(
        tasks=["ring"], models=["gan_nonsaturating", "oracle"], seeds=[0], sweep=["gan_nonsaturating"]
    )
    params["suites"]["images"].update(tasks=["digits"], models=["vae"], seeds=[0], sweep=["vae"])
    params["knobs"] = {"temperature": [0.5, 1.0], "truncation": [0.5, 1.0]}
    return params


def clone(source: Path, folder: Path) -> Path:
    """A repository's sources with a toy configuration, and a command `coverseek` that runs them."""
    folder.mkdir()
    shutil.copytree(source / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "requirements.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, folder / name)
    graph = yaml.safe_load((source / "dvc.yaml").read_text())
    graph["stages"] = {name: s for name, s in graph["stages"].items() if name.partition("_")[2] in ("", *SUITES)}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))
    (folder / "params.yaml").write_text(yaml.safe_dump(toy(yaml.safe_load((source / "params.yaml").read_text()))))
    (folder / "bin").mkdir()
    (folder / "bin/coverseek").write_text(COMMAND)
    (folder / "bin/coverseek").chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def call(folder: Path, *command: str) -> str:
    """stdout and stderr of a command that ends well."""
    bins = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    env = clean | {"PATH": os.pathsep.join(bins), "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def run(folder: Path) -> str:
    return call(folder, "coverseek", "run", "-j", "2")


def ran(output: str) -> set[str]:
    return set(re.findall(r"^\[\d+/\d+\] (.+) [\d.]+ s(?:,|$)", output, re.MULTILINE))


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def locked(folder: Path) -> dict[str, Any]:
    """dvc.lock without what differs from run to run: wall times, and the report that shows them."""
    stages: dict[str, Any] = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    for stage in stages.values():
        stage["outs"] = [out for out in stage["outs"] if not out["path"].startswith("artifacts/times")]
    return {name: stage for name, stage in stages.items() if name != "report"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A clone in which `coverseek run` ended well, and what it said."""
    folder = clone(ROOT, tmp_path_factory.mktemp("end") / "first")
    return folder, run(folder)


def test_the_first_run_makes_everything(finished: tuple[Path, str]) -> None:
    folder, output = finished
    assert ran(output) == {"code", *TASKS, *CELLS, "report"}
    for made in ("dvc.lock", "mlflow.db", "reports/results.csv", "reports/leaderboard.md", "reports/figures"):
        assert (folder / made).exists(), made
    with sqlite3.connect(folder / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone()[0] == 2 * 3  # a parent and a child for each
    database.close()
    assert "Nothing changed since the last run." in run(folder)


def test_dvc_gives_the_same_bytes_and_agrees_with_the_runner(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = clone(finished[0], tmp_path / "second")
    call(folder, "dvc", "repro", "-q")
    assert locked(folder) == locked(finished[0])
    assert not ran(run(folder))
    assert "up to date" in call(finished[0], "dvc", "repro")


def test_an_edit_re_runs_what_depends_on_it(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(finished[0], folder, ignore=shutil.ignore_patterns("mlflow.db", "mlruns", "__pycache__"))
    edit(folder / "pipeline/families/gan/gan.py", '"""', '"""Better words. ')
    assert ran(run(folder)) == {"code"}
    before = (folder / "params.yaml").read_text()
    params = yaml.safe_load(before)
    params["models"]["points"]["gan_nonsaturating"]["training"] = {"steps": 6}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert ran(run(folder)) == {"code", *GAN, "report"}
    (folder / "params.yaml").write_text(before)
    again = run(folder)
    assert ran(again) == {"code", "report"}
    assert "3 restored from the cache" in again
    edit(folder / "pipeline/families/gan/gan.py", "\n@dataclass", "\nSPEED = 1\n\n\n@dataclass")
    assert ran(run(folder)) == {"code", *GAN, "report"}
