"""A repository's sources in a folder of their own, at a size at which every cell takes a second, and commands in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipeline import cells, paths
from pipeline.params import load

ROOT = Path(__file__).parents[1]
COMMAND = f"#!{sys.executable}\nfrom pipeline.cli import main\n\nif __name__ == '__main__':\n    main()\n"
FILES = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "requirements.lock")


def small() -> dict[str, Any]:
    """The real configuration, with all of its suites: few items, few steps, few samples."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    for task in params["tasks"].values():
        task["data"].update(train=256, validation=64, test=64)
        for extractor in (task["extractor"], task.get("second_extractor", {})):
            if "steps" in extractor:
                extractor["steps"] = 4
    for training in params["training"].values():
        training.update(steps=8, validate_every=4, batch_size=32)
    for evaluation in params["evaluation"].values():
        evaluation.update(samples=64, draws=2, chunk=64)
        evaluation.pop("modes", None)
    for models in params["models"].values():
        for model in models.values():
            model.pop("training", None)
    params["knobs"] = {"temperature": [0.5, 1.0], "truncation": [0.5, 1.0]}
    return params


def toy() -> dict[str, Any]:
    """The real configuration over three cells, at that size."""
    params = small()
    params["tasks"] = {name: params["tasks"][name] for name in ("ring", "digits")}
    params["suites"] = {name: params["suites"][name] for name in ("points", "images")}
    params["suites"]["points"].update(
        tasks=["ring"], models=["gan_nonsaturating", "oracle"], seeds=[0], sweep=["gan_nonsaturating"]
    )
    params["suites"]["images"].update(tasks=["digits"], models=["vae"], seeds=[0], sweep=["vae"])
    return params


def clone(source: Path, folder: Path, params: dict[str, Any]) -> Path:
    """The package and its graph over `params` in a new git repository, with a command `coverseek`."""
    folder.mkdir()
    shutil.copytree(source / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (folder / "plan").mkdir()
    (folder / paths.CELLS).write_text(cells.content(load(folder / "params.yaml")))
    (folder / "bin").mkdir()
    (folder / "bin/coverseek").write_text(COMMAND)
    (folder / "bin/coverseek").chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def call(folder: Path, *command: str) -> str:
    """stdout and stderr of a command that ends well."""
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def locked(folder: Path) -> dict[str, Any]:
    """dvc.lock without what differs from run to run: wall times, and the report that shows them."""
    stages: dict[str, Any] = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    for stage in stages.values():
        stage["outs"] = [out for out in stage["outs"] if not out["path"].startswith("artifacts/times")]
    return {name: stage for name, stage in stages.items() if name != "report"}


def environment(folder: Path) -> dict[str, str]:
    """What a command in `folder` sees: the clone's own package and command before all others."""
    bins = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    return clean | {"PATH": os.pathsep.join(bins), "PYTHONPATH": str(folder)}
