"""Which modules a stage can reach, and one hash of what they say.

The closure of a stage is its entry modules, the packages that hold them, and every module of `pipeline` that one of
these imports, at any depth; an import inside a function counts, one for the type checker alone does not. The hash is
taken over syntax trees without docstrings, so that a comment, a blank line or a better word makes nothing stale; and
over the locked versions of the libraries that compute, so that an upgrade makes everything stale. A package's
`templates` count as it does, word for word.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp
from grimp import ImportGraph
from grimp.exceptions import SourceSyntaxError

import pipeline
from pipeline import paths
from pipeline.errors import UserError

ROOT = Path(pipeline.__file__).parent
LIBRARIES = (
    "altair",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pillow",
    "scikit-learn",
    "scipy",
    "torch",
    "torch-fidelity",
    "torchvision",
    "vl-convert-python",
)


class Sources:
    """The modules of `pipeline` as they are on disk now."""

    def __init__(self) -> None:
        self.graph = _graph()
        self._meanings: dict[str, str] = {}
        self._libraries = libraries(paths.REQUIREMENTS)

    def closure(self, *entries: str) -> frozenset[str]:
        """Every module that importing and calling `entries` can reach.

        Raises:
            KeyError: an entry is not a module of `pipeline`.
        """
        for entry in entries:
            if entry not in self.graph.modules:
                raise KeyError(entry)
        reached: set[str] = set()
        waiting = set(entries)
        while waiting:
            module = waiting.pop()
            reached.add(module)
            waiting |= {*_packages(module), *self.graph.find_modules_directly_imported_by(module)} - reached
        return frozenset(reached)

    def imported(self, roots: Iterable[Path]) -> frozenset[str]:
        """The modules of `pipeline` that files elsewhere import: Python files, or all below a folder."""
        files = [file for root in roots for file in (root.rglob("*.py") if root.is_dir() else [root])]
        return frozenset(name for file in files for name in _names(file) if name in self.graph.modules)

    def hash(self, modules: Iterable[str]) -> str:
        """sha256, in hex, of what `modules` say."""
        text = "\n".join([*self._libraries, *(f"# {module}\n{self._of(module)}" for module in sorted(modules))])
        return hashlib.sha256(text.encode()).hexdigest()

    def _of(self, module: str) -> str:
        if module not in self._meanings:
            path = _path(module)
            self._meanings[module] = "\n".join([normalized_source(path.read_text(encoding="utf-8")), *_templates(path)])
        return self._meanings[module]


def libraries(lock: Path) -> list[str]:
    """The lock's pins of `LIBRARIES`; none where there is no lock."""
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.exists() else []
    pins = (line.partition(" ")[0] for line in lines)
    return sorted(pin for pin in pins if pin.partition("==")[0] in LIBRARIES)


def normalized_source(source: str) -> str:
    """A module's source without comments, blank lines and docstrings."""
    return ast.unparse(_StripDocstrings().visit(ast.parse(source)))


class _StripDocstrings(ast.NodeTransformer):
    """Drops each string that stands alone: the docstrings of modules, classes, functions and attributes."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        lone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if lone else node


def _graph() -> ImportGraph:
    try:
        return grimp.build_graph(ROOT.name, exclude_type_checking_imports=True, cache_dir=None)
    except SourceSyntaxError as error:
        raise UserError(f"{error.filename}:{error.lineno} is not Python: {(error.text or '').strip()}") from None


def _packages(module: str) -> Iterator[str]:
    """a.b.c -> a.b, a: Python runs their __init__ first."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def _names(file: Path) -> Iterator[str]:
    """What a file imports, relative imports aside; of `from a import b` both a and a.b, which may be a module."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _templates(path: Path) -> list[str]:
    """The files of a package's folder `templates`, word for word."""
    folder = path.with_name("templates")
    found = sorted(folder.iterdir()) if path.name == "__init__.py" and folder.is_dir() else []
    return [f"# {file.name}\n{file.read_text(encoding='utf-8')}" for file in found]


def _path(module: str) -> Path:
    """Found without `importlib`, which would import the packages above."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
