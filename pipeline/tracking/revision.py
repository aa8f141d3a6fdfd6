"""Which code: the git revision of the work tree, whether the tree differs from it, and what other revisions hold."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from pipeline import paths


class Revision(NamedTuple):
    """`commit`: 40 digits, or "unknown" outside a repository. `changed`: files that differ from it, results aside."""

    commit: str
    changed: tuple[str, ...]

    def tags(self) -> dict[str, str]:
        return {"git.rev": self.commit, "git.dirty": str(bool(self.changed)).lower()}


def revision() -> Revision:
    """The revision here. What a run itself writes, reports and dvc.lock, does not make it dirty."""
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD").strip() or "unknown"
    status = _git("status", "--porcelain", "--", ".", ":!reports", f":!{paths.LOCK}")
    return Revision(commit, tuple(line[3:] for line in status.splitlines()))


def resolved(name: str) -> str | None:
    """The commit, 40 digits, that a revision's name stands for; None where git knows none."""
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip() or None


def content(commit: str, path: Path) -> str:
    """A file's text at a commit; empty where it was not there."""
    return _git("show", f"{commit}:./{path.as_posix()}")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(("git", *arguments), capture_output=True, encoding="utf-8", check=False, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
