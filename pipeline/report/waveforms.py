"""Sequences as curves, as spectrograms and as sound: for the sheets of samples and for the page.

    spectrogram    10 log10 |sum_t w_t x_(t + k hop) e^(-2 pi i f t / window)|^2, of Hann's window w, 60 dB below the
                   loudest value at most

Sound in mu-law levels is expanded first. A symbol without an order is drawn at its level.
"""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data import mu_law
from pipeline.data.manifest import EventSchema

Array = NDArray[Any]
RANGE = 60.0
"""Decibels."""
PAUSE = 0.05
"""Seconds of silence after each sound of a row."""
LOUDEST = 0.9
"""Of a row of sounds: it is scaled down where it is louder, never up."""


def amplitudes(x: Array, event: EventSchema) -> Array:
    """x (N, C, T) as stored -> (N, C, T) float64: of sound in [-1, 1], of other levels the level, of real values x."""
    if event.levels is not None and event.rate is not None:
        return np.asarray(mu_law.decode(x, event.levels), np.float64)
    return np.asarray(x, np.float64)


def spectrogram(x: Array, window: int) -> Array:
    """x (T,) -> (window // 2 + 1, K) in [0, 1], 1 the loudest, low frequencies first; hop of a quarter window."""
    padded = np.pad(x, (window // 2, window // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: max(1, window // 4)]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    decibels = 10 * np.log10(power + 1e-12)
    shade: Array = np.clip(1 + (decibels - decibels.max()) / RANGE, 0, 1).T
    return shade


def window_of(length: int) -> int:
    """The window of the spectrogram of so many steps: a power of 2 about a tenth of them, 16 to 512."""
    return int(2 ** np.clip(np.round(np.log2(max(length, 1) / 8)), 4, 9))


def sound_row(x: Array, rate: int) -> bytes:
    """x (n, T) in [-1, 1] -> a WAV file of 8 bits, mono: one after the other, with pauses."""
    rows = np.pad(x, ((0, 0), (0, round(PAUSE * rate)))).reshape(-1)
    peak = max(1.0, float(np.abs(rows).max(initial=0)) / LOUDEST)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes((128 + np.rint(127 * rows / peak)).clip(0, 255).astype(np.uint8).tobytes())
    return held.getvalue()
