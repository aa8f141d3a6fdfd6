"""Drawing `shapes`: seconds for many images at once, against the target and against the same drawn one at a time.

    python benchmarks/shapes.py --side 16 --alone 200

Each image is drawn with its segmentation. Seconds are the processor's on one core, so that what else runs on the
machine is not in them.
"""

from __future__ import annotations

import argparse
import time

from pipeline.data.dataset import Sizes
from pipeline.data.shapes import shapes

COUNT, LIMIT = 20_000, 5.0
"""The project's target: so many images of 16 x 16 in less than so many seconds."""


def seconds(sizes: Sizes, side: int, seed: int = 0) -> float:
    start = time.process_time()
    shapes(sizes, seed, condition="segmentation", side=side)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=16, help="height and width of an image")
    parser.add_argument("--alone", type=int, default=200, help="so many times three images, one at a time")
    options = parser.parse_args()
    each = Sizes(1, 1, 1)  # a split is drawn by itself, and none may be empty
    seconds(each, options.side)  # the first call pays for what is built once
    together = seconds(Sizes(COUNT - 2, 1, 1), options.side)
    alone = sum(seconds(each, options.side, seed) for seed in range(options.alone)) / (3 * options.alone)
    print(f"{COUNT:,} images of {options.side} x {options.side}: {together:.2f} s", end="")
    print(f"  < {LIMIT:g}  {'ok' if together < LIMIT else 'MISSED'}" if options.side == 16 else "")
    print(f"one alone: {1e3 * alone:.2f} ms, {alone * COUNT / together:.0f} times as long")


if __name__ == "__main__":
    main()
