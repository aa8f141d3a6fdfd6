"""`coverseek run`: from params.yaml to the leaderboard.

Checks everything that it was given before it writes anything; then the schedule, DVC's records, MLflow, and the
leaderboard. What failed stands in the last lines and in the exit code.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pipeline import files, paths
from pipeline.cells import STALE, in_graph, is_stale, write
from pipeline.errors import UserError, suggest
from pipeline.params import Params, load
from pipeline.paths import Cell
from pipeline.run.interrupt import EXIT, interrupts
from pipeline.run.stamp import Stamp
from pipeline.run.step import Outcome, Result, Step
from pipeline.run.where import Where

WORDS: dict[Outcome, str] = {
    "ran": "ran",
    "restored": "restored from the cache",
    "unchanged": "unchanged",
    "failed": "failed",
    "skipped": "skipped",
}
LOG_LINES = 10
"""Lines of the log of a failed step that `--verify` prints."""
Results = dict[str, Result]


class Request(NamedTuple):
    """What is to be run: the cells of a suite, of all suites, or of the default ones; those of one task or model.

    A suite that is `opt_in` has to be named.
    """

    suite: str | None = None
    everything: bool = False
    task: str | None = None
    model: str | None = None
    force: tuple[str, ...] = ()
    """Keys of cells that run again although nothing of them changed; without any other choice these cells alone."""
    device: str | None = None
    """What COVERSEEK_DEVICE was set to: cells are fresh for one device."""

    def cells(self, settings: Params) -> list[Cell]:
        """In the order of `Params.cells`.

        Raises:
            UserError: a name is not in params.yaml, or no cell is selected.
        """
        if self.task is not None:
            settings.task(self.task)
        forced = {cell for key in self.force for cell in [self._find(settings, key)]}
        if self[:4] == Request()[:4] and forced:
            return [cell for cell in settings.cells if cell in forced]
        everything = self.everything or (self.suite is None and (self.task or self.model) is not None)
        suites = settings.selected(self.suite, everything).values()
        selected = {cell for suite in suites for cell in suite.cells() if self._matches(cell)} | forced
        if not selected:
            for name, suite in settings.suites.items():
                if suite.opt_in and any(self._matches(cell) for cell in suite.cells()):
                    raise UserError(f"suite {name} has to be named: coverseek run --suite {name}")
            models = dict.fromkeys(cell.model for suite in suites for cell in suite.cells())
            hint = suggest(self.model, models) if self.model and self.model not in models else "choose another pair"
            raise UserError(
                f"no cell of {paths.PARAMS} has task {self.task or 'any'}, model {self.model or 'any'}; {hint}"
            )
        return [cell for cell in settings.cells if cell in selected]

    def _matches(self, cell: Cell) -> bool:
        return self.task in (None, cell.task) and self.model in (None, cell.model)

    def _find(self, settings: Params, key: str) -> Cell:
        cells = {cell.key: cell for cell in in_graph(settings, self.suite).cells}
        if key not in cells:
            raise UserError(f"--force {key}: no such cell in {paths.PARAMS}; {suggest(key, cells)}")
        return cells[key]


def main(request: Request, where: Where, dry_run: bool = False, verify: int | None = None, track: bool = True) -> int:
    """Run what is not fresh. Returns the exit code: 0, 1 where a step failed, 130 where a signal ended the run.

    Raises:
        UserError: params.yaml, dvc.yaml or dvc.lock cannot be used; nothing was written.
    """
    stamp = Stamp(str(request))
    if not request.force and stamp.fresh():
        settings = load()
        _show(settings, request.cells(settings))
        print("Nothing changed since the last run.")
        return 0
    try:
        if dry_run:
            return _list_stale(request)
        if verify is not None and not _verify(request, where, verify):
            return 1
        return _run(stamp, where, request, track)
    except KeyboardInterrupt:
        return EXIT


def _list_stale(request: Request) -> int:
    """Print the steps that a run would run, and for how long; of a named suite the cost of each training as well."""
    settings = load()
    cells = request.cells(settings)
    if is_stale(settings):
        raise UserError(STALE)
    if request.suite is not None:
        from pipeline.run import cost_table

        cost_table.show(settings, cells)
        missing = {*cells} - {*in_graph(settings).cells}
        if missing:
            print(f"All steps of {len(missing)} cells would run; they become part of {paths.CELLS} when they do.")
            return 0
    return _list_stale_steps(settings, cells, request)


def _list_stale_steps(settings: Params, cells: list[Cell], request: Request) -> int:
    from pipeline.run import repository  # WHY here: DVC takes two seconds to import
    from pipeline.run.forecast import Forecast
    from pipeline.stages.plan import parameters

    current = parameters(settings)
    with repository.opened() as workspace:
        steps = workspace.steps(cells)
        workspace.force(_forced(steps, request))
        stale = workspace.stale(steps, current)
    expected = Forecast(steps.values(), 1).expected
    for name in stale:
        print(steps[name].title)
    seconds = sum(expected[name] for name in stale)
    print(
        f"{len(stale)} of {len(steps)} steps would run, {seconds:.0f} s one at a time, unless they are in DVC's cache."
    )
    return 0


def _verify(request: Request, where: Where, count: int) -> bool:
    """Run a sample of the stale steps again, and accept the others if the sample is what dvc.lock says it is."""
    with interrupts() as interrupt:
        from pipeline.run import repository, verify
        from pipeline.run.progress import progress
        from pipeline.run.schedule import Schedule
        from pipeline.run.this_machine import ThisMachine

        settings = load()
        cells = request.cells(settings)
        write(settings, request.suite)
        with repository.opened() as workspace:
            steps, check = workspace.steps(cells), _checker(settings, cells)
            with progress(1) as show:
                planned = Schedule(_only(steps, ["plan"]), workspace, ThisMachine(1), before=check).run(interrupt, show)
            if interrupt:
                raise KeyboardInterrupt
            if _name_failures(steps, planned):
                _print_logs(steps, planned)
                return False
            current = files.read_json(paths.PARAMETERS, "coverseek plan")
            stale = [name for name in workspace.stale(steps, current) if steps[name].stage not in ("plan", "report")]
            acceptable = verify.acceptable(workspace, steps, stale, current)
            seed = verify.seed_of(current)
            verify.refuse_repetition(seed)
            names = verify.sample(settings, acceptable, count, seed)
            compared = verify.VerifiedWorkspace(workspace, names)
            workspace.force(names)
            with progress(len(names)) as show:
                place = where.place(settings, workspace.cache)
                results = Schedule(_only(steps, names), compared, place, before=check).run(interrupt, show)
            if interrupt:
                if compared.differing:
                    verify.Verification(seed, names, [], compared.differing).write()
                raise KeyboardInterrupt
            differing = verify.failures(names, results, compared.differing)
            accepted = [] if differing else [name for name in acceptable if name not in results]
            for name in accepted:
                workspace.accept(name)
            workspace.unforce()
    if names:
        kept = [name for name in verify.accepted_before() if name not in {*names, *accepted}]
        verify.Verification(seed, names, kept + accepted, differing).write()
    for name, why in differing.items():
        print(f"not verified: {steps[name].title} ({why})")
        _print_logs(steps, {name: results[name]})
    if differing:
        print("Nothing was accepted. Run what is stale with: coverseek run")
    else:
        print(f"Verified: {len(names)} steps ran again with the same outputs, {len(accepted)} others are accepted.")
    return not differing


def _only(steps: Mapping[str, Step], names: Sequence[str]) -> dict[str, Step]:
    """Some of the steps, without those that they wait for besides."""
    return {name: replace(steps[name], after=steps[name].after & {*names}) for name in names}


def _run(stamp: Stamp, where: Where, request: Request, track: bool) -> int:
    from pipeline.tracking import live_curves  # imports sqlalchemy

    settings, start = load(), time.monotonic()
    cells = request.cells(settings)
    with live_curves.tracked(track):
        steps, results = _work(settings, cells, where, request)
    from pipeline.run import verify  # WHY here: it imports DVC, which `_work` has imported by now

    verify.forget({name for name, result in results.items() if result.outcome == "ran"})
    interrupted = len(results) < len(steps)
    if not interrupted:
        _publish()
        _show(settings, cells)
        _print_committed(steps, results)
    print(f"{len(results)} of {len(steps)} steps in {time.monotonic() - start:.0f} s: {_count(results)}.")
    failed = _name_failures(steps, results)
    if interrupted:
        print("Interrupted: what is finished is recorded, the next run goes on from there.")
        return EXIT
    if not failed:
        stamp.write()
    return 1 if failed else 0


def _work(
    settings: Params, cells: Sequence[Cell], where: Where, request: Request
) -> tuple[Mapping[str, Step], Results]:
    with interrupts() as interrupt:
        from pipeline.run import repository  # WHY here: DVC takes two seconds to import
        from pipeline.stages.plan import FOLDERS

        write(settings, request.suite)
        for folder in FOLDERS:
            folder.mkdir(parents=True, exist_ok=True)
        with repository.opened() as workspace:
            from pipeline.run.progress import progress
            from pipeline.run.schedule import Schedule

            steps = workspace.steps(cells)
            workspace.force(_forced(steps, request))
            place = where.place(settings, workspace.cache)
            schedule = Schedule(steps, workspace, place, before=_checker(settings, cells))
            with progress(len(steps)) as show:
                return steps, schedule.run(interrupt, show)


def _forced(steps: Iterable[str], request: Request) -> list[str]:
    return [name for name in steps if name.partition("@")[2] in request.force]


def _checker(settings: Params, cells: Iterable[Cell]) -> Callable[[], None]:
    """What has to hold before the first step runs, checked while the server of the workers warms up."""

    def check() -> None:
        from pipeline import families
        from pipeline.run import worker
        from pipeline.stages.plan import parameters

        worker.warm_up()
        parameters(settings)  # each module can be parsed, each family exists
        for events, model in dict.fromkeys((settings.task_events[cell.task], cell.model) for cell in cells):
            families.check(events, model, settings.model(events, model))

    return check


def _publish() -> None:
    """Best effort: MLflow holds a copy, and `coverseek publish` makes it again."""
    from pipeline.stages import publish
    from pipeline.tracking import address

    try:
        publish.main()
    except Exception as error:
        line = address.scrub(" ".join(f"{type(error).__name__}: {error}".split()))
        print(f"Not published to MLflow ({line}); try again with: coverseek publish")


def _show(settings: Params, cells: Iterable[Cell]) -> None:
    """The tables of the suites whose cells were all run; `coverseek leaderboard` prints those of every suite."""
    from pipeline.stages import leaderboard

    ran = {*cells}
    suites = [name for name, suite in settings.suites.items() if ran.issuperset(suite.cells())]
    try:
        leaderboard.render(None, suites)
    except UserError as error:
        print(error)
    else:
        print(f"Report: {paths.LEADERBOARD_MD}")


def _print_committed(steps: Mapping[str, Step], results: Results) -> None:
    """What the report printed of cells that an earlier run measured (`stages.committed_cells`)."""
    from pipeline.run.worker import last_lines
    from pipeline.stages.committed_cells import BEGIN

    if results["report"].outcome == "ran":
        for line in last_lines(steps["report"].log, 3):
            if line.startswith(BEGIN):
                print(line)


def _count(results: Results) -> str:
    counts = Counter(result.outcome for result in results.values())
    return ", ".join(f"{counts[outcome]} {word}" for outcome, word in WORDS.items() if counts[outcome])


def _name_failures(steps: Mapping[str, Step], results: Results) -> int:
    """Print a line for each step that failed; their number."""
    failed = [(steps[name], result) for name, result in results.items() if result.outcome == "failed"]
    for step, result in failed:
        log = f"; log: {step.log}" if result.seconds else ""
        print(f"failed: {step.title} ({result.reason}){log}")
    return len(failed)


def _print_logs(steps: Mapping[str, Step], results: Results) -> None:
    """The last lines of the log of each step that ran and failed."""
    from pipeline.run.worker import last_lines

    for name, result in results.items():
        if result.outcome == "failed" and result.seconds:
            print(f"{steps[name].log} ends with:", *last_lines(steps[name].log, LOG_LINES), sep="\n  ")
