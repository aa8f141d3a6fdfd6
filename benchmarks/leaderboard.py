"""How long the leaderboard's history takes on a store of 10,000 runs: `python benchmarks/leaderboard.py`.

Starts mlflow's server on a sqlite file and fills it with made-up cells as `coverseek publish` leaves them (5 tasks, 20
models, 5 seeds, each measured in 20 publications; 30 metrics, 12 parameters and 15 tags a run), which is not measured;
then times the commands on the file and on the server, each in a fresh process, and prints one row for each with its
limit. The last row has none: a server whose runs were published before there were ledgers gives its runs one by one.
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.results.protocol import Protocol
from pipeline.tracking import ledger, store, stored

# isort: split
from mlflow.store.tracking.dbmodels import models as orm  # after pipeline.tracking, which turns telemetry off
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

TASKS, MODELS, SEEDS, PUBLICATIONS = 5, 20, 5, 20
METRICS = ("bits_per_dim", "frechet", "precision", "recall", *(f"metric_{k}" for k in range(26)))
LOWER = ("bits_per_dim", "frechet")
LIMIT = 10  # seconds
NAME = "mlflow.db"
COMMANDS = (
    ("leaderboard", "--history"),
    ("leaderboard", "--history", "--format", "json"),
    ("leaderboard", "--history", "--task", "task_0", "--metric", "precision", "--format", "md"),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        path = Path(folder) / NAME
        fill(path, server)
        print(f"{TASKS * MODELS * SEEDS * PUBLICATIONS:,} runs, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        unread = timed(COMMANDS[0], server)
        keep_ledgers(server)
        for kind, store_address in (("sqlite", address(path)), ("server", server)):
            for words in COMMANDS:
                seconds = timed(words, store_address)
                row(kind, words, seconds, f"<= {LIMIT}  {'ok' if seconds <= LIMIT else 'MISSED'}")
        row("server without ledgers", COMMANDS[0], unread, "no limit")


def row(kind: str, words: tuple[str, ...], seconds: float, verdict: str) -> None:
    print(f"{kind:<23} coverseek {' '.join(words):<75} {seconds:6.2f} s  {verdict}", flush=True)


def timed(words: tuple[str, ...], store_address: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "pipeline.cli", *words]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store_address}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


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


def keep_ledgers(server: str) -> None:
    """As the last publication does."""
    with store.opened(server) as client:
        for task, experiment in store.experiments(client).items():
            ledger.write(client, experiment.experiment_id, task)
            client.set_experiment_tag(experiment.experiment_id, stored.FINGERPRINT, task)


def fill(path: Path, server: str) -> None:
    with store.opened(server) as client:
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
        yield {"experiment_id": experiment, "key": stored.DEFINITION + known.id, "value": value}


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
