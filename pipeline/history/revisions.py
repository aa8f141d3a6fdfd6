"""Git: the revision of the work tree, the commits that changed a file, and a file's text at a commit."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import paths, yaml_reader
from pipeline.errors import UserError


class Revision(NamedTuple):
    """`commit`: 40 digits, or "unknown" outside a repository. `changed`: files that differ from it, results aside."""

    commit: str
    changed: tuple[str, ...]

    def tags(self) -> dict[str, str]:
        return {"git.rev": self.commit, "git.dirty": str(bool(self.changed)).lower()}


class Commit(NamedTuple):
    """`time`: of the commit, in seconds since 1970, UTC; `id`: 40 digits, empty for what is not committed."""

    id: str
    time: int


def revision() -> Revision:
    """The revision here. What a run itself writes, reports and dvc.lock, does not make it dirty."""
    status = _git("status", "--porcelain", "--", ".", ":!reports", f":!{paths.LOCK}")
    return Revision(resolve("HEAD") or "unknown", tuple(line[3:] for line in status.splitlines()))


def resolve(name: str) -> str | None:
    """The commit, 40 digits, of a revision's name; None where git finds none."""
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip() or None


def commits(path: Path) -> list[Commit]:
    """The commits of the current branch that changed a file, the oldest first."""
    log = _git("log", "--first-parent", "--format=%H %ct", "HEAD", "--", path.as_posix())
    found = [line.split() for line in log.splitlines()]
    return [Commit(commit, int(time)) for commit, time in reversed(found)]


def text_at(commit: str, path: Path) -> str:
    """A file's text at a commit; empty where it was not there."""
    return _git("show", f"{commit}:./{path.as_posix()}")


def model_settings(commit: str, model: str) -> dict[str, str]:
    """What params.yaml says of a model and of training at a commit, or in the work tree where `commit` is empty.

    Returns:
        Dotted key -> value, such as `models.images.vae.width` -> `64`; empty where the file cannot be read.
    """
    settings = _parameters_at(commit) if commit else _parameters(paths.PARAMS)
    models = {key: value for key, value in settings.get("models", {}).items() if isinstance(value, dict)}
    chosen = {events: {model: of[model]} for events, of in models.items() if model in of}
    return _flat({"models": chosen, "training": settings.get("training", {})}) if chosen else {}


@cache
def _parameters_at(commit: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / paths.PARAMS.name
        path.write_text(text_at(commit, paths.PARAMS), encoding="utf-8")
        return _parameters(path)


def _parameters(path: Path) -> dict[str, Any]:
    try:
        content = yaml_reader.load(path)
    except (UserError, FileNotFoundError):
        return {}
    return content if isinstance(content, dict) else {}


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return flat


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(("git", *arguments), capture_output=True, encoding="utf-8", check=False, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
