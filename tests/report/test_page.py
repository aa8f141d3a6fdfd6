"""What a reader of index.html may rely on: it is whole, asks no network, shows every number, stays small."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from pipeline import files, paths
from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast
from pipeline.claims.rule import judge
from pipeline.errors import UserError
from pipeline.html import document, leaderboard_tables, recipe_texts, sample_pictures, view
from pipeline.html.leaderboard_tables import IntervalScale
from pipeline.html.view import Scope, scopes
from pipeline.params import load
from pipeline.report import benchmark, figures
from pipeline.report.charts import chart as charts_module
from pipeline.report.charts import label_placement
from pipeline.report.charts.label_placement import Marker
from pipeline.report.charts.scatter import ChartAxis
from pipeline.report.leaderboard import Board
from pipeline.results.conditioning import conditioning_series
from pipeline.results.table import Results
from pipeline.stages.report import main
from pipeline.statistics.intervals import Interval

if TYPE_CHECKING:
    from tests.report.conftest import SeriesTree, Tree

ROOT = Path(__file__).parents[2]
VOID = {"meta", "link", "img", "input", "line", "path", "rect"}
CLOSES_ITSELF = {"th", "td", "tr", "li", "dt", "dd"}
EVIL = '<script>alert("1")</script>&\'"'


class Page(HTMLParser):
    """What a page holds. Tags that HTML closes by itself aside, each is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID | CLOSES_ITSELF:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in CLOSES_ITSELF:
            assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def every(self, name: str) -> list[str]:
        """The values of an attribute."""
        return [value or "" for _, found in self.attributes if (value := found.get(name, None)) is not None]


def ranked() -> tuple[Any, list[Board], Any]:
    params = load()
    found = benchmark.read(params)
    return params, found.boards, conditioning_series(params, found.outcomes)


def rendered(change: Any = None) -> str:
    params, found, climbed = ranked()
    return document.text(params, change(found) if change else found, climbed, [])


@pytest.fixture
def page(painted_tree: Tree) -> str:
    return rendered()


def test_the_stage_writes_the_page_the_same_each_time(painted_tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "PICTURES", {})
    main()
    first = document.PATH.read_bytes()
    main()
    assert document.PATH.read_bytes() == first


UNSETTLED = "missing, not conclusive, set aside or left out"


def test_what_a_claim_lacks_stands_beside_it(painted_tree: Tree) -> None:
    """One seed that a cell lacks is named; a claim that lacks nothing is silent."""
    contrast = Contrast("flow - vae", {0: 1.0, 1: 2.0})
    made_up = Claim("c", "Flows win.", "flows win", "nats", ("flow", "vae"), lambda _: [contrast])
    page = document.text(*ranked(), [(made_up, judge(list(made_up.contrasts(Results(pd.DataFrame())))))])
    assert UNSETTLED not in page
    lacking = Contrast("flow - vae", {0: 1.0, 1: 2.0}, left_out=("seed 2 left out, without nats of toy-vae",))
    page = document.text(*ranked(), [(made_up, judge([lacking]))])
    assert UNSETTLED in page
    assert "flow - vae: seed 2 left out, without nats of toy-vae" in page
    blind = Contrast("flow - vae", {0: 1.0, 1: 2.0}, blind="toy nats is blind")
    page = document.text(*ranked(), [(made_up, judge([blind]))])
    assert "every contrast is set aside" in page
    assert "set aside, since toy nats is blind: flow - vae" in page


def test_the_page_is_well_formed_and_its_anchors_lead_somewhere(page: str, painted_series: SeriesTree) -> None:
    for text in (page, rendered()):
        found = Page(text)
        assert not found.open
        ids = Counter(found.every("id"))
        assert max(ids.values()) == 1, ids.most_common(3)
        assert {link[1:] for link in found.every("href") if link.startswith("#")} <= ids.keys()


def test_the_page_loads_nothing_from_elsewhere(page: str) -> None:
    found = Page(page)
    links = [of for tag, of in found.attributes if tag == "link" and of["rel"] != "alternate"]  # a feed is only named
    loads = [*found.every("src"), *(of["href"] or "" for of in links)]
    assert loads
    assert all(url.startswith("data:") for url in loads)
    assert not re.search(r"@import|url\((?!#)|srcset=|<iframe|<object", page)
    assert "://" not in page


def test_headings_come_in_order(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(page).attributes if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_has_a_caption_and_every_head_a_scope_but_that_of_a_records_row(page: str) -> None:
    found = Page(re.sub(r"<tr><th>", "<tr><th scope=row>", page))
    tags = Counter(tag for tag, _ in found.attributes)
    assert tags["table"] == tags["caption"] > 4
    assert all("scope" in of for tag, of in found.attributes if tag == "th")


def test_every_seed_of_every_model_stands_on_the_page_with_lock_and_command(page: str, painted_tree: Tree) -> None:
    for board in ranked()[1]:
        for standing in board.standings:
            record = page.split(f'id="cell-{board.task}-{standing.model}"')[1].split("</details>")[0]
            assert f"coverseek evaluate --task {board.task} --model {standing.model} --seed" in record
            for cell in standing.cells:
                assert f"<th scope=col>seed {cell.seed}" in record
                assert f"<td>{files.md5(paths.metrics(cell))[:8]}" in record
            assert record.count("<tr>") >= len(standing.scores)


def test_a_lock_leads_to_the_commit_that_brought_the_number(page: str) -> None:
    (command,) = re.findall(r"<code>(git log [^<]*)</code>", page)

    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        return subprocess.run(("git", *identity, *words), capture_output=True, text=True, check=True).stdout

    git("init", "--quiet")
    locks = ("11111111", "22222222", "33333333")
    for commit, lock in enumerate(locks):
        paths.LOCK.write_text(f"outs:\n- md5: {lock}{'0' * 24}\n- other: {commit}\n")
        git("add", paths.LOCK.as_posix())
        git("commit", "--quiet", "--message", f"brings {lock}")
    found = git(*shlex.split(command.replace("LOCK", locks[-1]))[1:]).splitlines()
    assert found[0].endswith("brings 33333333")
    assert len(found) == 1


def test_controls_stand_apart(page: str) -> None:
    models, controls = page.split('<table class="board">')[1].split('<tbody class="controls">')
    assert "oracle" in controls
    assert "oracle" not in models


def test_a_hostile_name_is_text(painted_tree: Tree) -> None:
    def rename(found: list[Board]) -> list[Board]:
        return [replace(b, standings=(replace(b.standings[0], model=EVIL), *b.standings[1:])) for b in found]

    text = rendered(rename)
    assert "alert" in text
    assert "<script>alert" not in text
    assert not Page(text).open


def test_charts_are_valid_vega_lite_with_a_name_and_a_table(request: pytest.FixtureRequest) -> None:
    charts = []
    for made_up in ("painted_tree", "painted_series"):
        request.getfixturevalue(made_up)
        charts += [chart for suite in view.suites(*ranked()) for chart in suite.live(Scope())]
    assert {chart.key.partition("-")[0] for chart in charts} == {"plane", "cost", "curves", "series"}
    for chart in charts:
        alt.Chart.from_dict(chart.spec)
        assert chart.svg.startswith('<svg role="img" aria-label="')
        assert all(len(row) == len(chart.table.head) for row in chart.table.rows)
        assert chart.table.rows


def test_what_is_too_large_is_given_up_in_the_order_that_is_told(
    painted_tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = "default: true, events: images"
    paths.PARAMS.write_text(paths.PARAMS.read_text().replace(images, images.replace("true", "false")))
    sizes = {}
    render = document._render

    def kept(content: Any, shown: Any, scope: Any) -> str:
        text = render(content, shown, scope)
        sizes[scope] = len(text.encode())
        return text

    monkeypatch.setattr(document, "_render", kept)
    monkeypatch.setattr(document, "LIMIT", 0)
    with pytest.raises(UserError, match="would be larger than 0 bytes"):
        rendered()
    assert list(sizes) == list(scopes())
    assert sorted(sizes.values(), reverse=True) == list(sizes.values())
    monkeypatch.setattr(document, "LIMIT", min(sizes.values()))
    assert len(rendered().encode()) == min(sizes.values())


def test_the_committed_page_keeps_its_limit_and_shows_every_board() -> None:
    committed = ROOT / document.PATH
    assert committed.exists(), f"{document.PATH} is not there; make it with: coverseek report"
    assert committed.stat().st_size <= document.LIMIT
    sections = set(Page(committed.read_text(encoding="utf-8")).every("id"))
    lines = (ROOT / paths.LEADERBOARD_CSV).read_text().splitlines()[1:]
    assert {"-".join(line.split(",")[:2]) for line in lines} <= sections


def test_a_bar_keeps_the_order_of_what_it_shows() -> None:
    scale = IntervalScale(0.1, 10.0, log=True)
    assert [round(scale.position(value)) for value in (-1.0, 0.1, 1.0, 10.0, 99.0)] == [0, 0, 50, 100, 100]
    assert IntervalScale(0.0, 2.0, log=False).position(0.5) == 25


def test_means_that_differ_by_rounding_alone_have_no_scale(painted_tree: Tree) -> None:
    toy = ranked()[1][0]
    flow = next(s for s in toy.standings if s.model == "flow")
    score = replace(flow.scores["frechet"], interval=Interval(math.exp(math.log(1e-6)), None, None, 1))
    sampled = {"frechet": Interval(1e-6, 1e-6, 1e-6, 1)}
    alone = replace(toy, standings=(replace(flow, scores={"frechet": score}, sampled=sampled),))
    assert score.interval.mean != 1e-6
    assert leaderboard_tables.scale(alone, "frechet") is None


def test_names_lie_in_the_frame_and_on_nothing() -> None:
    rng = np.random.default_rng(0)
    markers = [Marker(f"model_{k}", x, y) for k, (x, y) in enumerate(rng.uniform(0, 300, (40, 2)))]
    boxes = [name.box for name in label_placement.place(markers, 300, 300)]
    taken = [marker.box for marker in markers]
    assert 10 < len(boxes) <= 40
    assert all(box.within(300, 300) for box in boxes)
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in [*taken, *boxes[:place]])


def test_names_avoid_bars_and_lines_where_there_is_room() -> None:
    marker = Marker("model", 150, 150, bars=((50, 250), (149, 151)))
    (name,) = label_placement.place([marker], 300, 300, lines=[[(150, 150), (250, 50)]])
    assert not any(name.box.overlaps(bar) for bar in marker.bar_boxes)
    assert not name.box.overlaps(label_placement.around(170, 130, 1, 1))


def test_a_copy_is_its_own_nearest_neighbour() -> None:
    among = np.random.default_rng(0).integers(0, 17, (50, 1, 8, 8))
    assert sample_pictures.nearest(among[[7, 3]], among).tolist() == [7, 3]


def test_a_number_in_a_chart_keeps_its_digits() -> None:
    drawn = '<svg><text transform="translate(1.23456,2)">0.0123</text></svg>'
    assert charts_module.compact(drawn) == '<svg><text transform="translate(1.2,2)">0.0123</text></svg>'


def test_recipes_are_read_without_importing_them() -> None:
    said = recipe_texts.words("vae", "vae", "images")
    assert "ELBO" in said.equation or "log p" in said.equation
    assert recipe_texts.words("nowhere", "none", "points") == recipe_texts.Words()


def test_an_interval_outside_an_axis_ends_with_it() -> None:
    axis = ChartAxis("precision", 0.0, 1.0)
    assert axis.clipped(Interval(0.9, 0.7, 1.3, 3)) == (0.7, 1.0)
    assert axis.clipped(Interval(0.9, None, None, 1)) == (0.9, 0.9)
