"""A command `coverseek` whose stages write a few bytes at once; words in the file `orders` make cells fail.

An order is `<stage>-<key> <deed>`: `die` kills the process, `raise` raises, `sleep` takes a minute, `edit` changes
params.yaml.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import yaml


def main(words: list[str]) -> None:
    stage, task, model, seed = words[0], *(words[2::2] + [""] * 3)[:3]
    key = "-".join(filter(None, (task, model, seed)))
    with Path("ran.txt").open("a") as file:
        file.write(f"{stage} {key}".rstrip() + "\n")
    _obey(f"{stage}-{key}")
    {"code": _code, "report": _report}.get(stage, lambda: _outputs(stage, key))()


def _obey(name: str) -> None:
    orders = dict(line.split() for line in Path("orders").read_text().splitlines())
    match orders.get(name):
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("the sky is falling")
        case "sleep":
            time.sleep(60)
        case "edit":
            Path("params.yaml").write_text(Path("params.yaml").read_text().replace("width: 2", "width: 3"))


def _code() -> None:
    models = yaml.safe_load(Path("params.yaml").read_text())["models"]
    hashes = {events: {model: _hash(spec["family"]) for model, spec in of.items()} for events, of in models.items()}
    code = {"prepare": "0", "features": "0", "report": "0", "train": hashes, "evaluate": hashes}
    code["brought"] = {group: {} for group in ("models", "datasets", "extractors")}
    for folder in ("sweeps", "scored"):
        Path("reports", folder).mkdir(parents=True, exist_ok=True)  # as the real one does: the report depends on it
    _write(Path("reports/code.json"), json.dumps(code))


def _hash(family: str) -> str:
    return Path(f"pipeline/{family}.py").read_text().partition("#")[0].strip()


def _report() -> None:
    found = sorted(path.stem for path in Path("reports/metrics").glob("*.json"))
    tables = ("results.csv", "leaderboard.csv", "comparisons.csv", "claims.json")
    for name in (*tables, "leaderboard.md", "claims.md", "index.html", "figures/plane.txt", "leaderboards/other.md"):
        _write(Path("reports") / name, "\n".join(found))


def _outputs(stage: str, key: str) -> None:
    content = json.dumps({"stage": stage, "key": key, "params": Path("params.yaml").read_text()})
    folders = {"prepare": "prepared", "features": "features", "train": "train"}
    if stage in folders:
        _write(Path("artifacts") / folders[stage] / key / "data.json", content)
    if stage in ("train", "evaluate"):
        _write(Path(f"artifacts/times/{stage}/{key}.json"), "{}")
    if stage == "train":
        _write(Path(f"reports/curves/{key}.csv"), "step,value\n")
    if stage == "evaluate":
        _write(Path(f"artifacts/samples/{key}.npz"), content)
        _write(Path(f"reports/metrics/{key}.json"), json.dumps({"key": key}))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
