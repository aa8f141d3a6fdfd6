"""No message and no page of this program advises deleting what cannot be made again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DELETION = re.compile(
    r"\b(delete|deleting|erase|unlink|rm|rmdir|shred|truncate|wipe|discard|throw (it|them) away|get rid|git clean"
    r"|git reset|git checkout|git restore|dvc gc|mlflow gc|drop (the )?(table|database)|remove (it|the|what|that))\b",
    re.IGNORECASE,
)
HARMLESS = (
    r"(remove what it left: )?rm -f \.dvc/tmp/lock \.dvc/tmp/rwlock",  # DVC makes them anew
    r"rm -f \{LOCKS\}",
    r"git checkout \{(path|paths\.(PIPELINE|REQUIREMENTS))\}",  # of a file that is damaged or missing
    r"`git checkout --ours \{paths\.LOCK\}` or `git checkout --theirs \{paths\.LOCK\}`",  # of conflict markers
    r"DELETE FROM",
    r"\{archive\}.*; delete it and run the command again",  # a download
)
PYTHON = sorted((ROOT / "pipeline").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _messages(path: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module but its docstrings; f-strings with `{name}` for their values."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents | inner:
            yield node.lineno, node.value


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    return "{" + ast.unparse(part.value) + "}"


def _advises(text: str) -> bool:
    for harmless in HARMLESS:
        text = re.sub(harmless, "", text)
    return bool(DELETION.search(text))


@pytest.mark.parametrize(
    "advice", ["delete mlflow.db: it is made again", "rm -rf artifacts", "remove the store", "git clean -fd"]
)
def test_the_check_finds_advice(advice: str) -> None:
    assert _advises(advice)


def test_no_message_advises_deletion() -> None:
    found = [f"{p.relative_to(ROOT)}:{n}: {text}" for p in PYTHON for n, text in _messages(p) if _advises(text)]
    assert found == []


def test_no_page_advises_deletion() -> None:
    lines = ((p, n, line) for p in PAGES for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), start=1))
    assert [f"{p.relative_to(ROOT)}:{n}: {line}" for p, n, line in lines if _advises(line)] == []
