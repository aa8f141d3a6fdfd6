"""A checkpoint comes back whole, and a damaged one is named with the command that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline import families, paths
from pipeline.contract import Event, GenerativeModel, Task
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.training import checkpoint

CELL, TASK = Cell("toy", "realnvp", 0), Task("toy", Event((2,)))
HYPER = {"layers": 2, "width": 8, "depth": 1, "octaves": 1}
MANIFEST = {"status": "ok", "family": "flow", "recipe": "realnvp", "hyper": HYPER}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerativeModel:
    monkeypatch.chdir(tmp_path)
    model = families.build(TASK, "flow", "realnvp", HYPER).eval()
    checkpoint.save(CELL, model, MANIFEST)
    return model


def test_a_model_comes_back(model: GenerativeModel) -> None:
    loaded = checkpoint.load(CELL, TASK).model
    assert loaded is not None
    assert not loaded.training
    assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in model.state_dict().items())


def test_a_diverged_cell_has_no_weights(model: GenerativeModel) -> None:
    checkpoint.save(CELL, None, MANIFEST | {"status": "diverged", "diverged": {"step": 3, "player": "model"}})
    assert checkpoint.load(CELL, TASK).model is None
    assert not (paths.trained(CELL) / checkpoint.WEIGHTS).exists()


@pytest.mark.parametrize("name", [checkpoint.WEIGHTS, checkpoint.MANIFEST])
@pytest.mark.parametrize("damage", ["removed", "cut", "flipped"])
def test_damage_is_named_with_what_mends_it(model: GenerativeModel, name: str, damage: str) -> None:
    path = paths.trained(CELL) / name
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00" + content[1:])
    with pytest.raises(UserError, match=rf"{name}.*coverseek train --task toy --model realnvp --seed 0"):
        checkpoint.load(CELL, TASK)
