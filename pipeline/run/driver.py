"""`coverseek run`: from params.yaml to the leaderboard.

Checks everything that it was given before it writes anything; then the schedule, DVC's records, MLflow, and the
leaderboard. What failed stands in the last lines and in the exit code.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from pipeline import paths
from pipeline.errors import UserError
from pipeline.params import Params, Suite, load
from pipeline.run.interrupt import EXIT, interrupts
from pipeline.run.stamp import Stamp
from pipeline.run.step import Outcome, Result, Step

WORDS: dict[Outcome, str] = {
    "ran": "ran",
    "restored": "restored from the cache",
    "unchanged": "unchanged",
    "failed": "failed",
    "skipped": "skipped",
}
Results = dict[str, Result]


def main(jobs: int, suite: str | None, everything: bool, track: bool = True) -> int:
    """Run what is not fresh. Returns the exit code: 0, 1 where a step failed, 130 where a signal ended the run.

    Raises:
        UserError: params.yaml, dvc.yaml or dvc.lock cannot be used; nothing was written.
    """
    stamp = Stamp(suite, everything)
    if stamp.fresh():
        _show(load().selected(suite, everything))
        print("Nothing changed since the last run.")
        return 0
    try:
        return _run(stamp, jobs, suite, everything, track)
    except KeyboardInterrupt:
        return EXIT


def _run(stamp: Stamp, jobs: int, suite: str | None, everything: bool, track: bool) -> int:
    from pipeline.tracking import live  # imports sqlalchemy

    settings, start = load(), time.monotonic()
    suites = settings.selected(suite, everything)
    with live.tracked(track):
        steps, results = _work(settings, suites, jobs)
    interrupted = len(results) < len(steps)
    if not interrupted:
        _publish()
        _show(suites)
    print(f"{len(results)} of {len(steps)} steps in {time.monotonic() - start:.0f} s: {_count(results)}.")
    failed = _name_failures(steps, results)
    if interrupted:
        print("Interrupted: what is finished is recorded, the next run goes on from there.")
        return EXIT
    if not failed:
        stamp.write()
    return 1 if failed else 0


def _work(settings: Params, suites: Mapping[str, Suite], jobs: int) -> tuple[Mapping[str, Step], Results]:
    with interrupts() as interrupt:
        from pipeline.run import repository  # WHY here: DVC takes two seconds to import

        with repository.opened() as workspace:
            from pipeline.run.progress import progress
            from pipeline.run.schedule import Schedule

            steps = workspace.steps(suites)
            schedule = Schedule(steps, workspace, jobs, before=_checker(settings, suites))
            with progress(len(steps)) as show:
                return steps, schedule.run(interrupt, show)


def _checker(settings: Params, suites: Mapping[str, Suite]) -> Callable[[], None]:
    """What has to hold before the first step runs, checked while the server of the workers warms up."""

    def check() -> None:
        from pipeline import families
        from pipeline.run import worker
        from pipeline.stages.code import hashes

        worker.warm_up()
        hashes(settings)  # each module can be parsed, each family exists
        for suite in suites.values():
            for model in suite.models:
                families.check(suite.events, model, settings.model(suite.events, model))

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


def _show(suites: Collection[str]) -> None:
    """The tables of what was run; `coverseek leaderboard` prints those of every suite."""
    from pipeline.stages import leaderboard

    try:
        leaderboard.render(None, suites)
    except UserError as error:
        print(error)
    else:
        print(f"Report: {paths.LEADERBOARD_MD}")


def _count(results: Results) -> str:
    counts = Counter(result.outcome for result in results.values())
    return ", ".join(f"{counts[outcome]} {word}" for outcome, word in WORDS.items() if counts[outcome])


def _name_failures(steps: Mapping[str, Step], results: Results) -> int:
    failed = [(steps[name], result) for name, result in results.items() if result.outcome == "failed"]
    for step, result in failed:
        log = f"; log: {step.log}" if result.seconds else ""
        print(f"failed: {step.title} ({result.reason}){log}")
    return len(failed)
