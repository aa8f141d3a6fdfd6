"""Autoregressive sampling: seconds with a cache of what earlier pixels fixed, against the whole network each time.

    python benchmarks/sampling.py --models gated_pixelcnn --sizes 8 16 28 --keywords layers=10 channels=64

prints one line for each model that the registry has and each size: the cached sampler's seconds, the naive loop's,
their ratio, and the cached microseconds for each pixel of each image: the cost grows like the number of pixels.
A naive loop that would take longer than --patience is not run: one pass is timed and multiplied by their number (~).
Seconds are the processor's on one core, so that what else runs on the machine is not in them.
"""

from __future__ import annotations

import argparse
import inspect
import time
from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.contract import Event, GenerativeModel, Task
from pipeline.families.autoregressive import recipe as recipes
from pipeline.families.autoregressive.image import AutoregressiveImages, naive
from pipeline.families.registry import find

MODELS = sorted(name.removesuffix("_images") for name in recipes.__all__ if name.endswith("_images"))


def clock(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def build(name: str, event: Event, keywords: dict[str, int]) -> GenerativeModel:
    function = find("autoregressive", name, "images", "benchmark")
    known = inspect.signature(function).parameters
    torch.manual_seed(0)
    return function(Task("benchmark", event), **{key: value for key, value in keywords.items() if key in known}).eval()


@torch.no_grad()
def naive_seconds(model: AutoregressiveImages, c: Tensor, patience: float) -> tuple[float, bool]:
    """Seconds of the naive loop, and whether it ran: else one pass times their number."""
    x, context = torch.zeros(len(c), *model.event.shape), model.context(c)
    passes = len(model.network.order()) * model.network.visits
    model.network(x, context)  # the first pass pays for what is built once
    estimate = passes * clock(lambda: model.network(x, context))
    return (estimate, False) if estimate > patience else (clock(lambda: naive(model, c)), True)


def line(name: str, event: Event, count: int, keywords: dict[str, int], patience: float) -> str:
    model, c = build(name, event, keywords), torch.empty(count, 0)
    model.sample(c[:1])
    cached = clock(lambda: model.sample(c))
    pixels = count * event.shape[1] * event.shape[2]
    start = f"| {name} | {event.shape[1]} | {cached:.2f}"
    end = f"{1e6 * cached / pixels:.1f} |"
    if not isinstance(model, AutoregressiveImages):  # an ensemble of orders: its members are what is naive or not
        return f"{start} | — | — | {end}"
    slow, ran = naive_seconds(model, c, patience)
    return f"{start} | {'' if ran else '~'}{slow:.1f} | {slow / cached:.0f} | {end}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS, metavar="MODEL")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 28, 32], help="height and width")
    parser.add_argument("--images", type=int, default=16, help="images that are drawn together")
    parser.add_argument("--channels", type=int, default=1, choices=[1, 3], help="sub-pixels of a pixel")
    parser.add_argument("--levels", type=int, default=256)
    parser.add_argument("--patience", type=float, default=20, help="seconds after which a naive loop is estimated")
    parser.add_argument("--keywords", nargs="*", default=[], help="of the recipes that take them: layers=10")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keywords = {key: int(value) for key, value in (pair.split("=") for pair in arguments.keywords)}
    print("| model | size | cached s | naive s | ratio | cached µs a pixel |\n|---|---|---|---|---|---|")
    for name in arguments.models:
        for size in arguments.sizes:
            event = Event((arguments.channels, size, size), levels=arguments.levels)
            print(line(name, event, arguments.images, keywords, arguments.patience), flush=True)


if __name__ == "__main__":
    main()
