"""leaderboard.md: the boards for readers. Two tables a task: quality, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pipeline import paths
from pipeline.report import markdown, reference_values
from pipeline.report.board import Board, Score
from pipeline.report.tabular import Kind, Titled, columns, metrics, sampled
from pipeline.results.column import DASH, bound, column

HEAD = f"""# Leaderboard

Models first: by held-out likelihood, those without one after them by Fréchet distance. Controls below, *in italics*:
what the numbers read for the truth, for copying, for one mode and for noise. **Bold** is the best model of a column,
{DASH} a metric that does not apply. Every number of every seed is in [results.csv]({paths.RESULTS.name}); all metrics
of these tables, with interval ends and ranks, are in [leaderboard.csv]({paths.LEADERBOARD_CSV.name}).
"""

STYLES = {"plain": "{}", "best": "**{}**", "control": "*{}*", "blind": "({})"}
INTERVAL = "± is half of Student's 95 % t interval over n training seeds"
LOGGED = "[low, high] is that interval taken on the log scale, where mean is the geometric mean"
RANKED = (
    "Rank counts models within the column to its left: a range is what overlapping intervals leave open. "
    "A bound is ranked at its value: the truth is at least as good. Models that share a letter are not told apart by "
    "Welch's t tests over seeds, Holm-corrected over the column; P(best) is the chance to be first "
    "with seeds like these. All pairs, and the seeds that would tell two of them alone apart: "
    "[comparisons.csv](comparisons.csv)"
)
EXTERNAL = (
    "External rows were trained elsewhere and scored from files: of `re-scored` ones there are samples, of `reported` "
    "ones only numbers. They have no seeds, take no rank and are never bold"
)
SAMPLED = (
    "What other samples and other test items would have given for the same trained model, that of the first seed: the "
    "middle 95 % of a bootstrap, and for precision, recall, density, coverage and F-scores an interval from halves of "
    "both samples. It says nothing of another training."
)
EXTERNAL = (
    "External rows were trained elsewhere and scored from files: of `re-scored` ones there are samples, of `reported` "
    "ones only numbers. They have no seeds, take no rank and are never bold"
)
FLATTERED = "A bound on the flattering side (≥ where lower is better) is neither ranked nor bold"
BLIND = (
    "In parentheses and neither ranked nor bold: metrics that are blind here, since they do not tell the controls apart"
)
ALONE = "1 seed: no interval and no rank, for another seed may reorder these rows"
SAME = "its seeds draw the same items (most of them at least) and are no replications, so it has no interval"


Pictures = Mapping[tuple[str, str], Sequence[Path]]
"""(suite, task) -> its figures."""


def text(boards: Sequence[Board], pictures: Pictures, ladders: Mapping[str, str]) -> str:
    """`ladders`: suite -> the section that compares its tasks, for suites that have one."""
    suites = (list(group) for _, group in groupby(boards, key=lambda board: board.suite))
    return "\n".join([HEAD, *(_suite(group, pictures, ladders.get(group[0].suite)) for group in suites)])


def _suite(boards: Sequence[Board], pictures: Pictures, ladder: str | None) -> str:
    name = boards[0].suite
    head = f"## {name}: {boards[0].question}\n"
    if not any(board.measured for board in boards):
        return f"{head}\nNothing of this suite is measured: run `coverseek run --suite {name}`, or see {paths.LOGS}/.\n"
    tasks = (_task(board, pictures.get((name, board.task), ())) for board in boards)
    return "\n".join([head, *([ladder] if ladder else []), *tasks])


def _task(board: Board, pictures: Iterable[Path]) -> str:
    parts = [f"### {board.task}", table(columns(board, "quality")), _note(board, "quality")]
    if metrics(board, "cost"):
        own = replace(board, standings=tuple(s for s in board.standings if not s.external))
        parts += ["What it costs:", table(columns(own, "cost")), _note(own, "cost")]
    if any(s.sampled for s in board.standings):
        parts += [SAMPLED, table(sampled(board))]
    parts += [markdown.image(picture) for picture in pictures]
    return "\n\n".join(parts) + "\n"


def table(columns: Sequence[Titled]) -> str:
    """In Markdown."""
    return markdown.table([[c.title, *(STYLES[text.emphasis].format(text.words) for text in c.texts)] for c in columns])


def _note(board: Board, kind: Kind) -> str:
    shown = metrics(board, kind)
    lines = (
        sentences(board, kind),
        ". ".join(reference_values.sentences(board)) if kind == "quality" else "",
        f"Protocols: {_protocols(board, shown)}" if shown else "",
    )
    return "\n\n".join(f"{line}." for line in lines if line)


def sentences(board: Board, kind: Kind) -> str:
    """How a table is to be read."""
    scores, external = _scores(board, kind), any(s.external for s in board.standings)
    said = [
        intervals(board, kind),
        RANKED if kind == "quality" and any(board.ranks[m] for m in metrics(board, kind)) else "",
        FLATTERED if any(score.flatters for score in scores) else "",
        blind(board, kind),
        ALONE if any(score.interval.n == 1 for score in scores) else "",
        _same(board),
        EXTERNAL if kind == "quality" and external else "",
        f"Measured on {'; '.join(board.hardware)}" if kind == "cost" and board.hardware else "",
    ]
    return ". ".join(filter(None, said))


def _same(board: Board) -> str:
    """Which controls have no interval over their seeds; empty where all have one."""
    names = [s.model for s in board.standings if s.scores and not s.replicated]
    return f"{', '.join(names)}: {SAME}" if names else ""


def blind(board: Board, kind: Kind) -> str:
    """Which of the table's metrics are blind, and why; empty where none is."""
    reasons = [f"{column(m).title} ({board.blind[m]})" for m in metrics(board, kind) if m in board.blind]
    return f"{BLIND}: {', '.join(reasons)}" if reasons else ""


def intervals(board: Board, kind: Kind) -> str:
    """What the intervals of its tables are; empty where it has none."""
    spread = [score for score in _scores(board, kind) if score.interval.low is not None]
    logged = any(score.log for score in spread)
    return ". ".join([*([INTERVAL] if spread else []), *([LOGGED] if logged else [])])


def _scores(board: Board, kind: Kind) -> list[Score]:
    """Of what was trained here: what was scored from files has no seeds."""
    own = (s for s in board.standings if not s.external)
    return [s.scores[metric] for s in own for metric in metrics(board, kind) if metric in s.scores]


def _protocols(board: Board, metrics: Sequence[str]) -> str:
    """'precision, recall: <protocol>; nats: <protocol> [exact], <protocol> [≥ (ELBO)]'."""
    shared: dict[str, list[str]] = {}
    for metric in metrics:
        shared.setdefault(_protocol(board.protocols[metric]), []).append(column(metric).title)
    return "; ".join(f"{', '.join(titles)}: {protocol}" for protocol, titles in shared.items())


def _protocol(kinds: Mapping[str, str]) -> str:
    """The kinds' one protocol, or each with its kind."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    return ", ".join(f"{protocol} [{bound(kind)}]" for kind, protocol in kinds.items())
