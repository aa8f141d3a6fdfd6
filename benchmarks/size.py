"""Data larger than memory: the memory of a training on them, and how fast their batches are read.

    python benchmarks/size.py --gigabytes 20

makes prepared data of that size, images of 64x64 and of 256x256 in colour, in a sparse file (all levels 0, so that it
needs no space on the disk), and takes some training steps of a small model through the loop that `coverseek train`
uses. Two numbers of the process are given, at their largest after a step: anonymous memory (RssAnon), which it owns and
which is what can run out, and pages of the mapped file (RssFile), which the kernel takes back when it needs them. What
both were before the data were opened is subtracted; the model with its gradients and optimiser is named beside them.

Then images/s of the data path alone, random rows of a mapped file of 512 MB as batches in float32, and of the training
step of the smallest image model, the dense VAE, on one batch. Both are of seconds of processor time, on one thread, so
that other work on the machine does not count.

Printed on a machine of 2 cores, busy with other work, without a GPU:

    1,747,626 images of 64x64, 20 GB      0.16 GB anonymous, 0.13 GB of the mapped file    10 steps of 64 images
    109,226 images of 256x256, 20 GB      0.27 GB anonymous, 0.04 GB of the mapped file    10 steps of 16 images
    32x32      199,593 images/s read      2,238 trained by the dense VAE                   89 times as many
    64x64       48,524 images/s read        547 trained by the dense VAE                   89 times as many
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor, nn

from pipeline import files, paths
from pipeline.contract import Event, Loss, SinglePlayer, Task
from pipeline.data import prepared
from pipeline.data.manifest import array_file
from pipeline.families.registry import find
from pipeline.params import Training
from pipeline.training.batches import shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit

STEPS, BATCH, HELD_OUT = 10, 64, 64
TARGET_MEMORY, TARGET_SPEED = 2.0, 5.0
"""GB beyond the model; times the images/s of the smallest model."""
SPEED_BYTES = 2**29


class SmallModel(SinglePlayer):
    """Two convolutions that restore an image from noise: cheap at any size."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 3, 3, padding=1))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        total = (self.network(x + torch.randn_like(x)) - x).square().mean()
        return Loss(total, {})

    def sample(self, c: Tensor) -> Tensor:
        raise NotImplementedError


def write(task: str, side: int, size: int, fill: bool = False) -> None:
    """Prepared data whose training split has `size` bytes: a hole, or random levels."""
    shape, rng = (3, side, side), np.random.default_rng(0)
    count = size // (3 * side * side)
    with files.atomic_dir(paths.prepared(task)) as folder:
        path = folder / array_file("train", "x")
        with path.open("wb") as file:
            npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
            start = file.tell()
            for at in range(0, size if fill else 0, 2**24):
                file.write(rng.integers(0, 256, min(2**24, size - at), np.uint8).tobytes())
        os.truncate(path, start + count * 3 * side * side)
        files.write_npz(folder / "train.npz", {"c": np.empty((count, 0), np.float32)})
        for split in ("validation", "test"):
            x = rng.integers(0, 256, (HELD_OUT, *shape), np.uint8)
            files.write_npz(folder / f"{split}.npz", {"x": x, "c": np.empty((HELD_OUT, 0), np.float32)})
        splits = {
            split: {"count": HELD_OUT, "sha256": files.sha256(folder / f"{split}.npz")}
            for split in ("train", "validation", "test")
        }
        splits["train"] |= {"count": count, "arrays": {"x": "not computed"}}
        event = {"shape": shape, "levels": 256, "scale": 1.0}
        files.write_json(folder / "manifest.json", {"task": task, "event": event, "splits": splits})


def memory() -> tuple[float, float]:
    """GB of this process now: anonymous, and mapped from files."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    found = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return int(found["RssAnon"]) / 2**20, int(found["RssFile"]) / 2**20


def train(side: int, gigabytes: float) -> None:
    """Some steps of a small model; prints the memory that they need."""
    task = f"side{side}"
    write(task, side, int(gigabytes * 2**30))
    model = SmallModel()
    before, peaks = memory(), []
    model.network.register_forward_hook(lambda *_: peaks.append(memory()))
    data = prepared.load(task)
    batch = BATCH if side <= 64 else 16
    settings = Training(steps=STEPS, batch_size=batch, learning_rate=1e-3, validate_every=5, validate_items=HELD_OUT)
    start = time.process_time()
    fit(model, data.train, data.validation, settings, CurveLogger(), task, seed=0)
    anonymous, mapped = (max(side) - base for side, base in zip(zip(*peaks, strict=True), before, strict=True))
    held = 4 * sum(p.numel() for p in model.parameters()) * 4 / 2**30  # weights, gradients, two moments
    verdict = "ok" if anonymous - held <= TARGET_MEMORY else "MISSED"
    print(
        f"{len(data.train[0]):,} images of {side}x{side}, {gigabytes:g} GB: {STEPS} steps of {batch} images"
        f" in {time.process_time() - start:.1f} s; {anonymous:.2f} GB anonymous, of which the model {held:.4f},"
        f" {mapped:.2f} GB of the mapped file; <= {TARGET_MEMORY:g} GB {verdict}",
        flush=True,
    )


def speed(side: int) -> None:
    """Images/s of the data path and of the smallest model."""
    task = f"speed{side}"
    write(task, side, SPEED_BYTES, fill=True)
    data = prepared.load(task)
    batches = shuffled(data.train, BATCH, seed=0)
    read = _rate(lambda: next(batches))
    x, c = next(batches)
    described = Task(task, Event((3, side, side), levels=256))
    model = find("vae", "vae", "images", "benchmark")(described).train()
    adam = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        model.loss(x, c).total.backward()
        adam.step()

    consumed = _rate(step)
    verdict = "ok" if read / consumed >= TARGET_SPEED else "MISSED"
    print(
        f"{side}x{side}: {read:,.0f} images/s are read, the dense VAE takes {consumed:,.0f}:"
        f" {read / consumed:.1f} times as many; >= {TARGET_SPEED:g} {verdict}",
        flush=True,
    )


def _rate(run: Callable[[], object], seconds: float = 1.0) -> float:
    """Images per second of processor time."""
    list(islice(iter(run, object()), 2))
    start, done = time.process_time(), 0
    while time.process_time() - start < seconds:
        run()
        done += 1
    return BATCH * done / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--only", choices=["memory", "speed"], help="one of the two parts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(dir=Path()) as folder:
        home = Path.cwd()
        os.chdir(folder)
        try:
            for side in (64, 256) if options.only != "speed" else ():
                train(side, options.gigabytes)
            for side in (32, 64) if options.only != "memory" else ():
                speed(side)
        finally:
            os.chdir(home)


if __name__ == "__main__":
    main()
