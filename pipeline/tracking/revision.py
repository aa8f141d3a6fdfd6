"""Which code: the git revision of the work tree, and whether the tree differs from it."""

from __future__ import annotations

import subprocess
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


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(("git", *arguments), capture_output=True, text=True, check=False, timeout=60).stdout
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
