"""What is used of DVC beyond its documented API, by name: an upgrade of DVC has to be checked against this list."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

PIPELINE = Path(__file__).parents[2] / "pipeline"
IMPORTED = {
    "dvc.exceptions": {"DvcException", "NotDvcRepoError"},
    "dvc.lock": {"LockError"},
    "dvc.repo": {"Repo"},
    "dvc.rwlock": {"RWLockFileCorruptedError", "RWLockFileFormatError"},
    "dvc.stage": {"serialize"},
    "dvc.stage.cache": {"RunCacheNotFoundError"},
    "dvc.utils.serialize": {"dumps_yaml", "loads_yaml"},
    "dvc.utils.strictyaml": {"YAMLSyntaxError", "YAMLValidationError"},
}
REPO = ("index", "lock", "scm_context", "stage_cache", "_reset")
STAGE = (
    "changed", "changed_outs", "changed_stage", "commit", "deps_cached", "params", "remove_outs", "save", "save_deps",
)  # fmt: skip
OUTPUT = ("clear", "status")


def test_the_minor_version_is_the_one_that_this_list_was_checked_against() -> None:
    assert version("dvc").startswith("3.67.")


def test_what_is_imported_of_dvc_is_in_the_list() -> None:
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((PIPELINE / "run/dvc_repository.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "dvc":
            found.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
    assert found == IMPORTED


@pytest.mark.parametrize(
    ("owner", "names"),
    [("dvc.repo:Repo", REPO), ("dvc.stage:Stage", STAGE), ("dvc.output:Output", OUTPUT)],
)
def test_what_is_called_exists(owner: str, names: tuple[str, ...]) -> None:
    module, _, name = owner.partition(":")
    known = dir(getattr(import_module(module), name))
    source = Path(import_module(module).__file__ or "").read_text(encoding="utf-8")
    assert [name for name in names if name not in known and f"self.{name}" not in source] == []
