"""How long MLflow takes to read 10,000 runs, and git the history of results: `python benchmarks/tracking.py`.

Fills a sqlite file with made-up cells as `coverseek publish` leaves them (5 tasks, 20 models, 5 seeds, 20 publications;
30 metrics, 12 parameters and 15 tags a run), which is not timed. Then times what `doctor` and `publish` read, and
`coverseek leaderboard --history` in a fresh process on the commits of this repository.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.results.protocol import Protocol
from pipeline.tracking import mlflow_runs, mlflow_store
from pipeline.tracking.publication import DEFINITION, status

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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        fill(path)
        print(f"{TASKS * MODELS * SEEDS * PUBLICATIONS:,} runs, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        row("the current runs of all tasks", lambda: status(address(path)))
        row("every run of one task", lambda: every_run(address(path)))
    row("coverseek leaderboard --history", lambda: subprocess.run(HISTORY, capture_output=True, check=True))


def every_run(place: str) -> None:
    with mlflow_store.opened(place) as client:
        mlflow_runs.read(client, mlflow_store.experiments(client)["task_0"].experiment_id)


def row(what: str, act: Callable[[], object]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    act()
    print(f"{what:<32} {time.perf_counter() - start:6.2f} s, {time.process_time() - cpu:6.2f} s of CPU", flush=True)


def fill(path: Path) -> None:
    with mlflow_store.opened(address(path), writing=True) as client:
        experiments = [mlflow_store.create_experiment(client, address(path), f"task_{task}") for task in range(TASKS)]
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
