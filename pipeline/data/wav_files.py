"""Reading of WAV files: mono or mixed down to it, as amplitudes in [-1, 1].

PCM of 8 (unsigned), 16 and 32 bits and float are read; other encodings are refused. A file of another rate than asked
for is refused too: resampling is left to the user, since it changes the spectrum.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError

SUFFIX = ".wav"
RATES = (8_000, 24_000)
"""Values in a second, the least and the most."""
LARGEST = 2**30
"""Bytes of a file."""


class Sound(NamedTuple):
    """One file."""

    values: NDArray[np.float32]
    """(T,) in [-1, 1]."""
    rate: int


def list_wavs(root: Path) -> list[str]:
    """The WAV files below a folder, by their names relative to it, sorted; hidden files are skipped.

    Raises:
        UserError: the folder is missing, has none, or a link leaves it.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: give a folder of WAV files, <class>/<sound>.wav or <sound>.wav")
    base, found = root.resolve(), []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() != SUFFIX or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        if not path.resolve().is_relative_to(base):
            raise UserError(f"{path} is a link that leaves the folder: put the file itself there")
        found.append(name)
    if not found:
        raise UserError(f"{root} holds no WAV file: give a folder of WAV files, <class>/<sound>.wav or <sound>.wav")
    return found


def read_wav(path: Path) -> Sound:
    """One file.

    Raises:
        UserError: it is damaged, too large, of an unknown encoding or of a rate outside `RATES`.
    """
    from scipy.io import wavfile

    if path.stat().st_size > LARGEST:
        raise UserError(f"{path} has more than {LARGEST:,} bytes: split it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about chunks that hold no sound
            rate, values = wavfile.read(path)
    except (ValueError, EOFError, OSError, IndexError, KeyError, TypeError, MemoryError, ArithmeticError):
        raise UserError(f"{path} cannot be read as a WAV file: write it again as PCM of 16 bits") from None
    if not RATES[0] <= rate <= RATES[1]:
        raise UserError(f"{path} has {rate} values in a second; allowed: {RATES[0]} to {RATES[1]}; resample it")
    sound = _amplitudes(values, path)
    if sound.ndim == 2:
        sound = sound.mean(axis=1)
    if not np.isfinite(sound).all():
        raise UserError(f"{path} holds a value that is not finite: write it again as PCM of 16 bits")
    return Sound(sound.astype(np.float32), int(rate))


def _amplitudes(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """(T,) or (T, channels) as stored -> in [-1, 1]."""
    if values.dtype.kind == "f":
        return np.clip(values, -1, 1)
    if values.dtype == np.uint8:
        return (values.astype(np.float64) - 128) / 128
    if values.dtype in (np.int16, np.int32):
        return values / float(-int(np.iinfo(values.dtype).min))
    raise UserError(f"{path} holds {values.dtype}: write it again as PCM of 16 bits")
