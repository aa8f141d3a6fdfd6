"""Damaged and hostile files: a command ends well or with one line, never with a traceback, a crash or a hang.

A small run is made once. Each case damages one of its files, then calls what reads that file.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from clone import ROOT, small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import families, params, paths
from pipeline.data import manifest, prepared
from pipeline.doctor import artifacts, configuration
from pipeline.errors import UserError
from pipeline.history import result_set
from pipeline.html import document
from pipeline.metrics.extractors import reference
from pipeline.paths import Cell
from pipeline.report import figures
from pipeline.results import curve, external
from pipeline.run import forecast, repository
from pipeline.stages import evaluate, features, leaderboard, models, plan, prepare, report, sweep, train
from pipeline.tracking import dvc_lock
from pipeline.training import checkpoint, record

pytestmark = pytest.mark.slow

CELLS = [Cell("ring", "vae", 0), Cell("ring", "real", 0), Cell("digits_class", "cvae", 0)]
SCORED = ("ring", "mine")
SECONDS = 20
CASES = {"params": 800, "read": 1100, "report": 60, "dvc": 40}
"""Cases of each test; 2,000 in all."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files of three cells, which the other stages wrote."""
    folder = tmp_path_factory.mktemp("damaged")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    patch.setattr(figures, "PICTURES", {})  # they take most of a report's time
    patch.setattr(document, "text", lambda *_: "")
    configuration = small()
    configuration["tasks"] = {task: configuration["tasks"][task] for task in ("ring", "digits_class")}
    for events, kept in (("points", ("vae", "real")), ("images", ("cvae",))):
        configuration["models"][events] = {name: configuration["models"][events][name] for name in kept}
    common: dict[str, Any] = {"question": "?", "default": True, "seeds": [0]}
    configuration["suites"] = {
        "points": {**common, "events": "points", "tasks": ["ring"], "models": ["vae", "real"], "sweep": ["vae"]},
        "images": {**common, "events": "images", "tasks": ["digits_class"], "models": ["cvae"]},
    }
    paths.PARAMS.write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")
    for task in configuration["tasks"]:
        prepare.main(task)
        features.main(task)
    for cell in CELLS:
        train.main(*cell)
        evaluate.main(*cell)
    sweep.main(*CELLS[0])
    _write_lock_and_graph()
    _write_score()
    plan.main(check=False)
    report.main()
    yield folder
    patch.undo()


def _write_lock_and_graph() -> None:
    shutil.copyfile(ROOT / "dvc.yaml", paths.PIPELINE)
    stages = {}
    for cell in CELLS[:2]:
        outs = [{"path": str(paths.trained(cell)), "hash": "md5", "md5": "0" * 32, "size": 3}]
        entry = {"cmd": f"coverseek train --task {cell.task}", "deps": [], "params": {"params.yaml": {}}, "outs": outs}
        stages |= {f"{stage}@{cell.key}": entry for stage in ("train", "evaluate")}
    text = yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)
    paths.LOCK.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / ".dvc", ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    subprocess.run(["git", "init", "-q"], check=True)


def _write_score() -> None:
    found = json.loads(paths.metrics(CELLS[1]).read_text(encoding="utf-8"))
    measured = {name: found["metrics"][name] for name in ("frechet", "precision", "recall", "authenticity")}
    content = {"status": "ok", "condition": "none", "trust": "re-scored", "metrics": measured, "sha256": "0"}
    external.FOLDER.mkdir(parents=True)
    external.path(*SCORED).write_text(json.dumps(content), encoding="utf-8")


# Damage

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**25, 0.5, -0.5, 1e30, -1e30, 1e99, 1e300, float("inf"), float("nan"),
    "", "x", "inf", "nan", "é\u2028\n", "x" * 5000, [], {}, [[]], [1, 2, 3], ["x"], {"x": 1}, {"": None},
]  # fmt: skip
FRAGMENTS = [
    b"\xff", b"\x00", b"\n", b"\t", b": ", b"- ", b"[", b"]", b"{", b"}", b'"', b"'", b"#", b"&a ", b"*a", b"<<: ",
    b"!!int zz", b"!!float [1]", b"!!bool x", b"!!timestamp 2024-13-01", b"2024-13-01", b"!!python/object:os.x {}",
    b"9" * 5000, b"[" * 3000, b"{" * 3000, b"- " * 3000, b'{"a":' * 3000, b"1e999", b"-1e999", b"NaN", b"Infinity",
    b"inf", b"1e30", b"\\ud800", b"---\n", b"...\n", b"%YAML 3.0\n", b",", b",,", b"<<<<<<< HEAD\n", b"\r", b"? ",
    b"a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
]  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def damage(content: bytes, suffix: str, seed: int) -> bytes:
    """One of many ways to damage a file; the seed decides which and where."""
    rng = random.Random(seed)
    ways = [_cut, _flip, _insert, _insert, _number, _repeat]
    if suffix in (".json", ".yaml", ".lock"):
        ways += [_structure] * 8
    return rng.choice(ways)(content, suffix, rng)


def _cut(content: bytes, suffix: str, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _flip(content: bytes, suffix: str, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 64))):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def _insert(content: bytes, suffix: str, rng: random.Random) -> bytes:
    place, fragment = rng.randrange(len(content) + 1), rng.choice(FRAGMENTS)
    return content[:place] + fragment + content[place + rng.choice((0, 0, len(fragment))) :]


def _number(content: bytes, suffix: str, rng: random.Random) -> bytes:
    places = list(NUMBER.finditer(content))
    if not places:
        return b""
    found = rng.choice(places)
    value = rng.choice(
        [b"inf", b"nan", b"NaN", b"1e30", b"-1", b"0", b"1e999", b"9" * 30, b"9" * 5000, b"x", b"", b"[]"]
    )
    return content[: found.start()] + value + content[found.end() :]


def _repeat(content: bytes, suffix: str, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:end] + content[start:]


def _structure(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """A value of the tree replaced, removed, or moved to another key."""
    tree = json.loads(content) if suffix == ".json" else yaml.safe_load(content)
    places: list[tuple[Any, Any]] = []
    blocks = [tree]
    while blocks:
        block = blocks.pop()
        for key, value in block.items() if isinstance(block, dict) else enumerate(block):
            places.append((block, key))
            if isinstance(value, dict | list):
                blocks.append(value)
    block, key = rng.choice(places)
    way = rng.randrange(4)
    if way == 0:
        del block[key]
    elif way == 1 and isinstance(block, dict):
        block[rng.choice(["", "x", "é", "a.b", "x" * 300])] = block.pop(key)
    elif way == 2:
        other, name = rng.choice(places)
        block[key] = json.loads(json.dumps(other[name]))
    else:
        block[key] = rng.choice(HOSTILE)
    return json.dumps(tree).encode() if suffix == ".json" else yaml.safe_dump(tree, allow_unicode=True).encode()


# What reads a file


def _configuration() -> None:
    configured = params.load()
    for events in ("points", "images"):
        for name, spec in configured.models[events].items():
            families.check(events, name, spec)
    configured.selected()


def _reader(path: Path) -> Callable[[], object]:
    """What reads a file of the finished run, and nothing that takes long."""
    match path.parts:
        case ("artifacts", "prepared", task, _):
            return lambda: (prepared.load(task), manifest.read_split(task, "test"))
        case ("artifacts", "features", task, _):
            return lambda: reference.load(prepared.load(task).task)
        case ("artifacts", "train", key, _):
            cell = next(cell for cell in CELLS if cell.key == key)
            return lambda: (record.read(cell), checkpoint.load(cell, prepared.load(cell.task).task))
        case ("artifacts", "samples", name):
            return lambda: manifest.read_samples(next(cell for cell in CELLS if cell.key == Path(name).stem))
        case ("reports", "curves", name):
            return lambda: curve.read(next(cell for cell in CELLS if cell.key == Path(name).stem))
        case ("reports", "leaderboard.csv"):
            return lambda: (result_set.work_tree(), leaderboard.main(None))
        case ("reports", "results.csv"):
            return lambda: (forecast.measured(paths.RESULTS), result_set.work_tree())
        case ("dvc.lock",):
            return lambda: dvc_lock.read().digest(CELLS[0])
    return lambda: report.main()


REPORTED = ("artifacts/times", "artifacts/metrics", "artifacts/sweeps", "reports/scored")


def readable() -> list[Path]:
    """What is read quickly."""
    every = sorted(Path("artifacts").rglob("*.*"))
    slow = (*map(Path, REPORTED), Path("artifacts/.fresh.json"))
    found = [path for path in every if path.is_file() and not any(path.is_relative_to(one) for one in slow)]
    return [*found, paths.RESULTS, paths.LEADERBOARD_CSV, paths.LOCK]


def reported() -> list[Path]:
    """What the report reads."""
    return [path for folder in REPORTED for path in sorted(Path(folder).rglob("*.json"))]


@contextmanager
def damaged(path: Path, seed: int) -> Iterator[None]:
    """The file, damaged; whole again after the block."""
    content = path.read_bytes()
    path.write_bytes(damage(content, path.suffix, seed))
    try:
        yield
    finally:
        path.write_bytes(content)


def survives(call: Callable[[], object]) -> None:
    """Call, within `SECONDS`; a `UserError` of one line of readable length is a good end."""

    def late(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no end within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        call()
    except UserError as error:
        said = str(error)
    else:
        said = ""
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert "\n" not in said
    assert len(said.encode()) < 2000


def cases(kind: str) -> Callable[..., Any]:
    """Hypothesis' settings of a test of this kind."""
    unhealthy = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=CASES[kind], deadline=None, derandomize=True, database=None, suppress_health_check=unhealthy
    )


SEEDS = st.integers(0, 2**32 - 1)


@cases("params")
@given(seed=SEEDS)
def test_params(finished: Path, seed: int) -> None:
    with damaged(paths.PARAMS, seed):
        survives(_configuration)


@cases("read")
@given(seed=SEEDS)
def test_artifacts_and_tables(finished: Path, seed: int) -> None:
    path = random.Random(seed).choice(readable())
    with damaged(path, seed):
        survives(_reader(path))
        if path.parts[:2] in (("artifacts", "prepared"), ("artifacts", "features"), ("artifacts", "train")):
            survives(lambda: list(artifacts.check(params.load())))


@cases("report")
@given(seed=SEEDS)
def test_the_report(finished: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = random.Random(seed).choice(reported())
    with damaged(path, seed):
        survives(report.main)
        survives(lambda: models.main(write=False))


@cases("dvc")
@given(seed=SEEDS)
def test_the_graph_and_its_lock(finished: Path, seed: int) -> None:
    def steps() -> None:
        with repository.opened() as workspace:
            workspace.steps(params.load().cells)

    path = random.Random(seed).choice([paths.PIPELINE, paths.LOCK])
    with damaged(path, seed):
        survives(steps)
        survives(lambda: list(configuration.check()))
