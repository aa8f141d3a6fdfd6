"""Samples of sequences from files: arrays without an axis of channels, and folders of WAV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from pipeline.contract import Event, Task
from pipeline.data import export, mu_law
from pipeline.data.external import sample_files
from pipeline.errors import UserError

SOUND = Task("tones", Event((1, 64), levels=256, rate=8000))
SERIES = Task("ar2", Event((1, 64), scale=3.0))


def test_what_is_exported_as_sound_is_read_back(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, 1, 64)).astype(np.uint8)
    export.write(tmp_path, SOUND.event, x, np.empty((5, 0), np.float32))
    (tmp_path / "samples.npz").unlink()
    found = sample_files.read(SOUND, tmp_path, count=4, span=None, nearest=False)
    assert found.offered == 5
    assert torch.equal(SOUND.event.index(found.x), torch.from_numpy(x[:4]).long())


def test_a_sound_of_another_length_is_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "0.wav", 8000, np.zeros(63, np.int16))
    with pytest.raises(UserError, match=r"0\.wav has 63 values at 8000 in a second: the task takes 64"):
        sample_files.read(SOUND, tmp_path, count=1, span=None, nearest=False)


def test_a_folder_is_refused_where_the_task_is_not_of_sound(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not of sound"):
        sample_files.read(SERIES, tmp_path, count=1, span=None, nearest=False)


@pytest.mark.parametrize("shape", [(3, 64), (3, 1, 64)])
def test_an_array_may_leave_out_the_only_channel(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    found = sample_files.read(SERIES, tmp_path / "x.npy", count=3, span=None, nearest=False)
    assert np.array_equal(found.x.numpy(), x.reshape(3, 1, 64))


def test_a_wrong_shape_is_named_with_the_axes_of_a_sequence(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 2, 64), np.float32))
    with pytest.raises(UserError, match=r"N x 1 x 64 \(samples x channels x steps\)"):
        sample_files.read(SERIES, tmp_path / "x.npy", count=3, span=None, nearest=False)


def test_mu_law_of_the_export_is_that_of_the_data() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(mu_law.encode(np.rint(32767 * mu_law.decode(levels)) / 32768), levels)
