"""`coverseek leaderboard --history`: standings, champions and changes, as MLflow remembers them."""

from __future__ import annotations

import json

from pipeline.history import account, feed, sheet
from pipeline.history.chronicle import Chronicle, chronicles
from pipeline.tracking import past
from pipeline.tracking.address import uri


def main(task: str | None, metric: str | None, history: bool, form: str) -> None:
    """Print one task or all, one metric or those that order the rows.

    Args:
        history: also what changed; else the standings alone.
        form: "table", "md", "json" or "atom".

    Raises:
        UserError: the store cannot be used, or holds no such task or metric.
    """
    metrics = [metric] if metric else past.ORDERING
    told = chronicles(past.records(uri(), task, metric), metrics)
    if form == "json":
        print(json.dumps({"history": [account.as_json(one, history) for one in told]}, indent=2, allow_nan=False))
    elif form == "atom":
        print(feed.atom(told), end="")
    else:
        _print(told, history, form)


def _print(told: list[Chronicle], history: bool, form: str) -> None:
    sheets = account.sheets(told, history)
    if form == "md":
        print(sheet.as_markdown(sheets), end="")
    else:
        sheet.show(sheets)
