"""What the leaderboard asks of an experiment's runs, in one file beside them.

A server hands out whole runs alone, with every number and tag: 85 MB of json for 10,000. So publish leaves the part
that a record is made of as an artifact of a run of its own. The experiment's tag `ledger` says what it tells, a hash of
the experiment's fingerprint and of the fields, and which file it is, a sha256. Where it tells of something else than
the experiment does, as while something is being published, or the file is not that one, being damaged or of another
publication, the runs themselves are asked. A database is read directly and needs none.

A cell's run that is deleted or tagged by hand stays in the ledger as it was until the next `coverseek publish`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException

from pipeline.tracking import limits, runs
from pipeline.tracking.kept import TAGS, Kept
from pipeline.tracking.lock import digest
from pipeline.tracking.stored import FINGERPRINT, TURN, WRITTEN

LEDGER = "ledger"
"""The experiment's tag, the kind of the run, and its name."""
FILE = "ledger.json.gz"
CELLS = "tags.kind = 'cell'"


def wanted(address: str) -> bool:
    """Whether the store is a server."""
    return address.startswith(("http://", "https://"))


def holder(client: MlflowClient, experiment: Experiment) -> str | None:
    """The run that holds the ledger; None where it was deleted, or tells of another publication or other fields."""
    told, _ = _tag(experiment)
    return _run(client, experiment.experiment_id) if told == _told(experiment.tags.get(FINGERPRINT, "")) else None


def write(client: MlflowClient, experiment: str, mark: str) -> None:
    """Write the ledger of what the runs are now, under the fingerprint that the experiment is about to get."""
    content = gzip.compress(json.dumps(asked(client, experiment)).encode(), mtime=0)
    tags = {"kind": LEDGER}
    run = _run(client, experiment) or client.create_run(experiment, run_name=LEDGER, tags=tags).info.run_id
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(content)
        client.log_artifact(run, str(path))
    client.set_terminated(run)  # each time: an earlier publish may have died before it
    client.set_experiment_tag(experiment, LEDGER, f"{_told(mark)}:{hashlib.sha256(content).hexdigest()}")


def read(client: MlflowClient, experiment: Experiment) -> list[Kept]:
    """The cells' runs that are whole, the oldest first: from the ledger if it is current, else from the runs."""
    run, (_, file) = holder(client, experiment), _tag(experiment)
    content = _content(client, run) if run else b""
    if hashlib.sha256(content).hexdigest() == file:
        return [Kept(*row) for row in json.loads(gzip.decompress(content))]
    return asked(client, experiment.experiment_id)


def asked(client: MlflowClient, experiment: str) -> list[Kept]:
    """The same from the runs themselves, page by page."""
    found = (run for run in runs.every(client, experiment, CELLS) if run.info.status in WRITTEN)
    return [kept(run) for run in sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))]


def kept(run: Run) -> Kept:
    """What a record is made of: training curves are metrics too, but have no protocol id."""
    tags = {key: value for key, value in run.data.tags.items() if key in TAGS or key.startswith(TURN)}
    ids = limits.read_object(tags.get("protocols", "{}")) or {}
    numbers = {key: value for key, value in run.data.metrics.items() if key in ids}
    return Kept(run.info.start_time, tags, run.data.params, numbers)


def _tag(experiment: Experiment) -> tuple[str, str]:
    """What the ledger tells, and the hash of its file."""
    told, _, file = experiment.tags.get(LEDGER, "").partition(":")
    return told, file


def _told(mark: str) -> str:
    return digest([mark, TAGS, TURN, Kept._fields])


def _content(client: MlflowClient, run: str) -> bytes:
    """Of the file; empty where it cannot be had."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return Path(client.download_artifacts(run, FILE, folder)).read_bytes()
    except (MlflowException, OSError) as error:
        logging.getLogger(__name__).debug("the ledger of run %s cannot be read: %s", run, error)
        return b""


def _run(client: MlflowClient, experiment: str) -> str | None:
    found = client.search_runs([experiment], f"tags.kind = '{LEDGER}'", max_results=1)
    return str(found[0].info.run_id) if found else None
