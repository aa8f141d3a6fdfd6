"""A command `coverseek` whose stages write a few bytes at once; words in the file `orders` make cells fail.

An order is `<stage>-<key> <deed>`: `die` kills the process, `raise` raises, `refuse` exits with code 2, `sleep` takes a
minute, `hold` waits while there is a file `hold`, `edit` changes params.yaml. Orders are read from the repository, in
which `ran.txt` is written: the current folder, or the one that the file named by TOY_POINTER names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from pipeline import cells
from pipeline.params import load

HOME = Path(os.environ.get("TOY_POINTER", ""))
"""The repository, or the file that names it."""


def main(words: list[str]) -> None:
    stage, task, model, seed = words[0], *(words[2::2] + [""] * 3)[:3]
    key = "-".join(filter(None, (task, model, seed)))
    with (_home() / "ran.txt").open("a") as file:
        file.write(f"{stage} {key}".rstrip() + "\n")
    _obey(f"{stage}-{key}")
    {"plan": lambda: _plan("--check" in words), "report": _report}.get(stage, lambda: _outputs(stage, key, model))()


def _home() -> Path:
    return Path(HOME.read_text()) if HOME.is_file() else Path()


def _obey(name: str) -> None:
    home = _home()
    orders = dict(line.split() for line in (home / "orders").read_text().splitlines())
    match orders.get(name):
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("the sky is falling")
        case "sleep":
            time.sleep(60)
        case "refuse":
            print("coverseek: no such task", file=sys.stderr)
            sys.exit(2)
        case "hold":
            (home / f"{name}.pid").write_text(str(os.getpid()))
            while (home / "hold").exists():
                time.sleep(0.05)
        case "edit":
            file = home / "params.yaml"
            file.write_text(file.read_text().replace("width: 2", "width: 3"))


def _plan(check: bool) -> None:
    if not check:
        cells.write(load())
    elif cells.is_stale(load()):
        raise SystemExit(cells.STALE)
    params = yaml.safe_load(Path("params.yaml").read_text())
    parameters: dict[str, Any] = {
        stage: {task: json.dumps(spec[block]) for task, spec in params["tasks"].items()}
        for stage, block in (("prepare", "data"), ("features", "extractor"))
    }
    for stage, settings in (("train", "training"), ("evaluate", "evaluation")):
        parameters[stage] = {
            events: {model: _hash(spec, params[settings][events], stage) for model, spec in of.items()}
            for events, of in params["models"].items()
        }
    parameters |= {"report": "0", "brought": {group: {} for group in ("models", "datasets", "extractors")}}
    for folder in ("artifacts/sweeps", "reports/scored"):
        Path(folder).mkdir(parents=True, exist_ok=True)  # as the real one does: the report depends on it
    _write(Path("plan/parameters.json"), json.dumps(parameters))


def _hash(spec: dict[str, str], settings: object, stage: str) -> str:
    code = Path(f"pipeline/{spec['family']}.py").read_text().partition("#")[0].strip()
    return f"{code}-{json.dumps([settings, spec if stage == 'train' else ''])}"


def _report() -> None:
    found = sorted(path.stem for path in Path("artifacts/metrics").glob("*.json"))
    tables = ("results.csv", "cells.csv", "knobs.csv", "tasks.csv", "leaderboard.csv", "comparisons.csv", "claims.json")
    for name in (
        *tables,
        "leaderboard.md",
        "claims.md",
        "answer.md",
        "published.md",
        "published.md",
        "index.html",
        "figures/plane.txt",
        "leaderboards/other.md",
    ):
        _write(Path("reports") / name, "\n".join(found))
    for key in found:
        width = yaml.safe_load(Path(f"artifacts/samples/{key}.npz").read_text())["width"]
        _write(Path(f"reports/metrics/{key}.json"), json.dumps({"width": width}))


def _outputs(stage: str, key: str, model: str) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    width = params["models"]["points"][model]["width"] if model in params["models"]["points"] else 0
    noise = Path("noise").exists()
    content = json.dumps({"noise": noise, "stage": stage, "key": key, "training": params["training"], "width": width})
    folders = {"prepare": "prepared", "features": "features", "train": "train"}
    if stage in folders:
        manifest = {"prepare": "manifest", "features": "extractor", "train": "model"}[stage]
        _write(Path("artifacts") / folders[stage] / key / f"{manifest}.json", content)
    if stage in ("train", "evaluate"):
        _write(Path(f"artifacts/times/{stage}/{key}.json"), "{}")
    if stage == "train":
        _write(Path(f"artifacts/train/{key}/curve.csv"), f"step,value\n1,{width}\n")
    if stage == "evaluate":
        _write(Path(f"artifacts/samples/{key}.npz"), content)
        _write(Path(f"artifacts/metrics/{key}.json"), json.dumps({"key": key}))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
