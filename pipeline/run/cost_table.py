"""The table of `coverseek run --suite NAME --dry-run`: parameters, memory and cost of each training of the suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline import families, paths
from pipeline.contract import Task
from pipeline.data import manifest
from pipeline.data.known_events import known_event
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.paths import Cell

COLUMNS = ("task", "model", "parameters", "steps", "batch", "state", "activations", "operations a step", "here", "A100")
WIDTH = 160
"""Where the output is no terminal."""
NOTE = """State: weights, gradients, optimiser and moving average. Activations: an estimate of what autograd stores.
Times: operations of all steps at the rate of a device, so at least that long, for one seed, without validation.
here: {here}. A100: {peak:g} TFLOP/s, its maker's float32 peak."""
GIB, HOUR = 2**30, 3600


def show(settings: Params, cells: Iterable[Cell]) -> None:
    """Print a row for each task and model of `cells`, and where the rates are from."""
    from pipeline.training import cost  # imports torch

    here = cost.rate()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("task", "model") else "right", no_wrap=True)
    skipped: list[str] = []
    for task, model in dict.fromkeys((cell.task, cell.model) for cell in cells):
        described = _task(settings, task)
        if described is None:
            skipped.append(task)
            continue
        table.add_row(task, model, *_numbers(settings, described, model, here.per_second))
    console = Console(width=None if Console().is_terminal else WIDTH, highlight=False, markup=False)
    if table.row_count:
        console.print(table)
        print(NOTE.format(here=here.source, peak=cost.PEAKS["A100"] / 1e12))
    for task in dict.fromkeys(skipped):
        print(f"Cost on {task}: not known before its data are prepared, by: {manifest.command(task)}")


def _numbers(settings: Params, task: Task, model: str, rate: float) -> Iterator[str]:
    from pipeline.training import cost

    events = task.event.kind
    spec, training = settings.model(events, model), settings.train(events, model)
    keywords = families.check(events, model, spec)
    build = partial(families.build, task, spec.family, spec.recipe or model, keywords)
    found = cost.step_cost(build, task, training.batch_size)
    yield f"{found.parameters:,}"
    if not found.operations:
        yield from ["-"] * 7
        return
    total = found.operations * training.steps
    yield from (f"{training.steps:,}", f"{found.batch_size:,}")
    yield from (f"{size / GIB:.2f} GiB" for size in (found.state_bytes, found.activation_bytes))
    yield f"{found.operations / 1e9:,.1f} GFLOP"
    yield from (f"{total / at / HOUR:,.1f} h" for at in (rate, cost.PEAKS["A100"]))


def _task(settings: Params, name: str) -> Task | None:
    """The task as it is prepared; else as its dataset is known; None where it is not."""
    from pipeline.data import prepared

    if (paths.prepared(name) / "manifest.json").exists():
        return prepared.described(name)
    data = settings.task(name).data
    try:
        event = known_event(data)
    except UserError:
        return None
    return Task(name, event) if event and data.keywords.get("condition", "none") == "none" else None
