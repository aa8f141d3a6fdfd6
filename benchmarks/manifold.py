"""Precision, recall, density, coverage: seconds and memory, ours in blocks against prdc's whole matrices.

    python benchmarks/manifold.py --count 2500 --dims 2 64

prints two lines for each number of dimensions, for two kinds of data: `features`, non-negative and of few degrees of
freedom, as networks give them, and `gaussian`, white noise, where nearly all distances are alike, so that bounds leave
most of them open. Each side runs in a process of its own, so that its peak memory is its own; prdc asks for eight
threads, ours for one a core.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch

K = 5


def ours(kind: str, count: int, dims: int) -> tuple[float, ...]:

    from pipeline.metrics.prdc import prdc

    real, fake = KINDS[kind](count, dims)
    return tuple(prdc(real=real, fake=fake, neighbours=K, coverage_neighbours=K))


def theirs(kind: str, count: int, dims: int) -> tuple[float, ...]:
    from prdc import compute_prdc

    real, fake = KINDS[kind](count, dims)
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real.double().numpy(), fake.double().numpy(), K)
    return tuple(float(found[name]) for name in ("precision", "recall", "density", "coverage"))


def gaussian(count: int, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, dims, generator=generator), 0.9 * torch.randn(count, dims, generator=generator)


def features(count: int, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a random layer, whose input is Gaussian in 64 dimensions or as many as there are."""
    generator = torch.Generator().manual_seed(0)
    degrees = min(64, dims)
    layer = torch.randn(degrees, dims, generator=generator) / degrees**0.5
    real, fake = (torch.randn(count, degrees, generator=generator) for _ in range(2))
    return (real @ layer).relu_(), (0.9 * fake @ layer).relu_()


KINDS = {"features": features, "gaussian": gaussian}
Side = Callable[[str, int, int], tuple[float, ...]]


def clock(side: Side, kind: str, count: int, dims: int) -> tuple[tuple[float, ...], float, float]:
    """The numbers, the seconds of a second call (the first one pays for imports), and the MB that it added."""
    torch.set_num_threads(os.cpu_count() or 1)
    side(kind, 50, dims)
    before, start = peak(), time.perf_counter()
    found = side(kind, count, dims)
    return found, time.perf_counter() - start, peak() - before


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2500, help="points on each side")
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 64], help="dimensions of the features")
    arguments = parser.parse_args()
    for kind, dims in itertools.product(KINDS, arguments.dims):
        runs = []
        for side in (ours, theirs):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                runs.append(pool.submit(clock, side, kind, arguments.count, dims).result())
        (a, seconds, memory), (b, their_seconds, their_memory) = runs
        gap = max(abs(x - y) for x, y in zip(a, b, strict=True))
        print(
            f"{kind} n={arguments.count} d={dims}: ours {seconds:.2f} s, {memory:.0f} MB;"
            f" prdc {their_seconds:.2f} s, {their_memory:.0f} MB: {their_seconds / seconds:.1f} times as fast in"
            f" {memory / their_memory:.2f} of the memory; largest difference {gap:.1e}"
        )


if __name__ == "__main__":
    main()
