"""Training steps, samples and likelihoods per second, on the CPU and on a GPU: `python benchmarks/device.py`.

    python benchmarks/device.py --models pixelcnn glow vae --seconds 2
    python benchmarks/device.py --suite cifar10 --devices cuda --markdown
    python benchmarks/device.py --peers

A row is a model of params.yaml that trains, at the size and the settings of params.yaml, on random items of the first
task that selects it: no data are needed. Suites that are opt_in, such as `cifar10` with the published sizes, take
`--suite`. A step is one round of training with all its players' steps, gradient clipping, AdamW and the moving average,
on batches drawn from a data set on the device. Samples and likelihoods are of one batch of that size, under evaluation.
A ratio above 1 is for the second device.

With `--peers` models are compared with those of other packages instead, on each device: `peers.py`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import peers
import torch
from throughput import OPERATIONS, Call, Implementation, Table, heading, ours, rates, short

from pipeline import device as devices
from pipeline import families
from pipeline.conformance.toy_tasks import batch as random_batch
from pipeline.contract import Batch, GenerativeModel, Task
from pipeline.data import datasets
from pipeline.data.known_events import known_event
from pipeline.errors import UserError
from pipeline.params import Params, Training, load
from pipeline.training import reproducible
from pipeline.training.acceleration import acceleration
from pipeline.training.batches import shuffled
from pipeline.training.optimiser import FiniteCheck, MovingAverage, PlayerOptimiser
from pipeline.training.transfer import Transfer

BATCHES = 4
"""Of random items, that steps are drawn from."""
FEW = 100
"""Items of a split of a dataset that is made for its event and condition alone."""


class Row(NamedTuple):
    """A model, and the first task that selects it."""

    task: str
    model: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", nargs="+", default=["cpu", "cuda"], help="settings of hardware.device")
    parser.add_argument("--suite", help="the models of one suite; else of all that are not opt_in")
    parser.add_argument("--models", nargs="+", help="of params.yaml; with --peers, rows by name")
    parser.add_argument("--batch-size", type=int, help="in place of each model's own")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each number, after a warm-up")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--out", type=Path, help="a file that gets what is printed")
    parser.add_argument("--peers", action="store_true", help="compare with other packages")
    options = parser.parse_args()
    try:
        lines = run(options)
    except UserError as error:
        print(f"device.py: {error}", file=sys.stderr)
        sys.exit(2)
    if options.out:
        options.out.write_text("\n".join([*lines, ""]), encoding="utf-8")


def run(options: argparse.Namespace) -> list[str]:
    """Print the table; returns its lines.

    Raises:
        UserError: a name is not in params.yaml, or none of the devices is here.
    """
    reproducible.seed(0, threads=options.threads)
    found, missing = available(options.devices)
    notes = [*missing, heading(found)]
    for note in notes:
        print(note)
    if options.peers:
        return [*notes, *peers.compare(found, options.models, options.seconds, options.markdown)]
    settings = load()
    rows = selected(settings, options.suite, options.models)
    width = max(len(row.model) for row in rows)
    table = Table(titles(found), options.markdown, [width, max(len(row.task) for row in rows)], left=2)
    for row in rows:
        show(table, settings, row, found, options)
    return [*notes, *table.lines]


def available(settings: Sequence[str]) -> tuple[list[torch.device], list[str]]:
    """The devices that are here, and a line for each that is not.

    Raises:
        UserError: none is here.
    """
    found, missing = list[torch.device](), list[str]()
    for setting in settings:
        try:
            found.append(devices.resolve(setting))
        except UserError as error:
            missing.append("No GPU here: its columns are left out." if setting == "cuda" else f"Left out: {error}")
    if not found:
        here = ", ".join(devices.available())
        raise UserError(f"--devices: {' '.join(settings)}: not on this machine; there is: {here}")
    return found, missing


def selected(settings: Params, suite: str | None, models: Sequence[str] | None) -> list[Row]:
    """The models that train, each with its first task, in the order of the suites.

    Raises:
        UserError: there is no such suite, or no such model in it.
    """
    suites = settings.selected(suite, everything=True)
    grids = [grid for each in suites.values() for grid in each.grids]
    first: dict[tuple[str, str], Row] = {}
    for grid in grids:
        for model in grid.models:
            if settings.model(grid.events, model).family != "control":
                first.setdefault((grid.events, model), Row(grid.tasks[0], model))
    if not first:
        raise UserError(f"suite {suite} has no model that trains")
    known = {row.model for row in first.values()}
    if unknown := sorted(set(models or ()) - known):
        raise UserError(f"no model {unknown[0]!r} that trains in these suites; there is: {', '.join(sorted(known))}")
    return [row for row in first.values() if models is None or row.model in models]


def titles(found: Sequence[torch.device]) -> list[str]:
    """Of the columns: for each operation one by device, and the ratio of the second to the first."""
    columns = ["model", "task", "parameters", "batch", "kind"]
    for operation in OPERATIONS:
        columns += [f"{operation}/s {device.type}" for device in found]
        columns += ["ratio"] * (len(found) == 2)
    return columns


def show(table: Table, settings: Params, row: Row, found: Sequence[torch.device], options: argparse.Namespace) -> None:
    """Measure a model on each device, and print its row; what fails on a device is printed below it."""
    task = task_of(settings, row.task)
    training = settings.train(task.event.kind, row.model)
    if options.batch_size:
        training = training.model_copy(update={"batch_size": options.batch_size})
    numbers = dict[tuple[str, int], float]()
    failures, described = list[str](), Implementation((), 0, list, list)
    for place, device in enumerate(found):
        operation = "building"
        try:
            described = implementation(settings, row.model, task, training, device)
            for operation in OPERATIONS:
                if call := described.call(operation):
                    each = rates([call], device, options.seconds)[0]
                    numbers[operation, place] = described.scale(operation) * statistics.median(each)
        except Exception as error:  # a row that fails, as of a model that is too large, leaves the others
            reason = (str(error).splitlines() or [""])[0]
            failures.append(f"{row.model}: {operation} on {device.type}: {type(error).__name__}: {reason}")
        if device.type == "cuda":
            torch.cuda.empty_cache()
    head = [row.model, row.task, f"{described.parameters:,}", str(training.batch_size), described.kind]
    table.row([*head, *cells(numbers, len(found))])
    for failure in failures:
        table.line(failure)


def cells(numbers: dict[tuple[str, int], float], count: int) -> Iterator[str]:
    """The rates of each operation on `count` devices; with two, their ratio as well."""
    for operation in OPERATIONS:
        values = [numbers.get((operation, place)) for place in range(count)]
        yield from ("—" if value is None else short(value) for value in values)
        if count == 2:
            yield "—" if None in values else f"{values[1] / values[0]:.2f}"


def task_of(settings: Params, name: str) -> Task:
    """The event and the condition of a task; where they are not known, its dataset is made with few items."""
    data = settings.task(name).data
    with suppress(UserError):
        event = known_event(data)
        if event and data.keywords.get("condition", "none") == "none":
            return Task(name, event)
    few = data.model_copy(update={split: min(FEW, getattr(data, split)) for split in ("train", "validation", "test")})
    made = datasets.make(few, f"tasks.{name}.data")
    return Task(name, made.event, made.condition, made.truth, tuple(made.factors))


def implementation(settings: Params, name: str, task: Task, training: Training, device: torch.device) -> Implementation:
    """A model as `coverseek train` builds and trains it, after one round and calibration."""
    events = task.event.kind
    spec = settings.model(events, name)
    torch.manual_seed(0)
    model = families.build(task, spec.family, spec.recipe or name, families.check(events, name, spec)).to(device)
    transfer = Transfer(device)
    data = transfer.dataset(random_batch(task, BATCHES * training.batch_size))
    x, c = transfer.batch((data[0][: training.batch_size], data[1][: training.batch_size]))
    step = training_round(model.train(), training, data, transfer)
    step()
    model.eval().calibrate([(x, c)], [(x, c)])
    return ours(model, (x, c), step)


def training_round(model: GenerativeModel, settings: Training, data: Batch, transfer: Transfer) -> Call:
    """A call that does what the training loop does in a round, without validation and curves."""
    fast = acceleration(settings, data[0])
    fast.place(model)
    average, finite = MovingAverage(model, settings.average), FiniteCheck()
    optimisers = [PlayerOptimiser(fast.player(player), settings) for player in model.players()]
    batches = shuffled(data, settings.batch_size, seed=0)

    def step() -> None:
        with fast.arithmetic():
            for optimiser in optimisers:
                for _ in range(optimiser.player.steps_per_round):
                    loss = optimiser.player.loss(*transfer.batch(next(batches)))
                    optimiser.step(loss, 0, finite)
        average.update()

    return step


if __name__ == "__main__":
    main()
