"""`coverseek publish`: the measured cells -> MLflow, and what changed there -> reports/changes.atom, beside the page.

What is there already is left alone.
"""

from __future__ import annotations

from filelock import FileLock

from pipeline import files, params, paths
from pipeline.history import feed
from pipeline.history.chronicle import chronicles
from pipeline.tracking import entry, lock, past, stored
from pipeline.tracking.address import shown, uri
from pipeline.tracking.entry import Entry
from pipeline.tracking.lock import Lock
from pipeline.tracking.revision import revision

FEED = paths.RESULTS.with_name("changes.atom")
"""Not in git: it tells of the store's past, which a clone does not share."""
LOCK = paths.LOGS / "changes.atom.lock"
"""Two publications at once would write one draft."""


def main() -> None:
    """Nothing is written, and mlflow is not even imported, where a sqlite store holds all of it already.

    Raises:
        UserError: nothing is measured, a file is damaged, or the store cannot be used.
    """
    locked = lock.read()
    tasks = entry.by_task(entry.read(params.load(), locked))
    address = uri()
    if _up_to_date(address, tasks):
        print(f"MLflow: nothing new; see {shown(address)}")
        if FEED.exists():
            return
    else:
        _publish(address, tasks, locked)
    told = feed.atom(chronicles(past.records(address), past.ORDERING))
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCK), files.whole(FEED) as draft:
        draft.write_text(told, encoding="utf-8")


def _publish(address: str, tasks: dict[str, list[Entry]], locked: Lock) -> None:
    from pipeline.tracking.publish import publish  # imports mlflow: 3 s

    done = publish(address, tasks, {**revision().tags(), "dvc.lock": locked.sha256})
    restored = f", {done.restored} restored that MLflow had deleted" if done.restored else ""
    print(
        f"MLflow: {done.new} new runs, {done.retired} no longer current, {done.revived} current again{restored}; "
        f"see {shown(address)}"
    )


def _up_to_date(address: str, tasks: dict[str, list[Entry]]) -> bool:
    held = stored.held(address)
    wanted = {task: _wanted(task, tasks.get(task, [])) for task in {*tasks, *held}}
    return held == wanted


def _wanted(task: str, entries: list[Entry]) -> stored.Held:
    """What a store holds where nothing is to be published."""
    names = entry.run_names(entries)
    return stored.Held(entry.fingerprint(task, entries), len(names), names)
