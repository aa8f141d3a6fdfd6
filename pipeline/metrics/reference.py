"""The features of a task's real data on disk, beside the extractor that made them. Never a pickle."""

from __future__ import annotations

from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.metrics.features import Extractor, restore, weights

DESCRIPTION, WEIGHTS, FEATURES = "extractor.json", "extractor.safetensors", "reference.npz"


def write(task: str, extractor: Extractor, splits: dict[str, Tensor], accuracy: dict[str, float] | None = None) -> None:
    """splits: x (N, *event) by name. Whole or not at all."""
    description: dict[str, Any] = {
        "name": extractor.name,
        "id": extractor.id,
        "features": extractor.size,
        "architecture": extractor.architecture,
    }
    with files.whole_folder(paths.features(task)) as folder:
        if extractor.state_dict():
            (folder / WEIGHTS).write_bytes(weights(extractor))
        files.write_json(folder / DESCRIPTION, description | ({"accuracy": accuracy} if accuracy else {}))
        files.write_npz(folder / FEATURES, {name: extractor.extract(x).numpy() for name, x in splits.items()})


def load(task: str) -> tuple[Extractor, dict[str, Tensor]]:
    """The extractor, and the features (N, D) float32 of each split.

    Raises:
        UserError: a file is missing, or the weights are not those that the description names.
    """
    folder, mend = paths.features(task), f"coverseek features --task {task}"
    description = files.read_json(folder / DESCRIPTION, mend, "id", "name")
    arrays = files.read_npz(folder / FEATURES, mend)
    try:
        state = load_file(folder / WEIGHTS) if (folder / WEIGHTS).exists() else {}
        extractor = restore(description["name"], description["architecture"], state)
    except (SafetensorError, RuntimeError, KeyError, TypeError):
        raise UserError(f"{folder / WEIGHTS} is damaged; make it again with: {mend}") from None
    if extractor.id != description["id"]:
        raise UserError(f"{folder / WEIGHTS} is not {description['id']}; make it again with: {mend}")
    return extractor, {name: torch.from_numpy(array) for name, array in arrays.items()}
