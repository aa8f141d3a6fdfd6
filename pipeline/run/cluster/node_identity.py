"""What has to be equal on the machine that drives a run and on a node: Python, libraries, and the code itself."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline import plugins
from pipeline.run.stamp import digest

LIBRARIES = ("ray", "torch", "numpy", "scipy", "scikit-learn", "torchvision")
"""That compute, or that driver and node talk through."""
PACKAGE = Path(__file__).parents[2]


def identity() -> dict[str, str]:
    """Python, libraries, the code of this package and of plugins: name -> version, or hash of the code."""
    return {"Python": platform.python_version(), **_versions(), "the code": _code(digest(*_sources()))}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """'torch is 2.13.0, and 2.14.1 where the run was started', for each difference; empty where there is none."""
    return "; ".join(
        f"{name} is {found.get(name, 'missing')}, and {value} where the run was started"
        for name, value in expected.items()
        if found.get(name) != value
    )


@lru_cache(maxsize=1)  # finding plugins reads the metadata of all packages: 10 ms for each cell
def _sources() -> tuple[Path, ...]:
    return PACKAGE, *plugins.everywhere()


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


@lru_cache(maxsize=1)
def _code(stamp: str) -> str:
    """The first 12 digits of a sha256 over all .py files; `stamp` changes when one of them does."""
    result = hashlib.sha256()
    for root in _sources():
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            result.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return result.hexdigest()[:12]
