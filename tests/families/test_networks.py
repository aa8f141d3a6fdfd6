"""Networks have no loss and no sampling: they import neither models nor distributions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline import families

FOLDER = Path(families.__path__[0])
FILES = sorted([*FOLDER.glob("*/networks.py"), *FOLDER.glob("*/networks/*.py"), *FOLDER.parent.glob("networks/*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER.parent).as_posix())
def test_networks_import_no_model_and_no_distribution(path: Path) -> None:
    imports = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    ours = [name for name in imports if name.startswith("pipeline.") and name != "pipeline.contract"]
    assert all(".networks" in name for name in ours)
