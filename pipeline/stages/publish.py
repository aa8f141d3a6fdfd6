"""`coverseek publish`: the measured cells -> MLflow, and what changed there -> reports/changes.atom, beside the page.

What is there already is left alone.
"""

from __future__ import annotations

from pipeline import files, params, paths
from pipeline.history import feed
from pipeline.history.chronicle import chronicles
from pipeline.tracking import entry, lock, past, stored
from pipeline.tracking.entry import Entry
from pipeline.tracking.lock import Lock
from pipeline.tracking.revision import revision

FEED = paths.RESULTS.with_name("changes.atom")
"""Not in git: it tells of the store's past, which a clone does not share."""


def main() -> None:
    """Nothing is written, and mlflow is not even imported, where a sqlite store holds all of it already.

    Raises:
        UserError: nothing is measured, a file is damaged, or the store cannot be used.
    """
    locked = lock.read()
    tasks = entry.by_task(entry.read(params.load(), locked))
    address = stored.uri()
    if _up_to_date(address, tasks):
        print(f"MLflow: nothing new; see {stored.shown(address)}")
        if FEED.exists():
            return
    else:
        _publish(address, tasks, locked)
    told = feed.atom(chronicles(past.records(address), past.ORDERING))
    with files.whole(FEED) as draft:
        draft.write_text(told, encoding="utf-8")


def _publish(address: str, tasks: dict[str, list[Entry]], locked: Lock) -> None:
    from pipeline.tracking.publish import publish  # imports mlflow: 3 s

    done = publish(address, tasks, {**revision().tags(), "dvc.lock": locked.sha256})
    print(
        f"MLflow: {done.new} new runs, {done.retired} no longer current, {done.revived} current again; "
        f"see {stored.shown(address)}"
    )


def _up_to_date(address: str, tasks: dict[str, list[Entry]]) -> bool:
    held = stored.fingerprints(address)
    wanted = {task: entry.fingerprint(task, tasks.get(task, [])) for task in {*tasks, *held}}
    return held == wanted
