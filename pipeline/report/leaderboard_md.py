"""The leaderboard in Markdown: leaderboard.md with the default suites, and a file for each other suite.

Each task has two tables, quality and cost, which the sampling intervals follow in the files of the other suites. A
conditioning series has a section of its own before the tasks of its suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from os.path import relpath
from pathlib import Path

from pipeline import paths
from pipeline.report import committed_rows, equal_precision_table, extractor_agreement, reference_values, tables
from pipeline.report.leaderboard import Board, SeedMean, Standing
from pipeline.report.tables import Kind
from pipeline.results import convergence
from pipeline.results.column import DASH, Column, bound, column
from pipeline.results.conditioning import BITS, ConditioningSeries, ModelSeries, paired
from pipeline.statistics.intervals import Seeds, student_t
from pipeline.table_formats import emphasised_markdown, markdown

FOLDER = paths.LEADERBOARD_MD.with_name("leaderboards")
READ = f"""Models first: by held-out likelihood, those without one after them by Fréchet distance. Controls below, *in
italics*: what the numbers read for the truth, for copying, for one mode and for noise. **Bold** is the best model of a
column, {DASH} a metric that does not apply."""
INTERVAL = "± is half of Student's 95 % t interval over n training seeds"
LOGGED = "[low, high] is that interval taken on the log scale, where mean is the geometric mean"
RANKED = (
    "Rank counts models within the column to its left: a range is what overlapping intervals leave open. "
    "A bound is ranked at its value: the truth is at least as good. Models that share a letter are not distinguished "
    "by Welch's t tests over seeds, Holm-corrected over the column; P(best) is the probability to be first "
    "with seeds like these. All pairs, and the seeds that would distinguish two of them alone: comparisons.csv"
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
FLATTERED = "A bound on the optimistic side (≥ where lower is better) is neither ranked nor bold"
BLIND = "In parentheses and neither ranked nor bold: metrics that are blind here: they do not distinguish the controls"
UNDECIDED = "Convergence is not decided, for want of a validation score that is comparable over the training"
ALONE = "1 seed: no interval and no rank, for another seed may reorder these rows"
SAME = "its seeds draw the same items (most of them at least), or are not known to draw others, so it has no interval"
RULE = (
    "Supported: bits/dim falls at each level, and the 95 % t interval of each drop, paired over seeds, lies above 0. "
    "Contradicted: the interval of a drop lies below 0, at the level 1 - .05 / drops. Undecided: all else."
)
EXPLAINED = (
    "Bits per image (bits/dim) that each condition explains, against the images without one. It is an estimate of "
    "I(x; c), not a bound: both sides are cross-entropies."
)
BEYOND = "what an estimate has beyond that, one of the two models failed to learn"
PAIRED = "± is half of Student's 95 % t interval over n training seeds; that of a difference is paired over seeds."
PER_IMAGE = Column("bits per image", decimals=1)
PER_DIM = Column("bits/dim", decimals=4)
"""A digit more than bits/dim has: of 768 values, a class may explain a few bits."""


Pictures = Mapping[tuple[str, str], Sequence[Path]]
"""(suite, task) -> its figures."""


def pages(
    boards: Sequence[Board],
    default: Iterable[str],
    pictures: Pictures,
    series: Mapping[str, str],
) -> dict[Path, str]:
    """Every file of the leaderboard.

    Args:
        boards: in the order of params.yaml.
        default: the suites of leaderboard.md.
        pictures: the figures of each board.
        series: suite -> its `series_section`, for suites that have a conditioning series.
    """
    sections = {name: list(group) for name, group in groupby(boards, key=lambda board: board.suite)}
    main = [name for name in sections if name in set(default)]
    others = [name for name in sections if name not in main]
    files = {FOLDER / f"{name}.md": _page(f"# {name}: {sections[name][0].question}", FOLDER / f"{name}.md",
                                          [_body(sections[name], FOLDER, pictures, series.get(name), sampled=True)])
             for name in others}  # fmt: skip
    body = [
        f"## {name}: {sections[name][0].question}\n\n"
        + _body(sections[name], paths.LEADERBOARD_MD.parent, pictures, series.get(name), sampled=False)
        for name in main
    ]
    links = [f"[{name}]({FOLDER.name}/{name}.md)" for name in others]
    if links:
        body.append(f"## Other suites\n\n{', '.join(links)}\n")
    return {paths.LEADERBOARD_MD: _page("# Leaderboard", paths.LEADERBOARD_MD, body)} | files


def _page(title: str, path: Path, body: Sequence[str]) -> str:
    results, board = (_link(target, path.parent) for target in (paths.RESULTS, paths.LEADERBOARD_CSV))
    where = (
        f"Every number of every seed, with its sampling interval, is in [results.csv]({results}); all metrics of these "
        f"tables, with interval ends and ranks, are in [leaderboard.csv]({board})."
    )
    return "\n".join([f"{title}\n\n{READ}\n{where}\n", *body])


def _link(target: Path, folder: Path) -> str:
    return Path(relpath(target, folder)).as_posix()


def _image(path: Path, folder: Path) -> str:
    return f"![{path.stem}]({_link(path, folder)})"


def _body(boards: Sequence[Board], folder: Path, pictures: Pictures, series: str | None, *, sampled: bool) -> str:
    name = boards[0].suite
    if not any(board.measured for board in boards):
        return f"Nothing of this suite is measured: run `coverseek run --suite {name}`, or see {paths.LOGS}/.\n"
    tasks = (_task(board, folder, pictures.get((name, board.task), ()), sampled=sampled) for board in boards)
    return "\n".join([*([series] if series else []), *tasks])


def _task(board: Board, folder: Path, pictures: Iterable[Path], *, sampled: bool) -> str:
    parts = [f"### {board.task}", emphasised_markdown(tables.columns(board, "quality")), _note(board, "quality")]
    if equal := equal_precision_table.columns(board):
        parts += [f"{equal_precision_table.TITLE}:", markdown(equal), f"{equal_precision_table.RULE}."]
    if tables.metrics(board, "cost"):
        own = replace(board, standings=tuple(s for s in board.standings if not s.external))
        parts += ["Cost:", emphasised_markdown(tables.columns(own, "cost")), _note(own, "cost")]
    if sampled and any(s.sampled for s in board.standings):
        parts += [SAMPLED, emphasised_markdown(tables.sampling(board))]
        rising = not_converged(board, "cost")
        parts += [f"{rising}."] if rising else []
    parts += ["\n".join(_image(picture, folder) for picture in pictures)]
    return "\n\n".join(parts) + "\n"


def _note(board: Board, kind: Kind) -> str:
    shown = tables.metrics(board, kind)
    lines = (
        sentences(board, kind),
        ". ".join(reference_values.sentences(board)) if kind == "quality" else "",
        extractor_agreement.sentence(board) if kind == "quality" else "",
        f"Protocols: {_protocols(board, shown)}" if shown else "",
    )
    return "\n\n".join(f"{line}." for line in lines if line)


def sentences(board: Board, kind: Kind) -> str:
    """How a table is to be read."""
    scores, external = _scores(board, kind), any(s.external for s in board.standings)
    parts = [
        intervals(board, kind),
        RANKED if kind == "quality" and any(board.ranks[m] for m in tables.metrics(board, kind)) else "",
        FLATTERED if any(score.is_optimistic_bound for score in scores) else "",
        blind(board, kind),
        not_converged(board, kind),
        ALONE if any(score.interval.n == 1 for score in scores) else "",
        committed_rows.sentence(board) if kind == "quality" else "",
        _same(board),
        _devices(board),
        EXTERNAL if kind == "quality" and external else "",
        f"Measured on {'; '.join(board.hardware)}" if kind == "cost" and board.hardware else "",
    ]
    return ". ".join(filter(None, parts))


def _same(board: Board) -> str:
    """Which controls have no interval over their seeds; empty where all have one."""
    names = [s.model for s in board.standings if s.scores and not s.replicated]
    return f"{', '.join(names)}: {SAME}" if names else ""


def _devices(board: Board) -> str:
    """Which models were trained on which device; empty where all were on one."""
    parts = [f"{device} ({', '.join(models)})" for device, models in board.devices.items()]
    return f"Trained on several devices, whose numbers differ: {'; '.join(parts)}" if len(parts) > 1 else ""


def blind(board: Board, kind: Kind) -> str:
    """Which of the table's metrics are blind, and why; empty where none is."""
    reasons = [f"{column(m).title} ({board.blind[m]})" for m in tables.metrics(board, kind) if m in board.blind]
    return f"{BLIND}: {', '.join(reasons)}" if reasons else ""


def not_converged(board: Board, kind: Kind) -> str:
    """Which models were still improving when their training ended, and of which that is not known; may be empty."""
    trained = [s for s in board.standings if s.role == "model" and s.cells]
    rising = [f"{s.model} ({_seeds(s)})" for s in trained if s.unconverged]
    unknown = [s.model for s in trained if not s.convergence_known]
    parts = [f"Not converged, {convergence.SENTENCE}: {', '.join(rising)}"] if rising else []
    parts += [f"{UNDECIDED}: {', '.join(unknown)}"] if unknown and kind == "quality" else []
    return ". ".join(parts)


def _seeds(standing: Standing) -> str:
    found = standing.unconverged
    return f"seed{'s' * (len(found) > 1)} {', '.join(map(str, found))}"


def intervals(board: Board, kind: Kind) -> str:
    """What the intervals of its tables are; empty where it has none."""
    spread = [score for score in _scores(board, kind) if score.interval.low is not None]
    logged = any(score.log for score in spread)
    return ". ".join([*([INTERVAL] if spread else []), *([LOGGED] if logged else [])])


def _scores(board: Board, kind: Kind) -> list[SeedMean]:
    """Of what was trained here: what was scored from files has no seeds."""
    own = (s for s in board.standings if not s.external)
    return [s.scores[metric] for s in own for metric in tables.metrics(board, kind) if metric in s.scores]


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


def series_section(
    series: ConditioningSeries, picture: Path | None, words: Mapping[str, str], sentence: str, default: bool
) -> str:
    """A conditioning series: bits/dim at each level, what each condition explains, and the verdicts.

    Args:
        series: the levels and the models on them.
        picture: its figure.
        words: model -> verdict.
        sentence: the verdicts in one sentence.
        default: whether its suite is in leaderboard.md.
    """
    models = [model for model in series.models if model.comparable]
    folder = paths.LEADERBOARD_MD.parent if default else FOLDER
    parts = ["### The conditioning series", *([_image(picture, folder)] if picture else [])]
    if models:
        parts += ["Bits/dim of the same images under ever richer conditions:", _bits(series, models, words)]
        parts += [sentence, RULE]
        if series.unconditional_index is not None:
            parts += [
                " ".join([EXPLAINED, *_entropies(series)]),
                _explained(series, models),
            ]
        if any(len(seeds) > 1 for model in models for seeds in model.bits):
            parts.append(PAIRED)
    return "\n\n".join(parts) + "\n"


def _bits(series: ConditioningSeries, models: Sequence[ModelSeries], words: Mapping[str, str]) -> str:
    columns = [*_names(models), ["kind", *(bound(model.kind) for model in models)]]
    for place, label in enumerate(series.labels):
        columns.append([label, *(_mean(model.bits[place]) for model in models)])
    return markdown([*columns, ["verdict", *(words[c.model] for c in models)]])


def _explained(series: ConditioningSeries, models: Sequence[ModelSeries]) -> str:
    columns, first = _names(models), series.unconditional_index or 0
    for place, (label, level) in enumerate(zip(series.labels, series.levels, strict=True)):
        if place != first:
            drops = (_drop(model.bits[first], model.bits[place], level.dims) for model in models)
            columns.append([label, *drops])
    return markdown(columns)


def _entropies(series: ConditioningSeries) -> Iterator[str]:
    """'class has an entropy of 2.1 bits per image: ...'"""
    for label, level in zip(series.labels, series.levels, strict=True):
        if level.most is not None:
            yield f"{label} has an entropy of {PER_IMAGE.text(level.most)} bits per image: {BEYOND}."


def _names(models: Sequence[ModelSeries]) -> list[list[str]]:
    return [["model", *(c.model for c in models)], ["family", *(c.family for c in models)]]


def _mean(bits: Seeds) -> str:
    if not bits:
        return DASH
    interval = student_t(list(bits.values()))
    return column(BITS).spread(interval.mean, interval.low, interval.high)


def _drop(before: Seeds, after: Seeds, dims: int) -> str:
    """'12.3 ± 1.5 (0.0160 ± 0.0020)'"""
    image, value = paired(before, after, scale=dims), paired(before, after)
    if image is None or value is None:
        return DASH
    per_dim = PER_DIM.spread(value.mean, value.low, value.high)
    return f"{PER_IMAGE.spread(image.mean, image.low, image.high)} ({per_dim})"
