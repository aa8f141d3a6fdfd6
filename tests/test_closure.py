"""The proof that DVC never serves a stale result: whatever a stage really imports is in the hash that it depends on.

Each stage runs at toy size in a process of its own, forked from one that has loaded every library and nothing of
`pipeline`; then its `sys.modules` is compared with the static closure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.import_closure import Sources
from pipeline.stages.plan import entries

ROOT = Path(__file__).parents[1]

PROBE = """
import importlib, json, os, sys
for library in ("matplotlib.figure", "pandas", "sklearn.datasets", "torch._dynamo"):
    importlib.import_module(library)
for stage, *words in json.loads(sys.argv[1]):
    if os.fork() == 0:
        importlib.import_module(f"pipeline.stages.{stage}").main(*words)
        found = sorted(m for m in sys.modules if m.split(".")[0] == "pipeline")
        print(json.dumps([stage, words, found]), file=open("imported.jsonl", "a"), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"{stage} {words} failed")
"""


def toy(params: dict[str, Any], events: str, task: str) -> dict[str, Any]:
    """The real configuration with one model of each family, at a size at which each stage takes a second."""
    params["tasks"]["ring"]["data"].update(train=512, validation=128, test=128)
    params["tasks"]["digits"]["data"].update(train=200, validation=64, test=64)
    params["tasks"]["digits"]["extractor"]["steps"] = 4
    params["training"][events].update(steps=40, validate_every=20, batch_size=32)
    params["evaluation"][events].update(samples=64, draws=2, chunk=64)
    for model in params["models"][events].values():
        model.pop("training", None)
    models = {spec["family"]: name for name, spec in reversed(params["models"][events].items())}
    suite = {"tasks": [task], "models": list(models.values()), "seeds": [0], "sweep": []}
    params["suites"] = {events: params["suites"][events] | suite}
    return params


@pytest.mark.slow
@pytest.mark.parametrize(("events", "task"), [("points", "ring"), ("images", "digits")])
def test_what_a_stage_imports_is_in_its_hash(
    events: str, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = toy(yaml.safe_load((ROOT / "params.yaml").read_text()), events, task)
    models = {name: params["models"][events][name]["family"] for name in params["suites"][events]["models"]}
    cells = [(stage, task, model, 0) for model in models for stage in ("train", "evaluate")]
    runs = [("prepare", task), ("features", task), *cells, ("report",)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("params.yaml").write_text(yaml.safe_dump(params))
    done = subprocess.run([sys.executable, "-c", PROBE, json.dumps(runs)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    sources = Sources()
    records = [json.loads(line) for line in Path("imported.jsonl").read_text().splitlines()]
    assert len(records) == len(runs)
    for stage, words, found in records:
        family = models[words[1]] if len(words) > 1 else None
        assert set(found) <= sources.closure(*entries(stage, family)), (stage, words)


def test_a_packages_templates_count_as_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr("pipeline.import_closure._path", lambda module: tmp_path / "__init__.py")
    found = []
    for words in ("one", "two", "one"):
        (folder / "page.j2").write_text(words)
        found.append(Sources().hash(["pipeline.html"]))
    assert found[0] == found[2] != found[1]
