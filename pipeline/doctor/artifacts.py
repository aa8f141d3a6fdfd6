"""Prepared data, features and weights: whether they exist with the sha256 that their manifest names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from pipeline import files, paths
from pipeline.data.manifest import Manifest, array_file
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.metrics.extractors.description import Description
from pipeline.params import Params
from pipeline.training.record import Record

Hashes = Callable[[Mapping[str, Any]], dict[str, str]]
"""A manifest -> file name -> how its sha256 begins."""


class Artifact(NamedTuple):
    """A folder with a manifest. `remedy`: the command that writes it again."""

    folder: Path
    manifest: str
    schema: type[BaseModel]
    hashes: Hashes
    remedy: str
    npz: str | None = None
    """A file without a hash, which can be read or not."""


def check(settings: Params) -> Iterator[Finding]:
    """What the default suites need, and what is there of the others."""
    default = settings.selected().values()
    tasks = {task for suite in default for task in suite.tasks}
    cells = {cell for suite in default for cell in suite.cells()}
    groups = {
        "prepared data": {_prepared(task): task in tasks for task in settings.tasks},
        "features": {_features(task): task in tasks for task in settings.tasks},
        "trained models": {_trained(cell): cell in cells for cell in settings.cells},
    }
    for subject, group in groups.items():
        yield from _check(subject, [a for a, needed in group.items() if needed or a.folder.exists()])


def _prepared(task: str) -> Artifact:
    def hashes(manifest: Mapping[str, Any]) -> dict[str, str]:
        splits = manifest["splits"].items()
        return {f"{split}.npz": entry["sha256"] for split, entry in splits} | {
            array_file(split, name): sha256
            for split, entry in splits
            for name, sha256 in entry.get("arrays", {}).items()
        }

    return Artifact(paths.prepared(task), "manifest.json", Manifest, hashes, f"coverseek prepare --task {task}")


def _features(task: str) -> Artifact:
    def hashes(manifest: Mapping[str, Any]) -> dict[str, str]:
        named = {"extractor.safetensors": manifest["id"]} if manifest.get("stored", True) else {}
        second = manifest.get("second")
        if second and second.get("stored", True):
            named["second.safetensors"] = second["id"]
        named |= {f"judge-{kind}.safetensors": judge["id"] for kind, judge in manifest.get("judges", {}).items()}
        return {name: id.partition("@")[2] for name, id in named.items() if "@" in id}

    remedy = f"coverseek features --task {task}"
    return Artifact(paths.features(task), "extractor.json", Description, hashes, remedy, npz="reference.npz")


def _trained(cell: paths.Cell) -> Artifact:
    def hashes(manifest: Mapping[str, Any]) -> dict[str, str]:
        return {} if manifest["status"] == "diverged" else {"weights.safetensors": manifest["sha256"]}

    remedy = f"coverseek train --task {cell.task} --model {cell.model} --seed {cell.seed}"
    return Artifact(paths.trained(cell), "model.json", Record, hashes, remedy)


def _check(subject: str, artifacts: list[Artifact]) -> Iterator[Finding]:
    """A fault for each that is damaged, and one line for the others."""
    there = [artifact for artifact in artifacts if artifact.folder.exists()]
    faults = [fault for artifact in there for fault in _faults(artifact)]
    yield from (Finding("fault", subject, what, remedy) for what, remedy in faults)
    missing = len(artifacts) - len(there)
    if missing:
        yield Finding("warning", subject, f"{missing} of {len(artifacts)} are missing", "coverseek run")
    elif not faults:
        yield Finding("ok", subject, f"{len(there)} undamaged")


def _faults(artifact: Artifact) -> Iterator[tuple[str, str]]:
    """(what is wrong, the command that repairs it)"""
    path = artifact.folder / artifact.manifest
    try:
        hashes = artifact.hashes(files.read_json(path, artifact.remedy, schema=artifact.schema))
    except UserError:
        yield f"{path} is missing or damaged", artifact.remedy
        return
    for name, start in hashes.items():
        path = artifact.folder / name
        if not path.exists() or not files.sha256(path).startswith(start):
            yield f"{path} is missing or damaged (sha256)", artifact.remedy
    if artifact.npz and not _readable(artifact.folder / artifact.npz):
        yield f"{artifact.folder / artifact.npz} is missing or damaged", artifact.remedy


def _readable(path: Path) -> bool:
    try:
        files.read_npz(path, "")
    except UserError:
        return False
    return True
