"""dvc.lock, where DVC keeps what each stage read and wrote, by hash. A cell's run is named by a hash of its entries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from pipeline import files, params, paths
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.yaml_reader import GENERATED

STAGES = ("train", "evaluate")


class LockedFile(BaseModel):
    """A dependency or an output of a stage, with its hash."""

    path: Annotated[str, Field(min_length=1)]
    md5: str | None = None


class Stage(BaseModel):
    """What a stage read and wrote when it last ran."""

    cmd: str | list[str]
    deps: list[LockedFile] = []
    outs: list[LockedFile] = []
    params: dict[str, dict[str, Any]] = {}


class Content(BaseModel):
    """dvc.lock, as far as it is read here."""

    stages: dict[str, Stage]


@dataclass(frozen=True)
class Lock:
    """dvc.lock. `sha256`: of the file."""

    stages: Mapping[str, Any]
    sha256: str

    def digest(self, cell: Cell) -> str | None:
        """The hash of a cell's train and evaluate entries, wall times left out; None where DVC knows no such cell."""
        names = [f"{stage}@{cell.key}" for stage in STAGES]
        if any(name not in self.stages for name in names):
            return None
        times = {paths.times(stage, cell).as_posix() for stage in STAGES}
        return digest({name: _without(self.stages[name], times) for name in names})

    def md5(self, stage: str, cell: Cell, path: Path) -> str | None:
        """DVC's hash of one dependency or output of a cell's stage."""
        entry = self.stages.get(f"{stage}@{cell.key}", {})
        artifacts = entry.get("deps", []) + entry.get("outs", [])
        return next((a.get("md5") for a in artifacts if a["path"] == path.as_posix()), None)


def read(path: Path = paths.LOCK) -> Lock:
    """Read dvc.lock.

    Raises:
        UserError: it is missing or damaged.
    """
    if not path.exists():
        raise UserError(f"{path} is missing: nothing has run yet; run: coverseek run")
    content = params.read(path, GENERATED)
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise UserError(f"{path} is damaged: it holds no stages; restore it with: coverseek doctor")
    try:
        Content.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg'].lower()}"
        raise UserError(f"{path} is damaged ({why}); restore it with: coverseek doctor") from None
    return Lock(content["stages"], files.sha256(path))


def digest(content: object) -> str:
    """32 hexadecimal digits that name a json value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _without(entry: Mapping[str, Any], outs: set[str]) -> dict[str, Any]:
    return {**entry, "outs": [out for out in entry.get("outs", []) if out["path"] not in outs]}
