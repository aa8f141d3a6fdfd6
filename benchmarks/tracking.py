"""How long MLflow takes to read 10,000 runs, and git the history of results: `python benchmarks/tracking.py`.

Starts mlflow's server on a sqlite file and fills it with made-up cells as `coverseek publish` leaves them (5 tasks, 20
models, 5 seeds, each evaluated in 20 publications; 30 metrics, 12 parameters and 15 tags a run), which is not timed.
Then times what `publish` and `doctor` read from the file and from the server, and `coverseek leaderboard --history` in
a fresh process on the commits of this repository.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.results.protocol import Protocol
from pipeline.tracking import runs, store
from pipeline.tracking.publish import DEFINITION, status

# isort: split
from mlflow.store.tracking.dbmodels import models as orm  # after pipeline.tracking, which turns telemetry off
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

TASKS, MODELS, SEEDS, PUBLICATIONS = 5, 20, 5, 20
METRICS = ("bits_per_dim", "frechet", "precision", "recall", *(f"metric_{k}" for k in range(26)))
LOWER = ("bits_per_dim", "frechet")
NAME = "mlflow.db"
HISTORY = (sys.executable, "-m", "pipeline.cli", "leaderboard", "--history")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        path = Path(folder) / NAME
        fill(path, server)
        print(f"{TASKS * MODELS * SEEDS * PUBLICATIONS:,} runs, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        for kind, place in (("sqlite", address(path)), ("server", server)):
            row(kind, "the current runs of all tasks", lambda place=place: status(place))
            row(kind, "every run of one task", lambda place=place: every_run(place))
    row("git", "coverseek leaderboard --history", lambda: subprocess.run(HISTORY, capture_output=True, check=True))


def every_run(place: str) -> None:
    with store.opened(place) as client:
        runs.read(client, store.experiments(client)["task_0"].experiment_id)


def row(kind: str, what: str, act: Callable[[], object]) -> None:
    start = time.perf_counter()
    act()
    print(f"{kind:<8} {what:<32} {time.perf_counter() - start:6.2f} s", flush=True)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of mlflow's server, which keeps its runs and artifacts in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--port",
        str(port),
        "--backend-store-uri",
        address(folder / NAME),
    ]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield answering(f"http://127.0.0.1:{port}", process)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def answering(server: str, process: subprocess.Popen[bytes]) -> str:
    """The address, once it answers."""
    for _ in range(120):
        with suppress(OSError), urllib.request.urlopen(f"{server}/health"):
            return server
        assert process.poll() is None, "the server did not start"
        time.sleep(0.5)
    raise TimeoutError(server)


def fill(path: Path, server: str) -> None:
    with store.opened(server, writing=True) as client:
        experiments = [store.create_experiment(client, server, f"task_{task}") for task in range(TASKS)]
    with Session(create_engine(address(path))) as session:
        for task, experiment in enumerate(experiments):
            session.execute(insert(orm.SqlExperimentTag), list(definitions(task, int(experiment))))
            for publication in range(PUBLICATIONS):
                rows = list(cells(task, int(experiment), publication))
                for table, of in ((orm.SqlRun, 0), (orm.SqlTag, 1), (orm.SqlParam, 2), (orm.SqlLatestMetric, 3)):
                    session.execute(insert(table), [row for cell in rows for row in cell[of]])
        session.commit()


def definitions(task: int, experiment: int) -> Iterator[dict[str, Any]]:
    for metric, age in product(METRICS, range(2)):
        known = defined(task, metric, age)
        better = "lower" if metric in LOWER else "higher"
        value = json.dumps(known._asdict() | {"better": better})
        yield {"experiment_id": experiment, "key": DEFINITION + known.id, "value": value}


def defined(task: int, metric: str, age: int) -> Protocol:
    return Protocol(metric, "estimate", f"test n={1000 * (age + 1)}", f"{task:08x}", 1)


def cells(task: int, experiment: int, publication: int) -> Iterator[tuple[list[dict[str, Any]], ...]]:
    """Rows of runs, tags, parameters and metrics; the data doubles half-way through the publications."""
    now = 1_700_000_000_000 + publication * 86_400_000
    ids = {metric: defined(task, metric, publication // (PUBLICATIONS // 2)).id for metric in METRICS}
    for model, seed in product(range(MODELS), range(SEEDS)):
        rng = random.Random(f"{task} {model} {seed} {publication}")
        uuid = f"{rng.getrandbits(128):032x}"
        run = {"run_uuid": uuid, "name": f"task_{task}-model_{model}-{seed}", "status": "FINISHED", "start_time": now}
        run |= {"end_time": now + 1000, "lifecycle_stage": "active", "experiment_id": experiment, "user_id": ""}
        tags = {"kind": "cell", "hash": uuid, "current": str(publication == PUBLICATIONS - 1).lower(), "status": "ok"}
        tags |= {"suite": "made_up", "family": f"family_{model % 5}", "task": f"task_{task}", "model": f"model_{model}"}
        tags |= {"seed": str(seed), "git.rev": f"{publication:040x}", "dvc.lock": f"{publication:064x}"}
        tags |= {"git.dirty": "false", "hardware": "{}", "mlflow.runName": uuid, "protocols": json.dumps(ids)}
        params = {f"hyper.{k}": str(model + (k == 0) * publication) for k in range(12)}
        numbers = {metric: 1 + model / 50 + rng.random() / 10 for metric in METRICS}
        yield (
            [run],
            [{"run_uuid": uuid, "key": key, "value": value} for key, value in tags.items()],
            [{"run_uuid": uuid, "key": key, "value": value} for key, value in params.items()],
            [{"run_uuid": uuid, "key": k, "value": v, "timestamp": now, "step": 0} for k, v in numbers.items()],
        )


def address(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


if __name__ == "__main__":
    main()
