"""One line of the doctor's report."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "fault"]


class Finding(NamedTuple):
    """`remedy`: what to do, where something is to be done. A fault stops a run or falsifies it; a warning does not."""

    level: Level
    subject: str
    detail: str
    remedy: str = ""
