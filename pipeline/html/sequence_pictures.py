"""Samples of sequences as small embedded pictures, each a curve over its nearest training sequence, and as sound.

Curves are drawn twice as large as they are shown and reduced, which smooths them. A sound also has its spectrogram, and
a row of sounds is embedded as a WAV file, a few kilobytes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from pipeline.report.waveforms import Array, sound_row, spectrogram, window_of

WIDTH, HEIGHT, GAP = 120, 32, 4
"""Of one curve, in pixels, and between them."""
SMOOTH = 2
COLUMNS, ROWS = 3, 4
HEARD = 8
"""Sounds in a row."""
LONGEST = 12.0
"""Seconds of a row at most."""
PALE = 0.35
"""Opacity of the training sequence."""


def sheet(x: Array, near: Array | None, reach: tuple[float, float], colour: str) -> Image.Image:
    """Curves of the first channel.

    Args:
        x: (n, T), of which COLUMNS x ROWS are drawn.
        near: (n, T), drawn pale behind each; None of held-out data.
        reach: the values at the lower and at the upper edge.
        colour: of the curves.
    """
    size = (COLUMNS * (WIDTH + GAP) * SMOOTH, ROWS * (HEIGHT + GAP) * SMOOTH)
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    solid = (*ImageColor.getrgb(colour)[:3], 255)
    pale = (*solid[:3], round(255 * PALE))
    for place in range(min(len(x), COLUMNS * ROWS)):
        row, column = divmod(place, COLUMNS)
        corner = (column * (WIDTH + GAP) * SMOOTH, row * (HEIGHT + GAP) * SMOOTH)
        if near is not None:
            draw.line(_points(near[place], corner, reach), fill=pale, width=SMOOTH)
        draw.line(_points(x[place], corner, reach), fill=solid, width=SMOOTH)
    return image.resize((size[0] // SMOOTH, size[1] // SMOOTH), Image.Resampling.LANCZOS)


def spectrograms(x: Array, colour: str) -> Image.Image:
    """x (n, T) -> the spectrograms of the first COLUMNS x ROWS, low frequencies below."""
    image = Image.new("RGBA", (COLUMNS * (WIDTH + GAP), ROWS * (HEIGHT + GAP)), (0, 0, 0, 0))
    for place in range(min(len(x), COLUMNS * ROWS)):
        row, column = divmod(place, COLUMNS)
        shade = np.rint(255 * spectrogram(x[place], window_of(x.shape[1]))[::-1]).astype(np.uint8)
        panel = Image.new("RGB", shade.shape[::-1], colour)
        panel.putalpha(Image.fromarray(shade))
        image.paste(panel.resize((WIDTH, HEIGHT)), (column * (WIDTH + GAP), row * (HEIGHT + GAP)))
    return image


def sound(x: Array, rate: int) -> str:
    """x (n, T) in [-1, 1] -> a data URI of a row of at most HEARD of them, LONGEST seconds at most."""
    count = max(1, min(HEARD, len(x), int(LONGEST * rate / x.shape[1])))
    held = sound_row(x[:count, : int(LONGEST * rate)], rate)
    return f"data:audio/wav;base64,{base64.b64encode(held).decode()}"


def _points(x: Array, corner: tuple[int, int], reach: tuple[float, float]) -> Sequence[tuple[float, float]]:
    low, high = reach
    across = np.linspace(0, WIDTH * SMOOTH - 1, len(x)) + corner[0]
    share = np.clip((x - low) / max(high - low, 1e-9), 0, 1)
    down = corner[1] + (1 - share) * (HEIGHT * SMOOTH - 1)
    return list(zip(across.tolist(), down.tolist(), strict=True))
