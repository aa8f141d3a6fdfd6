"""No handler drops an exception: what catches every kind of error says which one came, or raises it again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BROAD = {"Exception", "BaseException"}
SOURCES = sorted(path for folder in ("pipeline", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def silent(tree: ast.AST) -> Iterator[int]:
    """Lines of handlers of every kind of error that neither use the error nor raise it, and of broad `suppress`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            inside = [found for statement in node.body for found in ast.walk(statement)]
            used = any(isinstance(found, ast.Name) and found.id == node.name for found in inside)
            again = any(isinstance(found, ast.Raise) and found.exc is None for found in inside)
            if not (used or again):
                yield node.lineno
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("suppress")
            and any(map(_is_broad, node.args))
        ):
            yield node.lineno


def _is_broad(kinds: ast.expr | None) -> bool:
    return kinds is None or any(isinstance(node, ast.Name) and node.id in BROAD for node in ast.walk(kinds))


def test_no_handler_drops_every_kind_of_error() -> None:
    found = {path: list(silent(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCES}
    assert {str(path.relative_to(ROOT)): lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("except Exception:\n    pass", [3]),
        ("except:\n    pass", [3]),
        ("except (OSError, Exception) as error:\n    x = 1", [3]),
        ("except Exception as error:\n    print(error)", []),
        ("except BaseException:\n    close()\n    raise", []),
        ("except OSError:\n    pass", []),
    ],
)
def test_what_is_found(body: str, found: list[int]) -> None:
    assert list(silent(ast.parse(f"try:\n    f()\n{body}\n"))) == found
