"""A side of a comparison by its name: a git revision's reports, a run of MLflow, or the reports here."""

from __future__ import annotations

import re

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.history.side import Side, from_csv, from_records
from pipeline.tracking.address import uri
from pipeline.tracking.revision import content, resolved

HERE = "the work tree"
RUN = re.compile(r"[0-9a-f]{32}")
"""An id of a run; git's have 40 digits."""


def here() -> Side:
    """The reports in the work tree, committed or not.

    Raises:
        UserError: there are none, or they are damaged.
    """
    if not paths.RESULTS.exists():
        raise UserError(f"{paths.RESULTS} is missing; make it with: coverseek report")
    leaderboard = files.read_utf8(paths.LEADERBOARD_CSV, "coverseek report") if paths.LEADERBOARD_CSV.exists() else ""
    return from_csv(HERE, files.read_utf8(paths.RESULTS, "coverseek report"), leaderboard)


def read(name: str) -> Side:
    """The side that a git revision or the id of a run of MLflow names.

    Raises:
        UserError: neither git nor MLflow knows it, or it holds no results.
    """
    commit = resolved(name)
    if commit is not None:
        return at(name, commit)
    if RUN.fullmatch(name):
        from pipeline.tracking import remote  # imports mlflow: 3 s

        return from_records(name, remote.run(uri(), name))
    raise UserError(f"{name!r} is neither a git revision here nor the id of a run of MLflow; see: git branch --all")


def at(name: str, commit: str) -> Side:
    """The reports that a commit holds. Raises `UserError` where it holds none."""
    results = content(commit, paths.RESULTS)
    if not results:
        raise UserError(f"{name} ({commit[:8]}) holds no {paths.RESULTS}; see: git log -- {paths.RESULTS}")
    return from_csv(name, results, content(commit, paths.LEADERBOARD_CSV))
