"""A trained model on disk: model.json describes it, weights.safetensors has its weights; no pickle."""

from __future__ import annotations

from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pipeline import families, files, paths
from pipeline.contract import GenerativeModel, Task
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.training import record

WEIGHTS, MANIFEST = "weights.safetensors", "model.json"


class Trained(NamedTuple):
    """`model` is None when training diverged."""

    model: GenerativeModel | None
    manifest: dict[str, Any]


def save(cell: Cell, model: GenerativeModel | None, manifest: dict[str, Any]) -> None:
    """Write both files atomically."""
    with files.atomic_dir(paths.trained(cell)) as folder:
        if model is not None:
            state = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
            save_file(state, folder / WEIGHTS)
            manifest = manifest | {"sha256": files.sha256(folder / WEIGHTS)}
        files.write_json(folder / MANIFEST, manifest)


def load(cell: Cell, task: Task) -> Trained:
    """Read a trained model, in evaluation mode.

    Raises:
        UserError: a file is missing, or its bytes are not those that the manifest names.
    """
    hint, manifest = record.command(cell), record.read(cell)
    if manifest["status"] == "diverged":
        return Trained(None, manifest)
    path = paths.trained(cell) / WEIGHTS
    if not path.exists() or files.sha256(path) != manifest.get("sha256"):
        raise UserError(f"{path} is missing or damaged (sha256); make it again with: {hint}")
    model = _built(cell, task, manifest)
    try:
        model.load_state_dict(load_file(path), assign=True)
    except (SafetensorError, RuntimeError):
        raise UserError(f"{path} does not fit the model's code; make it again with: {hint}") from None
    return Trained(model.eval(), manifest)


def _built(cell: Cell, task: Task, manifest: dict[str, Any]) -> GenerativeModel:
    path = paths.trained(cell) / MANIFEST
    try:
        return families.build(task, manifest["family"], manifest["recipe"], manifest["hyper"])
    except UserError as error:
        why = str(error).removeprefix(f"{paths.PARAMS}: ")
    except (ArithmeticError, AssertionError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"  # a keyword of the right type that no network can be made with
    raise files.damaged(path, f"it describes no model of this code: {why}", record.command(cell))
