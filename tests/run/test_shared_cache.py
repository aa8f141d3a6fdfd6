"""A second clone pulls what the first one pushed to S3, and a run finds everything there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import services

if TYPE_CHECKING:
    from tests.run.conftest import Toy

pytestmark = pytest.mark.slow


def dvc(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words], check=True)


def test_a_second_clone_runs_nothing(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with services.bucket() as address:
        dvc("remote", "add", "-q", "-d", "shared", f"{address}/dvc")
        dvc("push", "-q")
        clone = tmp_path / "clone"
        shutil.copytree(".", clone, ignore=shutil.ignore_patterns("cache", "tmp", "artifacts", "logs"))
        monkeypatch.chdir(clone)
        dvc("pull", "-q")
        toy.commands()
        toy.run()
        assert toy.commands() == []
