"""leaderboard.md: the boards for readers. Two tables a task: quality, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pipeline import paths
from pipeline.metrics.interval import Interval
from pipeline.report import markdown, reference
from pipeline.report.board import Board, Standing
from pipeline.report.column import DASH, LIKELIHOODS, arrow, bound, column

HEAD = f"""# Leaderboard

Models first: by held-out likelihood, those without one after them by Fréchet distance. Controls below, *in italics*:
what the numbers read for the truth, for copying, for one mode and for noise. **Bold** is the best model of a column,
{DASH} a metric that does not apply. Every number of every seed is in [results.csv]({paths.RESULTS.name}); all metrics
of these tables, with interval ends and ranks, are in [leaderboard.csv]({paths.LEADERBOARD_CSV.name}).
"""

CONTROLS = {
    "oracle": "ceiling: the truth",
    "real": "ceiling: held-out data",
    "copycat": "copies the training set",
    "collapsed": "floor: one mode",
    "noise": "floor: uniform",
    "marginal": "floor: independent pixels",
}

NEAREST = {"real": "held-out item of the nearest condition", "copycat": "training item of the nearest condition"}
"""What the controls are where an item may have its condition to itself."""

BOUNDS = ("<=", ">=")
INTERVAL = "± is half of Student's 95 % t interval over n training seeds"
LOGGED = "[low, high] is that interval taken on the log scale, where mean is the geometric mean"
RANKED = (
    "Rank counts models within the column to its left: a range is what overlapping intervals leave open. "
    "A bound is ranked at its value: the truth is at least as good. Models that share a letter are not told apart by "
    "t tests over seeds, paired, Holm-corrected over the column; P(best) is the chance to be first with seeds like "
    "these. All pairs, and the seeds that would tell them apart: [comparisons.csv](comparisons.csv)"
)
SAMPLED = (
    "What other samples and other test items would have given for the same trained model, that of the first seed: the "
    "middle 95 % of a bootstrap. It says nothing of another training."
)
FLATTERED = "A bound on the flattering side (≥ where lower is better) is neither ranked nor bold"
ALONE = "1 seed: no interval and no rank, for another seed may reorder these rows"


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
    parts = [f"### {board.task}", _table(board, "quality"), _note(board, "quality")]
    if metrics(board, "cost"):
        parts += ["What it costs:", _table(board, "cost"), _note(board, "cost")]
    if any(s.sampled for s in board.standings):
        parts += [SAMPLED, _sampled(board)]
    parts += [markdown.image(picture) for picture in pictures]
    return "\n\n".join(parts) + "\n"


def metrics(board: Board, table: str) -> list[str]:
    """The columns of one of its tables, "quality" or "cost"."""
    return [metric for metric in board.protocols if column(metric).table == table]


def _table(board: Board, table: str) -> str:
    columns = [["model", *(_name(s) for s in board.standings)], ["family", *_families(board)]]
    if table == "quality":
        columns.append(["seeds", *(seeds(s) for s in board.standings)])
    for metric in metrics(board, table):
        columns += _columns(board, metric)
    return markdown.table(columns)


def _sampled(board: Board) -> str:
    columns = [["model", *(_name(s) for s in board.standings)]]
    for metric in (m for m in metrics(board, "quality") if any(m in s.sampled for s in board.standings)):
        columns.append([column(metric).title, *(_between(s.sampled.get(metric), metric) for s in board.standings)])
    return markdown.table(columns)


def _between(interval: Interval | None, metric: str) -> str:
    """'0.71 to 0.80'"""
    if interval is None or interval.low is None or interval.high is None:
        return DASH
    return f"{column(metric).text(interval.low)} to {column(metric).text(interval.high)}"


def _columns(board: Board, metric: str) -> list[list[str]]:
    """The metric's column; beside the likelihood its kind; beside what orders the rows, the rank where one has one."""
    columns = [[column(metric).title + arrow(board.better(metric)), *_values(board, metric)]]
    if metric == board.likelihood:
        kinds = (bound(s.scores[metric].kind) if metric in s.scores else DASH for s in board.standings)
        columns.append(["kind", *kinds])
    if metric in (board.likelihood, "frechet") and board.ranks[metric]:
        columns.append(["rank", *(_rank(board, metric, s.model) for s in board.standings)])
        chances = (board.comparisons[metric].best.get(s.model) for s in board.standings)
        columns.append(["P(best)", *(DASH if share is None else f"{share:.2f}" for share in chances)])
    return columns


def _rank(board: Board, metric: str, model: str) -> str:
    """'1–3 ab'"""
    rank = board.ranks[metric].get(model)
    return f"{rank.text('–')} {board.comparisons[metric].letters.get(model, '')}".rstrip() if rank else DASH


def _values(board: Board, metric: str) -> list[str]:
    top = best(board, metric)
    return [_value(standing, metric, top) for standing in board.standings]


def _value(standing: Standing, metric: str, best: str | None) -> str:
    if metric not in standing.scores:
        return DASH
    score, style = standing.scores[metric], column(metric)
    sign = "" if metric in LIKELIHOODS or score.kind[:2] not in BOUNDS else bound(score.kind[:2]) + " "
    spread = sign + style.spread(score.interval.mean, score.interval.low, score.interval.high, score.log)
    if standing.control:
        return f"*{spread}*"
    return f"**{spread}**" if style.text(score.interval.mean) == best and not score.flatters else spread


def best(board: Board, metric: str) -> str | None:
    """The best model's mean as it is printed: rows that print the same are equally best."""
    better = board.better(metric)
    scores = [s.scores[metric] for s in board.standings if metric in s.scores and s.competes]
    means = [score.interval.mean for score in scores if not score.flatters]
    if better == "none" or not means:
        return None
    return column(metric).text(max(means) if better == "higher" else min(means))


def _name(standing: Standing) -> str:
    return f"*{standing.model}*" if standing.control else standing.model


def _families(board: Board) -> list[str]:
    pairs = zip(board.standings, roles(board), strict=True)
    return [f"*{role}*" if standing.control else role for standing, role in pairs]


def roles(board: Board) -> list[str]:
    """The family of each model; of a control, what it is."""
    controls = CONTROLS | NEAREST if reference.unshared(board) else CONTROLS
    return [controls.get(s.model, "control") if s.control else s.family for s in board.standings]


def seeds(standing: Standing) -> str:
    """'3', or '2; diverged at step 120 (critic), 1 of 3 seeds'"""
    count = "1 seed" if len(standing.cells) == 1 else str(len(standing.cells))
    return count if standing.status == "ok" else f"{count}; {standing.status}"


def _note(board: Board, table: str) -> str:
    found = metrics(board, table)
    lines = (
        sentences(board, table),
        ". ".join(reference.sentences(board)) if table == "quality" else "",
        f"Protocols: {_protocols(board, found)}" if found else "",
    )
    return "\n\n".join(f"{line}." for line in lines if line)


def sentences(board: Board, table: str) -> str:
    """How a table is to be read."""
    found = metrics(board, table)
    scores = [s.scores[metric] for s in board.standings for metric in found if metric in s.scores]
    spread = [score for score in scores if score.interval.low is not None]
    said = [
        INTERVAL if spread else "",
        LOGGED if any(score.log for score in spread) else "",
        RANKED if table == "quality" and any(board.ranks[m] for m in found) else "",
        FLATTERED if any(score.flatters for score in scores) else "",
        ALONE if len(spread) < len(scores) else "",
        f"Measured on {'; '.join(board.hardware)}" if table == "cost" and board.hardware else "",
    ]
    return ". ".join(filter(None, said))


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
