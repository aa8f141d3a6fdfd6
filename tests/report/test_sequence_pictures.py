"""Sequences on the page and on sheets: curves, spectrograms and sound."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import prepared
from pipeline.data.dataset import Sizes
from pipeline.data.manifest import EventSchema
from pipeline.data.processes import autoregression, regimes
from pipeline.data.tones import tones
from pipeline.html.sample_pictures import Gallery
from pipeline.report.waveforms import amplitudes, sound_row, spectrogram, window_of

SIZES = Sizes(40, 10, 20)
DRAWN = {
    "ar2": autoregression(SIZES, 0), "regimes": regimes(SIZES, 0), "tones": tones(SIZES, 0, length=256)
}  # fmt: skip


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, dataset in DRAWN.items():
        prepared.write(name, name, dataset)


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("task", DRAWN)
def test_each_sheet_shows_curves_and_a_sound_can_be_played(task: str) -> None:
    shown = Gallery(task).real()
    assert shown.uri.startswith("data:image/webp;base64,")
    assert bool(shown.sound) == (task == "tones")
    assert len(shown.sound) < 200_000


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("task", DRAWN)
def test_a_prepared_task_is_read_back_with_its_process_and_its_rate(task: str) -> None:
    found, written = prepared.load(task).task, DRAWN[task]
    assert found.truth == written.truth
    assert found.event == written.event


@pytest.mark.usefixtures("tasks")
def test_a_copy_of_the_training_data_lies_on_its_nearest_sequence() -> None:
    gallery = Gallery("ar2")
    train = DRAWN["ar2"].splits["train"].x
    copied, other = gallery.sheet(train, "vae"), gallery.sheet(-train[::-1], "vae")
    assert copied.size == other.size
    assert np.asarray(copied)[..., 3].sum() < np.asarray(other)[..., 3].sum()


def test_a_spectrogram_is_brightest_at_the_frequency_of_a_tone() -> None:
    shade = spectrogram(np.sin(2 * np.pi * 0.25 * np.arange(512)), 64)
    assert shade.shape[0] == 33
    assert set(shade[:, 8:-8].argmax(axis=0)) == {16}
    assert shade.min() >= 0
    assert shade.max() == 1


def test_a_row_of_sounds_is_a_wav_file_with_pauses() -> None:
    held = sound_row(np.ones((3, 800)), 8000)
    with wave.open(io.BytesIO(held)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 1)
        assert file.getnframes() == 3 * (800 + 400)
    assert base64.b64encode(held)


def test_only_sound_is_expanded_from_mu_law() -> None:
    levels = np.array([[[0, 128, 255]]], np.uint8)
    assert amplitudes(levels, EventSchema(shape=[1, 3], levels=256, rate=8000))[0, 0].tolist() == pytest.approx(
        [-1, 0, 1], abs=0.001
    )
    assert amplitudes(levels, EventSchema(shape=[1, 3], levels=256)).tolist() == levels.tolist()


@pytest.mark.parametrize("length", [2, 64, 100_000])
def test_a_window_is_a_power_of_two(length: int) -> None:
    assert window_of(length) in {2**k for k in range(4, 10)}
