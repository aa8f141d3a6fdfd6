"""`coverseek doctor`: one line for each check, and what to do about what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from pipeline.doctor import artifacts, configuration, installation, surroundings
from pipeline.doctor.finding import Finding, Level

STYLE: dict[Level, str] = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def main() -> int:
    """0, or 1 where there is a fault."""
    console, faults = Console(highlight=False, soft_wrap=True), 0
    for finding in _findings():
        console.print(_line(finding))
        faults += finding.level == "fault"
    return int(faults > 0)


def _findings() -> Iterator[Finding]:
    yield from installation.check()
    settings, finding = configuration.grid()
    yield finding
    yield from configuration.check()
    if settings is not None:
        yield configuration.plan(settings)
        yield from artifacts.check(settings)
    yield from surroundings.check()


def _line(finding: Finding) -> Text:
    remedy = f"; do: {finding.remedy}" if finding.remedy else ""
    return Text.assemble((f"{finding.level:8}", STYLE[finding.level]), f"{finding.subject}: {finding.detail}{remedy}")
