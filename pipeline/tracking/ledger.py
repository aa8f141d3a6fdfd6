"""What the leaderboard asks of an experiment's runs, in one file beside them.

A server hands out whole runs alone, with every number and tag: 85 MB of json for 10,000. So publish leaves the part
that a record is made of as an artifact of a run of its own, and the experiment's tag `ledger` holds the fingerprint
that it was written at. Where that is not the experiment's fingerprint, as while something is being published, or where
the file cannot be had, the runs themselves are asked. A database is read directly and needs none.
"""

from __future__ import annotations

import gzip
import json
import logging
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException

from pipeline.tracking import runs
from pipeline.tracking.kept import TAGS, Kept
from pipeline.tracking.stored import FINGERPRINT, WRITTEN

LEDGER = "ledger"
"""The experiment's tag, the kind of the run, and its name."""
FILE = "ledger.json.gz"
CELLS = "tags.kind = 'cell'"


def wanted(address: str) -> bool:
    """Whether the store is a server."""
    return address.startswith(("http://", "https://"))


def current(experiment: Experiment) -> bool:
    """Whether its ledger tells what its runs do."""
    mark = experiment.tags.get(FINGERPRINT)
    return bool(mark) and experiment.tags.get(LEDGER) == mark


def write(client: MlflowClient, experiment: str, mark: str) -> None:
    """Write the ledger of what the runs are now, under the fingerprint that the experiment is about to get."""
    held = _run(client, experiment)
    run = held or client.create_run(experiment, run_name=LEDGER, tags={"kind": LEDGER}).info.run_id
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(gzip.compress(json.dumps(asked(client, experiment)).encode(), mtime=0))
        client.log_artifact(run, str(path))
    if held is None:
        client.set_terminated(run)
    client.set_experiment_tag(experiment, LEDGER, mark)


def read(client: MlflowClient, experiment: Experiment) -> list[Kept]:
    """The cells' runs that are whole, the oldest first: from the ledger if it is current, else from the runs."""
    identity = experiment.experiment_id
    run = _run(client, identity) if current(experiment) else None
    if run is not None:
        try:
            with tempfile.TemporaryDirectory() as folder:
                content = Path(client.download_artifacts(run, FILE, folder)).read_bytes()
            return [Kept(*row) for row in json.loads(gzip.decompress(content))]
        except (MlflowException, OSError, EOFError, ValueError, TypeError) as error:
            logging.getLogger(__name__).debug("the ledger of %s cannot be read: %s", experiment.name, error)
    return asked(client, identity)


def asked(client: MlflowClient, experiment: str) -> list[Kept]:
    """The same from the runs themselves, page by page."""
    found = (run for run in runs.every(client, experiment, CELLS) if run.info.status in WRITTEN)
    return [kept(run) for run in sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))]


def kept(run: Run) -> Kept:
    """What a record is made of: training curves are metrics too, but have no protocol id."""
    tags = {key: value for key, value in run.data.tags.items() if key in TAGS}
    ids = json.loads(tags.get("protocols", "{}"))
    numbers = {key: value for key, value in run.data.metrics.items() if key in ids}
    return Kept(run.info.start_time, tags, run.data.params, numbers)


def _run(client: MlflowClient, experiment: str) -> str | None:
    found = client.search_runs([experiment], f"tags.kind = '{LEDGER}'", max_results=1)
    return str(found[0].info.run_id) if found else None
