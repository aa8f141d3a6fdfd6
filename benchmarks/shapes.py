"""How fast `shapes` are drawn: all images of a block at once, against one at a time: `python benchmarks/shapes.py`.

prints the seconds for 20,000 images of 16 x 16 against the target of 5, and how many times as long an image takes that
is drawn alone. One thread; the seconds are the processor's.
"""

from __future__ import annotations

import time

from pipeline.data.dataset import Sizes
from pipeline.data.shapes import shapes

IMAGES, ALONE, TARGET = 20_000, 100, 5.0


def seconds(images: int) -> float:
    start = time.process_time()
    shapes(Sizes(images, 1, 1), seed=0)
    return time.process_time() - start


def main() -> None:
    seconds(1)  # the first call pays for what is built once
    together = seconds(IMAGES)
    alone = sum(seconds(1) for _ in range(ALONE)) / ALONE / 3  # three splits of one image each
    verdict = "ok" if together < TARGET else "MISSED"
    print(f"{IMAGES:,} images of 16 x 16: {together:.2f} s  < {TARGET:g} {verdict}")
    print(f"an image drawn alone takes {alone * IMAGES / together:.0f} x as long")


if __name__ == "__main__":
    main()
