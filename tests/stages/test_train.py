"""`coverseek train`: what does not fit together is refused before the first step."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from clone import small

from pipeline import paths
from pipeline.errors import UserError
from pipeline.stages import prepare, train


def test_a_batch_fills_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    params = small()
    params["training"]["points"].update(batch_size=1)
    paths.PARAMS.write_text(yaml.safe_dump(params))
    prepare.main("ring")
    with pytest.raises(
        UserError, match=r"models.points.pacgan.training.batch_size: 1; allowed: 2 \(its pack\) or more"
    ):
        train.main("ring", "pacgan", 0)
