"""The whole page, as one string: the first scope that fits within the limit."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup, escape

from pipeline import paths
from pipeline.claims.claims_md import Judged
from pipeline.claims.rule import ALPHA
from pipeline.errors import UserError
from pipeline.html import recipe_texts, view
from pipeline.html.summary import summary
from pipeline.html.view import Scope, SuiteView, scopes
from pipeline.params import EVENTS, Params
from pipeline.report import equal_precision_table, style
from pipeline.report.charts import scatter
from pipeline.report.leaderboard import Board
from pipeline.report.published_md import Reproduced
from pipeline.results.conditioning import ConditioningSeries

PATH = paths.RESULTS.with_name("index.html")
BLANK = re.compile(r"\s*\n\s*")
LIMIT = 5_000_000
"""Bytes of the page at most."""


def text(
    params: Params,
    boards: Sequence[Board],
    series: Sequence[ConditioningSeries],
    judged: Judged,
    reproduced: Reproduced = (),
) -> str:
    """index.html.

    Raises:
        UserError: it would be larger than `LIMIT` bytes without all that can be omitted, or a file is damaged.
    """
    shown = view.suites(params, boards, series)
    claims = view.verdicts(judged)
    content = {
        "answer": summary(params, boards, claims, judged),
        "suites": shown,
        "claims": claims,
        "counts": view.counts(claims),
        "published": view.published(reproduced),
        "recipes": recipe_texts.recipes(params, _measured(params, boards)),
        "families": style.in_order(s.family for board in boards for s in board.standings),
        "alpha": ALPHA,
    }
    for scope in scopes():
        page = _render(content | {"scope": scope}, shown, scope)
        if len(page.encode()) <= LIMIT:
            return page
    raise UserError(f"{PATH} would be larger than {LIMIT:,} bytes; give params.yaml fewer suites or models")


def _render(content: Mapping[str, Any], shown: Sequence[SuiteView], scope: Scope) -> str:
    specs = {chart.key: chart.spec for suite in shown for chart in suite.live(scope)}
    answer = content["answer"].chart
    if answer and scope.live != "none":
        specs[answer.key] = answer.spec
    packed = {"specs": _packed(json.dumps(specs, ensure_ascii=False)), "library": _library()} if specs else {}
    page = (
        _templates()
        .get_template("page.html.j2")
        .render(content, packed=packed, live=set(specs), lessened=not all(suite.whole(scope) for suite in shown))
    )
    return BLANK.sub("\n", page)


@cache
def _library() -> Markup:
    return _packed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _packed(content: str) -> Markup:
    """gzip in base 85: a quarter more than the bytes, base 64 has a third. Its digits are text to HTML inside a script:
    without `/` it cannot end there."""
    return Markup(base64.b85encode(gzip.compress(content.encode(), mtime=0)).decode())


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["code"] = _code
    made.filters["share"] = lambda interval: scatter.words(interval, "{:.2f}".format)
    made.globals["equal_precision"] = {"TITLE": equal_precision_table.TITLE, "RULE": equal_precision_table.RULE}
    made.globals["glyph"] = lambda family: style.look(family).glyph
    return made


def _code(said: str) -> Markup:
    """What stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(said))))


def _measured(params: Params, boards: Sequence[Board]) -> dict[str, dict[str, list[str]]]:
    """events -> model -> tasks."""
    found: dict[str, dict[str, list[str]]] = {events: {} for events in EVENTS}
    for board in boards:
        for standing in board.standings:
            if standing.cells:
                tasks = found[params.task_events[board.task]].setdefault(standing.model, [])
                tasks += [board.task] if board.task not in tasks else []
    return found
