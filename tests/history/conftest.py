"""A small git repository with committed results."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline import paths

HEADER = "suite,task,model,family,seed,metric,value,sampling_low,sampling_high,better,kind,protocol,split,version"
BASE = {("ring", "vae"): (1.0, 1.1, 1.2), ("ring", "gan"): (3.0, 3.1, 3.2), ("digits", "vae"): (2.0,)}


class Repository:
    """Writes reports, and commits them."""

    def write(
        self,
        values: Mapping[tuple[str, str], tuple[float, ...]] = BASE,
        split: str = "data",
        status: Mapping[str, str] | None = None,
    ) -> None:
        rows = [
            f"s,{task},{model},vae,{seed},bits_per_dim,{v},{v - 0.1},{v + 0.1},lower,exact,test n=64,{split},1"
            for (task, model), of in values.items()
            for seed, v in enumerate(of)
        ]
        rows += ["s,ring,vae,vae,0,authenticity,0.5,,,none,estimate,test n=64,data,1"]
        paths.RESULTS.parent.mkdir(exist_ok=True)
        paths.RESULTS.write_text("\n".join([HEADER, *rows]) + "\n")
        standings = [f"ring,{model},{state}" for model, state in (status or {}).items()]
        paths.LEADERBOARD_CSV.write_text("\n".join(["task,model,status", *standings]) + "\n")

    def commit(self, name: str) -> None:
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", name)
        self.git("tag", name)

    def id(self, name: str) -> str:
        """The commit's 40 digits."""
        return self.git("rev-parse", name).strip()

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """With reports that are committed as `base`."""
    monkeypatch.chdir(tmp_path)
    repository = Repository()
    repository.git("init", "-q")
    repository.write()
    repository.commit("base")
    return repository
