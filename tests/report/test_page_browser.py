"""index.html in a real Chromium: what a reader can do with it, with JavaScript and without, on each kind of screen.

Needs Debian's `chromium` (or any on the PATH). Screenshots are kept in the folder that SCREENSHOTS names, else among
pytest's temporary files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from pipeline.html import document
from pipeline.params import load
from pipeline.report import benchmark
from pipeline.results import external
from pipeline.results.conditioning import conditioning_series

if TYPE_CHECKING:
    from tests.report.conftest import SeriesTree

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 1000}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 1000}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
CELLS = "[...document.querySelector('#points-ring table.board').tBodies[0].rows].map(r => r.cells[{place}].textContent)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on the PATH; on Debian: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root has none
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=sandbox)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def committed() -> str:
    path = ROOT / document.PATH
    assert path.exists(), f"{document.PATH} is not there; make it with: coverseek report"
    return path.as_uri()


@pytest.fixture
def made(painted_series: SeriesTree) -> str:
    """The page of a toy benchmark with a scored file, by the code as it is."""
    painted_series.scored("mine", task="plain")
    Image.new("L", (64, 64)).save(external.sheet("plain", "mine"))
    params = load()
    found = benchmark.read(params)
    text = document.text(params, found.boards, conditioning_series(params, found.outcomes), [])
    document.PATH.write_text(text, encoding="utf-8")
    return document.PATH.resolve().as_uri()


class Watched:
    """A context's page, and all that went wrong on it: errors, and requests for anything but the file itself."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda asked: self.faults.append(asked.url) if self._leaves(asked.url) else None)
        self.page.goto(url)

    @staticmethod
    def _leaves(url: str) -> bool:
        return not url.startswith(("file:", "data:", "blob:"))


def opened(browser: Browser, url: str, screen: str = "light", **options: Any) -> Watched:
    return Watched(browser.new_context(**SCREENS[screen], reduced_motion="reduce", **options), url)


def keep(page: Page, name: str, folder: Path) -> None:
    kept = Path(os.environ.get("SCREENSHOTS", folder))
    kept.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=kept / f"{name}.png")


@pytest.mark.parametrize("screen", SCREENS)
def test_the_committed_page_opens_without_a_fault(
    browser: Browser, committed: str, screen: str, tmp_path: Path
) -> None:
    watched = opened(browser, f"{committed}#points-ring", screen)
    keep(watched.page, screen, tmp_path)
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SCREENS[screen]["viewport"]["width"], "the page itself scrolls sideways"
    assert not watched.faults


def test_a_phone_shows_a_number_of_each_row_and_each_single_chart_whole(browser: Browser, made: str) -> None:
    page = opened(browser, made, "phone").page
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    shown = [page.locator("table.board").first.locator("tbody tr:first-child td:nth-child(4)").first]
    shown += page.locator("figure.chart:not(.wide) svg[role=img]").all()
    assert len(shown) > 1
    for one in shown:
        box = one.bounding_box()
        assert box
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(browser: Browser, made: str, screen: str) -> None:
    page = opened(browser, made, screen).page
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_on_the_committed_page(browser: Browser, committed: str) -> None:
    found = Axe().run(opened(browser, committed).page)
    assert found.violations_count == 0, found.generate_report()


def test_a_head_sorts_its_column_by_pointer_and_by_key(browser: Browser, committed: str) -> None:
    page = opened(browser, committed).page
    head = page.locator("#points-ring table.board th", has_text="precision").first
    place = head.evaluate("head => head.cellIndex")

    def values() -> list[float]:
        return [float(text.split()[0]) for text in page.evaluate(CELLS.format(place=place))]

    controls = page.locator("#points-ring tbody.controls th").all_text_contents()
    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(values())
    assert page.locator("#said").text_content() == "Sorted by precision ↑, ascending."
    assert sorted(page.locator("#points-ring tbody.controls th").all_text_contents()) == sorted(controls)


@pytest.mark.parametrize("script", [True, False])
def test_a_family_can_be_hidden_with_and_without_javascript(browser: Browser, committed: str, script: bool) -> None:
    page = opened(browser, committed, java_script_enabled=script).page
    rows = page.locator("#points-ring tr:has(> .of-gan)")
    assert rows.first.is_visible()
    page.get_by_role("checkbox", name="gan").uncheck()
    assert not rows.first.is_visible()
    assert page.locator("#points-ring tr:has(> .of-flow)").first.is_visible()


def test_the_page_reads_without_javascript(browser: Browser, committed: str, tmp_path: Path) -> None:
    page = opened(browser, committed, java_script_enabled=False).page
    page.locator("#points-ring a[href='#cell-ring-vae']").first.click()  # opens the suite that has the record
    record = page.locator("#cell-ring-vae")
    record.locator("summary").click()
    assert "coverseek evaluate --task ring --model vae" in (record.text_content() or "")
    assert record.locator("table").is_visible()
    assert page.locator("#points-ring figure.chart svg").first.is_visible()
    keep(page, "without-javascript", tmp_path)


def test_every_chart_is_seen(browser: Browser, committed: str) -> None:
    page = opened(browser, committed).page
    page.evaluate("for (const one of document.querySelectorAll('details.suite')) one.open = true")
    charts = page.locator("figure.chart svg[role=img]").all()
    assert len(charts) > 10
    for chart in charts:
        box = chart.bounding_box()
        assert box, chart.get_attribute("aria-label")
        assert min(box["width"], box["height"]) > 100


def test_a_chart_that_is_pointed_at_answers(browser: Browser, made: str, committed: str) -> None:
    for url in (made, committed):
        watched = opened(browser, url)
        figures = watched.page.locator("figure[data-chart]:visible")
        for place in range(min(figures.count(), 6)):
            figure = figures.nth(place)
            name = figure.locator("svg[role=img]").get_attribute("aria-label")
            figure.locator("svg[role=img]").hover()
            watched.page.wait_for_function("f => 'live' in f.dataset", arg=figure.element_handle())
            assert figure.locator("svg[role=img]").get_attribute("aria-label") == name
            assert figure.locator("svg path").count() > 2
        assert not watched.faults


def test_a_link_opens_what_it_leads_to(browser: Browser, committed: str) -> None:
    page = opened(browser, committed).page
    page.locator("#points-ring table.board a", has_text="realnvp").first.click()
    assert page.locator("#cell-ring-realnvp").get_attribute("open") is not None
    page.goto(f"{committed}#cell-ring-vae")
    page.reload()
    assert page.locator("#cell-ring-vae table").first.is_visible()


def test_focus_is_seen_and_starts_with_a_way_past_the_head(browser: Browser, committed: str) -> None:
    page = opened(browser, committed).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the leaderboards"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_paper_shows_tables_and_no_controls(browser: Browser, committed: str, tmp_path: Path) -> None:
    page = opened(browser, committed, "dark").page
    page.emulate_media(media="print")
    assert not page.locator(".filter").is_visible()
    assert page.locator("#points-ring table.board").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    keep(page, "paper", tmp_path)
