"""A cell's run is named by all of its entries in dvc.lock but its wall times."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import params, paths
from pipeline.errors import UserError
from pipeline.history.revisions import revision
from pipeline.paths import Cell
from pipeline.tracking import dvc_lock

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)


def test_the_hash_sees_all_but_the_times(tree: Tree) -> None:
    first = dvc_lock.read().digest(VAE)
    tree.cell(VAE, "vae", 1.0, seconds=5.0)
    assert dvc_lock.read().digest(VAE) == first
    tree.cell(VAE, "vae", 1.0, version="2")
    assert dvc_lock.read().digest(VAE) != first
    tree.cell(VAE, "vae", 1.5)
    assert dvc_lock.read().digest(VAE) != first


def test_a_cell_that_dvc_does_not_know_has_no_hash(tree: Tree) -> None:
    del tree.stages["evaluate@toy-vae-0"]
    assert dvc_lock.Lock(tree.stages, "").digest(VAE) is None
    assert dvc_lock.Lock({}, "").md5("train", VAE, paths.trained(VAE)) is None


@pytest.mark.parametrize("content", ["", "stages: 1", "{", "- a"])
def test_a_damaged_lock_is_named(content: str, tree: Tree) -> None:
    paths.LOCK.write_text(content)
    with pytest.raises(UserError, match=r"dvc\.lock"):
        dvc_lock.read()


def test_a_missing_lock_says_what_to_run(tree: Tree) -> None:
    paths.LOCK.unlink()
    with pytest.raises(UserError, match="coverseek run"):
        dvc_lock.read()


def test_results_do_not_make_the_tree_dirty(tree: Tree) -> None:
    assert revision().commit == "unknown"
    Path(".gitignore").write_text("artifacts/")
    me = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    for command in (("init", "-q"), ("add", "."), (*me, "commit", "-qm", "first")):
        subprocess.run(("git", *command), check=True)
    tree.cell(VAE, "vae", 9.0, version="2")
    assert revision().changed == ()
    assert len(revision().commit) == 40
    paths.PARAMS.write_text(paths.PARAMS.read_text() + "\n")
    assert revision().changed == ("params.yaml",)
    assert params.load()
