"""`coverseek publish`: the evaluated cells -> MLflow. What is there already is not written again."""

from __future__ import annotations

from pipeline import params
from pipeline.history.revisions import revision
from pipeline.tracking import dvc_lock, run_record
from pipeline.tracking.address import shown, uri


def main() -> None:
    """Write what the store lacks.

    Raises:
        UserError: nothing is evaluated, a file is damaged, or the store cannot be used.
    """
    from pipeline.tracking.publication import Published, publish  # imports mlflow: 2 s

    locked = dvc_lock.read()
    tasks = run_record.by_task(run_record.read(params.load(), locked))
    address = uri()
    done = publish(address, tasks, {**revision().tags(), "dvc.lock": locked.sha256})
    if done == Published():
        print(f"MLflow: nothing new; see {shown(address)}")
        return
    restored = f", {done.restored} restored that MLflow had deleted" if done.restored else ""
    print(
        f"MLflow: {done.new} new runs, {done.retired} no longer current, {done.revived} current again{restored}; "
        f"see {shown(address)}"
    )
