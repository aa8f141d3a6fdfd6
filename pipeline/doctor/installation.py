"""Python and the installed packages, against requirements.lock."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pipeline import paths
from pipeline.doctor.finding import Finding

INSTALL = f"python -m pip install --require-hashes -r {paths.REQUIREMENTS}"


def check() -> Iterator[Finding]:
    yield _python()
    if not paths.REQUIREMENTS.exists():
        yield Finding("warning", "packages", f"{paths.REQUIREMENTS} is missing", f"git checkout {paths.REQUIREMENTS}")
        return
    yield _packages(list(_locked()))


def _python() -> Finding:
    version = platform.python_version()
    try:
        wanted = metadata.metadata("coverseek")["Requires-Python"]
    except metadata.PackageNotFoundError:
        return Finding("fault", "python", "coverseek is not installed", "python -m pip install --no-deps -e .")
    if SpecifierSet(wanted).contains(version):
        return Finding("ok", "python", version)
    return Finding("fault", "python", f"{version} is not {wanted}", f"make the environment with Python {wanted}")


def _locked() -> Iterator[Requirement]:
    """The packages that the lock names for this machine."""
    for line in paths.REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def _packages(locked: list[Requirement]) -> Finding:
    versions = {requirement.name: _installed(requirement.name) for requirement in locked}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Finding("fault", "packages", f"missing: {', '.join(missing)}", INSTALL)
    other = [r for r in locked if not r.specifier.contains(versions[r.name] or "", prereleases=True)]
    if other:
        named = ", ".join(f"{r.name} {versions[r.name]} instead of {str(r.specifier).lstrip('=')}" for r in other)
        return Finding("warning", "packages", named, INSTALL)
    return Finding("ok", "packages", f"{len(locked)} as in {paths.REQUIREMENTS}")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
