"""MLflow: a copy of the measured cells, and the history of earlier ones. The only importer of mlflow.

    lock       dvc.lock: the hash that names a cell's run
    entry      what is to be in the store: the cells of the grid, their parameters and curves
    revision   which code, and what another revision's reports say
    address    where the store is, the file of an address, and an address without its secrets
    stored     what a sqlite store holds, without importing mlflow, and the remedies of its faults
    limits     values that fit MLflow's limits, and the reading of damaged ones
    exclusive  one publication at a time
    log        MLflow's log records into logs/mlflow.log
    store      the tracking store and its experiments, one a task
    runs       the runs of one experiment
    definition what the protocol ids of an experiment's numbers stand for
    turn       when a cell's run became history, and when it came back
    cell       one run a cell, or a scored file: the child
    model      one run a model: the parent, with the means over its seeds
    champion   the best model of a task, under the alias `champion` of the model registry
    publish    all of it
    ledger     what the leaderboard asks of an experiment's runs, in one file for those who ask a server
    past       what a store remembers, to be replayed: read from its tables, or asked of a server (remote); each run
               is `kept` the same way

The current cells can be published again from the reports at any time; the history is in the store alone.
A cell's run is written once, named by a hash of what DVC says went into the cell and came out of it. Cells that the
grid or dvc.lock no longer hold stay as history, tagged `current: false`. What was scored from files is there too, with
its level of trust; it is no champion, and the leaderboard over time tells of what was trained here.
"""

from __future__ import annotations

import os

# Read by mlflow as it is imported: it sends telemetry unless told not to, and waits minutes for a server that is down.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
