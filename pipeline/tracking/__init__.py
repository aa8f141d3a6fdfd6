"""MLflow: a copy of the evaluated cells, and the curves of trainings while they run. The only importer of mlflow.

    address        where the store is, the file of an address, and an address without its secrets
    dvc_lock       dvc.lock: the hash that names a cell's run
    limits         values that fit MLflow's limits
    mlflow_log     MLflow's log records into logs/mlflow.log
    mlflow_store   the tracking store: opening it, its experiments (one a task), one publication at a time, its faults
    run_record     what is to be in the store: the cells of the grid and the scored files, their parameters and curves
    mlflow_runs    the runs of one experiment: found, restored, written once
    cell_run       one run a cell, or a scored file: the child
    model_run      one run a model: the parent, with the means over its seeds
    champion       the best model of a task, under the alias `champion` of the model registry
    publication    brings a store up to date
    live_curves    a thread that follows the curves of trainings while they go on
    training_runs  what it writes: a run for each training, which `publish` completes
    run_results    the numbers of a run, to be compared

Everything here but the runs of earlier results can be published again from the reports. A cell's run is written once
and named by a hash of what DVC recorded as its inputs and outputs. Cells that the grid or dvc.lock no longer hold stay
in the store, tagged `current: false`. What was scored from files has a run with its level of trust, and is no champion.
"""

from __future__ import annotations

import os

# Read by mlflow as it is imported: telemetry is on by default, and a server that is down is waited for for minutes.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
