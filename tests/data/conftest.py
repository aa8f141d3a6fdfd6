"""Tiny copies of the standard image sets."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data_root that holds all of them but CelebA."""
    tiny.write(tmp_path, monkeypatch)
    return tmp_path
