"""The workspace of a reader: a clone at toy size in which everything is installed and the first page is done."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from clone import ROOT, clone, small
from page import DOCS, blocks, work_through

SOURCES = ("Makefile", "pyproject.toml", "README.md")
FOLDERS = ("docs", "tests")
SUITE = re.compile(r"^coverseek run --suite (\w+)", re.MULTILINE)
COMMIT = ("-c", "user.name=a reader", "-c", "user.email=reader@example.org", "commit", "-qm", "As it came")


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where get-started.md ends: the other pages go on from there."""
    params = small()
    shells = [block.text for path in DOCS.glob("*.md") for block in blocks(path.name) if block.kind == "sh"]
    named = set(SUITE.findall("\n".join(shells)))
    suites = params["suites"].items()
    params["suites"] = {name: suite for name, suite in suites if suite["default"] or name in named}
    folder = clone(ROOT, tmp_path_factory.mktemp("docs") / "coverseek", params)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", *COMMIT], cwd=folder, check=True)
    _installed(folder / ".venv")
    work_through("get-started.md", folder)
    return folder


def _installed(venv: Path) -> None:
    """`make` finds its work done: the packages are those of the tests."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/activate").touch()
    (venv / ".installed").touch()
