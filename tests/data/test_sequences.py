"""Datasets of sequences: their processes, their sounds, and a user's own WAV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from pipeline.conformance.dataset_laws import LAWS, DatasetFunction
from pipeline.conformance.law import Law
from pipeline.data import mu_law
from pipeline.data.dataset import Sizes
from pipeline.data.processes import autoregression, regime_process, regimes
from pipeline.data.tones import draw_sounds, tones
from pipeline.data.wav_files import read_wav
from pipeline.data.wav_folder import wav_folder
from pipeline.errors import UserError
from pipeline.processes import GaussianAutoregression

SIZES = Sizes(64, 16, 16)
DRAWN = {
    "autoregression": DatasetFunction(autoregression),
    "regimes": DatasetFunction(regimes),
    "tones": DatasetFunction(tones, {"length": 64}),
    "tones-class": DatasetFunction(tones, {"length": 64, "condition": "class"}),
}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Twelve files of noise in two class folders, of 2,000 to 3,100 values at 8 kHz."""
    rng = np.random.default_rng(0)
    for k in range(12):
        (tmp_path / f"c{k % 2}").mkdir(exist_ok=True)
        values = rng.normal(0, 0.2, 2000 + 100 * k).clip(-1, 1)
        wavfile.write(tmp_path / f"c{k % 2}" / f"{k}.wav", 8000, (values * 32767).astype(np.int16))
    return tmp_path


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("dataset", DRAWN.values(), ids=DRAWN)
def test_a_dataset_passes(dataset: DatasetFunction, law: Law[DatasetFunction]) -> None:
    if law.applies(dataset):
        law.check(dataset)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_folder_of_wav_files_passes(sounds: Path, law: Law[DatasetFunction]) -> None:
    dataset = DatasetFunction(wav_folder, {"data_root": sounds, "length": 128, "condition": "class"})
    if law.applies(dataset):
        law.check(dataset)


def test_no_file_is_in_two_splits(sounds: Path) -> None:
    made = wav_folder(SIZES, 0, data_root=sounds, length=128)
    files = [set(split.sources[:, 0].tolist()) for split in made.splits.values() if split.sources is not None]
    assert len(files) == 3
    assert len(set.union(*files)) == sum(map(len, files))


def test_a_class_is_the_folder_of_the_file(sounds: Path) -> None:
    made = wav_folder(SIZES, 0, data_root=sounds, length=128, condition="class")
    names = sorted(path.relative_to(sounds).as_posix() for path in sounds.rglob("*.wav"))
    for split in made.splits.values():
        assert split.sources is not None
        assert [names[row].startswith("c1") for row in split.sources[:, 0]] == (split.c == 1).tolist()


def test_sounds_of_several_rates_are_refused(sounds: Path) -> None:
    wavfile.write(sounds / "c0" / "other.wav", 16000, np.zeros(2000, np.int16))
    with pytest.raises(UserError, match="several rates"):
        wav_folder(SIZES, 0, data_root=sounds, length=128)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([0, 128, 255], np.uint8), [-1, 0, 127 / 128]),
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([[-1.0, 0.0], [0.5, 0.5]], np.float32), [-0.5, 0.5]),
    ],
    ids=["uint8", "int16", "stereo"],
)
def test_a_wav_file_is_read_as_amplitudes_of_one_channel(tmp_path: Path, stored: object, expected: list[float]) -> None:
    wavfile.write(tmp_path / "a.wav", 8000, stored)
    assert read_wav(tmp_path / "a.wav").values.tolist() == pytest.approx(expected)


def test_a_file_that_is_no_wav_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF of nothing")
    with pytest.raises(UserError, match=r"a\.wav cannot be read"):
        read_wav(tmp_path / "a.wav")


def test_each_level_of_mu_law_is_its_own_nearest() -> None:
    levels = np.arange(256)
    assert np.array_equal(mu_law.encode(mu_law.decode(levels)), levels)
    assert np.all(np.diff(mu_law.decode(levels)) > 0)


def test_autoregression_has_the_variance_of_its_process() -> None:
    made = autoregression(Sizes(4000, 1, 1), 0, length=8, damping=0.6, period=6.0, sigma=1.0)
    assert isinstance(made.truth, GaussianAutoregression)
    first, second = made.truth.coefficients
    variance = (1 - second) / ((1 + second) * ((1 - second) ** 2 - first**2))  # of an AR(2), in closed form
    assert made.splits["train"].x.var() == pytest.approx(variance, rel=0.05)


def test_regimes_are_stationary() -> None:
    process = regime_process(4, 8, 0.9, 0.8)
    assert np.array(process.initial) @ np.array(process.transition) == pytest.approx(np.array(process.initial))


def test_a_rising_chirp_rises_and_a_tone_does_not() -> None:
    sounds = draw_sounds(np.array([0, 1, 2, 3]), np.random.default_rng(0), 1024, 8000)
    crossings = [[int((np.diff(np.sign(half)) != 0).sum()) for half in np.split(sound[1:], [512])] for sound in sounds]
    low, high, rising, falling = crossings
    assert abs(low[0] - low[1]) <= 2
    assert abs(high[0] - high[1]) <= 2
    assert rising[1] > 1.5 * rising[0]
    assert falling[0] > 1.5 * falling[1]
