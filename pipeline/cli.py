"""The command `coverseek`. A command imports its stage when it is called, so that `--help` is fast."""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline import paths, standard_streams
from pipeline.errors import UserError
from pipeline.standard_streams import OutputError, say

USAGE, INTERNAL, CLOSED = 2, 3, 141
EXIT_CODES = (
    "Exit codes: 0 success; 1 a check failed (gate, doctor, conformance) or a step of a run failed; 2 wrong usage or "
    "wrong input; 3 an unexpected error, whose traceback is in logs/, or output that cannot be written; 130 "
    "interrupted; 141 the reader of the output ended, as in a pipe to head."
)
LONGEST = 300
"""Characters of an exception's message that are printed."""

app = typer.Typer(
    help="Benchmark deep generative models: which families cover the data's modes, and which seek a few.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ALL, STAGE, RESULTS, OWN = "Pipeline", "Single stages", "Results", "Your own data and models"
"""Headings of `--help`."""

Task = Annotated[str, typer.Option(help="A task of params.yaml.")]
Model = Annotated[str, typer.Option(help="A model of params.yaml; coverseek models lists them.")]
Seed = Annotated[int, typer.Option(help="The training seed.")]
OneTask = Annotated[str | None, typer.Option("--task", help="One task only.")]
OneMetric = Annotated[str | None, typer.Option("--metric", help="One metric only, named as in results.csv.")]
Form = Literal["table", "markdown", "md", "json"]
Table = Literal["markdown", "md", "latex", "csv"]


@app.command(rich_help_panel=ALL)
def run(
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Cells that run at the same time: 1, or all that a cluster has room for."
        ),
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Run one suite instead of the default ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every suite but those that are opt_in.")] = False,
    track: Annotated[
        bool, typer.Option("--track/--no-track", envvar="COVERSEEK_TRACK", help="Log curves to MLflow while training.")
    ] = True,
    task: OneTask = None,
    model: Annotated[str | None, typer.Option(help="One model only.")] = None,
    device: Annotated[
        str | None,
        typer.Option(
            envvar="COVERSEEK_DEVICE", help="auto, cpu, cuda, cuda:N or mps instead of params.yaml's hardware.device."
        ),
    ] = None,
    force: Annotated[
        list[str] | None, typer.Option(metavar="CELL", help="Run a cell again, such as ring-vae-0; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would run; with --suite, the cost of each training too.")
    ] = False,
    verify: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Run N stale cells again; accept the others if no output differs."),
    ] = None,
    on: Annotated[
        Literal["here", "ray"],
        typer.Option("--on", help="Run cells on this machine, or on the Ray cluster of cluster.yaml."),
    ] = "here",
    trust_network: Annotated[
        bool, typer.Option("--trust-network", help="Use a Ray cluster that asks for no token.")
    ] = False,
) -> None:
    """Run what is not fresh, from data to leaderboard, then publish to MLflow."""
    from pipeline.run.driver import Request, main
    from pipeline.run.where import Where

    if suite is not None and everything:
        raise UserError("--suite names one suite and --all is every suite: leave one of them out")
    if device is not None:
        _use_device(device)
    request = Request(suite, everything, task, model, tuple(force or ()), device)
    where = Where(jobs, on == "ray", trust_network)
    raise typer.Exit(main(request, where, dry_run, verify, track))


def _use_device(word: str) -> None:
    """Let this process and its workers use a device.

    Raises:
        UserError: the word names no device, or one that is not on this machine.
    """
    from pipeline.params import check_device

    check_device(word, "--device")
    if word != "cpu":
        from pipeline.device import find

        find(word)
    os.environ["COVERSEEK_DEVICE"] = word


@app.command(rich_help_panel=ALL)
def plan(
    check: Annotated[bool, typer.Option("--check", help="Refuse a stale plan/cells.json, as in dvc.yaml.")] = False,
) -> None:
    """Write the cells of params.yaml, and a hash of settings and code for each kind of work, for DVC."""
    from pipeline.stages.plan import main

    main(check)


@app.command(rich_help_panel=STAGE)
def prepare(task: Task) -> None:
    """Write a task's splits and their manifest."""
    from pipeline.stages.prepare import main

    main(task)


@app.command(rich_help_panel=OWN)
def download(
    name: Annotated[str, typer.Argument(help="A standard dataset: mnist, cifar10, svhn, ...")],
    data_root: Annotated[Path, typer.Option(help="The folder to write to: the task's data_root.")] = Path("data"),
    force: Annotated[bool, typer.Option("--force", help="Verify and unpack existing archives again.")] = False,
) -> None:
    """Download a standard dataset and verify its checksum. No other command downloads data."""
    from pipeline.stages.download import main

    main(name, data_root, force)


@app.command(rich_help_panel=STAGE)
def features(task: Task) -> None:
    """Fit a task's feature extractor and extract the features of its real data."""
    from pipeline.stages.features import main

    main(task)


@app.command(rich_help_panel=STAGE)
def train(task: Task, model: Model, seed: Seed = 0) -> None:
    """Train one model on one task from one seed."""
    from pipeline.stages.train import main

    main(task, model, seed)


@app.command(rich_help_panel=STAGE)
def evaluate(task: Task, model: Model, seed: Seed = 0) -> None:
    """Sample from a trained model and compute all metrics that apply to it."""
    from pipeline.stages.evaluate import main

    main(task, model, seed)


@app.command(rich_help_panel=STAGE)
def sweep(task: Task, model: Model, seed: Seed = 0) -> None:
    """Evaluate a trained model at each setting of its knob, from covering to seeking."""
    from pipeline.stages.sweep import main

    main(task, model, seed)


@app.command(rich_help_panel=RESULTS)
def sample(
    task: Task,
    model: Model,
    out: Annotated[Path, typer.Option(help="The output folder; it must be new or empty.")],
    seed: Seed = 0,
    condition: Annotated[str | None, typer.Option(help="A class, or a box: left,top,right,bottom.")] = None,
    condition_file: Annotated[Path | None, typer.Option(help="A .png, .npy or .npz with conditions.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 64,
    knob: Annotated[float | None, typer.Option(help="Temperature, truncation or guidance; 1: as trained.")] = None,
    draw_seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The seed of the sampling.")] = 0,
) -> None:
    """Sample from a trained model into a folder, with the given conditions or those of the test data."""
    from pipeline.stages.sample import main

    main(
        task, model, seed, condition=condition, condition_file=condition_file, count=count, out=out,
        setting=knob, draw_seed=draw_seed,
    )  # fmt: skip


@app.command(rich_help_panel=OWN)
def score(
    task: Task,
    path: Annotated[
        Path | None, typer.Argument(help="A folder of PNG, an .npz, .npy, .safetensors; or a .csv of metrics.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name of its row; by default that of the file.")] = None,
    nll: Annotated[Path | None, typer.Option(help="A .csv: a negative log-likelihood for each test item.")] = None,
    value_range: Annotated[str | None, typer.Option("--range", help="Of the values: low,high. uint8: 0,255.")] = None,
    nearest: Annotated[bool, typer.Option("--round", help="Round values to the nearest level.")] = False,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Take back what was scored by that name.")] = None,
) -> None:
    """Evaluate samples of an external model with the same metrics, for a row in the report."""
    from pipeline.stages import score as stage

    if remove is None:
        stage.main(task, name, stage.ScoreInput(path, nll, value_range, nearest))
    elif (path, name, nll) == (None, None, None):
        stage.remove(task, remove)
    else:
        raise UserError("--remove goes with --task alone: leave the others out")


@app.command(rich_help_panel=RESULTS)
def report(
    form: Annotated[
        Table | None, typer.Option("--format", help="Print the tables in this format (md: markdown); write nothing.")
    ] = None,
    task: OneTask = None,
    readme: Annotated[
        bool, typer.Option("--readme", help="Write answer and results of the last report into README.md; nothing else.")
    ] = False,
) -> None:
    """Write tables and figures of the evaluated runs; or print the tables only."""
    if form or task:
        from pipeline.stages.report_tables import main as show

        return show(_format(form or "markdown"), task)
    if readme:
        from pipeline.stages.readme import main as write

        return write()
    from pipeline.stages.report import main

    main()


@app.command(rich_help_panel=RESULTS)
def publish() -> None:
    """Publish the results to MLflow (MLFLOW_TRACKING_URI, or a local sqlite file); existing runs stay unchanged."""
    from pipeline.stages.publish import main

    main()


@app.command(rich_help_panel=RESULTS)
def leaderboard(
    task: OneTask = None,
    metric: OneMetric = None,
    history: Annotated[bool, typer.Option("--history", help="Show what changed, when, and in which commit.")] = False,
    form: Annotated[Form | None, typer.Option("--format", help="Output format of the history; md: markdown.")] = None,
) -> None:
    """Print the leaderboard of the last report; with any option but --task, its history."""
    if metric or history or form:
        from pipeline.stages.timeline import main as show

        return show(task, metric, history, _format(form or "table"))
    from pipeline.stages.leaderboard import main

    main(task)


@app.command(rich_help_panel=RESULTS)
def compare(
    before: Annotated[str, typer.Argument(help="A git revision, or the id of a run of MLflow.")],
    after: Annotated[str | None, typer.Argument(help="Another one; by default the work tree.")] = None,
    task: OneTask = None,
    metric: OneMetric = None,
    form: Annotated[Form, typer.Option("--format", help="Output format; md: markdown.")] = "table",
) -> None:
    """Compare the results of two revisions: improved, worse, or unchanged within noise."""
    from pipeline.stages.compare import main

    main(before, after, task, metric, _format(form))


@app.command(rich_help_panel=RESULTS)
def gate(
    baseline: Annotated[str, typer.Option(help="A git revision, or the id of a run of MLflow.")],
    metric: Annotated[str, typer.Option(help="A metric, named as in results.csv.")],
    task: OneTask = None,
) -> None:
    """Exit with 1 if the results are worse than the baseline beyond noise."""
    from pipeline.stages.gate import main

    raise typer.Exit(main(baseline, metric, task))


@app.command(rich_help_panel=ALL)
def models(
    name: Annotated[str | None, typer.Argument(help="A model of params.yaml, to see its recipe and keywords.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write docs/models.md, the page of all recipes.")] = False,
) -> None:
    """List the models of params.yaml, or describe one: equation, paper, kind of likelihood, knob, keywords."""
    from pipeline.stages.models import main

    main(name, write=write)


@app.command(rich_help_panel=OWN)
def conformance(
    target: Annotated[str, typer.Argument(help="package.module:name, family/recipe, or the name of an entry point.")],
    keywords: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A keyword.")] = None,
) -> None:
    """Check whether a model, dataset or extractor keeps the contract; exit with 1 if a law fails."""
    from pipeline.stages.conformance import main

    raise typer.Exit(main(target, keywords or []))


@app.command(rich_help_panel=ALL)
def doctor() -> None:
    """Check the installation, params.yaml, the graph and the artifacts; print a remedy for each fault."""
    from pipeline.stages.doctor import main

    raise typer.Exit(main())


def _format(name: str) -> str:
    return "markdown" if name == "md" else name


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exits with one of `EXIT_CODES`; an error is one line on standard error."""
    try:
        with standard_streams.prepared():
            _run(arguments)
    except OutputError as error:
        if error.closed:
            sys.exit(CLOSED)
        say(f"coverseek: the output cannot be written: {error}")
        sys.exit(INTERNAL)


def _run(arguments: list[str] | None) -> None:
    try:
        app(arguments)
    except UserError as error:
        say(f"coverseek: {error}")
        sys.exit(USAGE)
    except Exception as error:
        say(f"coverseek: internal error: {_describe(error)}; {_log(sys.argv[1:] if arguments is None else arguments)}")
        sys.exit(INTERNAL)


def _describe(error: Exception) -> str:
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _log(arguments: list[str]) -> str:
    """Write the traceback of the current exception to a new file; return one line that names the file."""
    name = "-".join(re.findall(r"[\w.]+", " ".join(arguments)))[:80]
    path = paths.log("error", f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        return f"its traceback cannot be written to {path} ({error.strerror})"
    return f"traceback: {path}"


if __name__ == "__main__":
    main()
