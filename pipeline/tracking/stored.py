"""What a sqlite store holds, read from MLflow's tables in milliseconds: importing mlflow takes seconds.

Each experiment carries the fingerprint of what was published into it and the number of its current runs. A store whose
runs were deleted in MLflow's page has fewer than that.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.tracking.address import database

PREFIX = "coverseek/"
FINGERPRINT = "fingerprint"
RUNS = "runs"
"""The experiment's tag with the number of current runs, of cells, scored files and models, that publish left there."""
DEFINITION = "protocol."
"""How the experiment's tags begin that say what a protocol id stands for."""
WRITTEN = ("FINISHED", "FAILED")
"""The states of a cell's run that is complete."""
TURN = "turn."
"""How the tags of a cell's run begin that say when it became history, and when it came back; one tag for each time."""
TURNS = "turns"
"""The one tag that held all of them before; MLflow cuts it at 8,000 characters."""
LOCKED = "another program is writing to it"

_EXPERIMENTS = f"""
SELECT name, t.key, t.value FROM experiments JOIN experiment_tags t USING (experiment_id)
WHERE t.key IN ('{FINGERPRINT}', '{RUNS}') AND name LIKE '{PREFIX}%' AND lifecycle_stage = 'active'
"""
_CURRENT = f"""
SELECT e.name, COALESCE(h.value, 'model ' || m.value)
FROM runs r JOIN experiments e USING (experiment_id)
JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'kind' AND k.value IN ('cell', 'scored', 'model')
JOIN tags c ON c.run_uuid = r.run_uuid AND c.key = 'current' AND c.value = 'true'
LEFT JOIN tags h ON h.run_uuid = r.run_uuid AND h.key = 'hash'
LEFT JOIN tags m ON m.run_uuid = r.run_uuid AND m.key = 'model'
WHERE e.name LIKE '{PREFIX}%' AND r.lifecycle_stage = 'active'
AND (k.value = 'model' OR r.status IN {WRITTEN})
"""


class Held(NamedTuple):
    """What one experiment of a store holds.

    `fingerprint`: of what was published there. `published`: how many current runs publish left; None if unknown, as in
    stores of older versions. `runs`: how often each current run is there now; named as in `entry.run_names`.
    """

    fingerprint: str
    published: int | None
    runs: Counter[str]

    @property
    def missing(self) -> int:
        """The number of runs that publish left and that are gone."""
        return max(0, (self.published or 0) - len(self.runs))

    @property
    def doubled(self) -> int:
        """The number of runs that are there more than once."""
        return sum(count > 1 for count in self.runs.values())


def held(address: str) -> dict[str, Held]:
    """Task -> what the sqlite store at `address` holds; empty where that cannot be read.

    Raises:
        UserError: `address` is malformed.
    """
    path = database(address)
    if path is None or not path.exists():
        return {}
    try:
        return read(path)
    except sqlite3.Error:
        return {}


def read(path: Path) -> dict[str, Held]:
    """Task -> what the sqlite file at `path` holds. The file is not changed.

    Raises:
        sqlite3.Error: it cannot be read; `is_interrupted` says whether `recover` can help.
    """
    with _connected(path, "ro") as connection:
        tags: dict[str, dict[str, str]] = {}
        for name, key, value in connection.execute(_EXPERIMENTS):
            tags.setdefault(name.removeprefix(PREFIX), {})[key] = value
        runs: dict[str, Counter[str]] = {}
        for name, run in connection.execute(_CURRENT):
            runs.setdefault(name.removeprefix(PREFIX), Counter())[run] += 1
    return {task: _held(of, runs.get(task, Counter())) for task, of in tags.items()}


def counted(held: Mapping[str, Held], what: Literal["missing", "doubled"]) -> str:
    """'3 runs (digits, ring) are', or nothing where there are none."""
    counts = {task: count for task, of in held.items() if (count := of.missing if what == "missing" else of.doubled)}
    total = sum(counts.values())
    return f"{total} run{'s' * (total > 1)} ({', '.join(counts)}) {'are' if total > 1 else 'is'}" if total else ""


def is_interrupted(path: Path) -> bool:
    """Whether a killed program left a journal next to the sqlite file at `path`; sqlite has to roll it back."""
    journal = path.with_name(f"{path.name}-journal")
    return journal.exists() and journal.stat().st_size > 0


def recover(path: Path) -> None:
    """Open the sqlite file at `path` once for writing, so that sqlite rolls back what a killed program left.

    Raises:
        sqlite3.Error: it cannot be written, or another program is writing to it.
    """
    with _connected(path, "rw") as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def probe(path: Path, writing: bool) -> None:
    """Raise sqlite3.Error at once where the sqlite file at `path` cannot be used: MLflow tries again for minutes."""
    with _connected(path, "rw" if writing else "ro") as connection:
        if writing:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def remedy(path: Path, reason: str) -> tuple[str, str]:
    """What is wrong with the sqlite store at `path`, and what to do about it.

    Args:
        reason: what sqlite says.

    Returns:
        A fault in words, `reason` itself where it is not one of the common ones, and a remedy. None deletes anything:
        the history of a store cannot be made again from the reports.
    """
    again = "run coverseek publish again"
    for words, fault, advice in (
        ("is locked", LOCKED, f"wait, then {again}"),
        ("disk is full", "the disk is full", f"free some space, then {again}"),
        ("disk I/O error", "the disk reports an error", f"check the disk, then {again}"),
        ("readonly", "it cannot be written", f"allow writing to {path.name} and its folder, then {again}"),
        ("Permission denied", "it cannot be written", f"allow writing to {path.name} and its folder, then {again}"),
        ("unable to open", "it cannot be opened", f"check that its folder exists and can be written, then {again}"),
        ("out-of-date database schema", "it is of another version of MLflow", "copy it, then run: mlflow db upgrade"),
    ):
        if words in reason:
            return fault, advice
    damaged = "not a database" in reason or "malformed" in reason
    if damaged or "no such table" in reason:
        advice = f"restore it from a backup, or rename it and {again}: the reports give a new store without the history"
        return ("it is damaged" if damaged else "it is no database of MLflow"), advice
    return reason, f"see logs/mlflow.log, then {again}"


def _held(tags: Mapping[str, str], runs: Counter[str]) -> Held:
    published = tags.get(RUNS, "")
    return Held(tags.get(FINGERPRINT, ""), int(published) if published.isdecimal() else None, runs)


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    ) as connection:
        yield connection
