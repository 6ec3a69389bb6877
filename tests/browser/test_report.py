# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a reader gets it: opened from disk in headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import render
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fixtures import ledgers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'></script>"
DESKTOP, PHONE = {"width": 1240, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Seen:
    """A page, what it said on the console, and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.fail("there is no Chromium: make setup-browser installs it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def write(folder: Path, records: list[dict[str, Any]]) -> render.Report:
    report = render.report_of(model.study_of(records, "folder"))
    for path, content in render.files_of(report).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return report


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, render.Report]:
    folder = tmp_path_factory.mktemp("mnist")
    return folder / "report.html", write(folder, ledgers.mnist())


def open_page(browser: Browser, path: Path, **options: Any) -> Seen:
    seen = Seen(browser.new_page(**{"viewport": DESKTOP, **options}))
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(path.as_uri())
    return seen


def open_live(browser: Browser, path: Path, **options: Any) -> Seen:
    """Open the page and wait until every drawing has been replaced by the live one."""
    seen = open_page(browser, path, **options)
    for plot in seen.page.locator(".plot").all():
        plot.and_(seen.page.locator("[data-live]")).wait_for()
    return seen


@pytest.fixture(scope="module")
def live(browser: Browser, mnist: tuple[Path, render.Report]) -> Seen:
    """The realistic study on a desktop, for tests that only look."""
    return open_live(browser, mnist[0])


def text_of(page: Page, selector: str) -> str:
    return (page.locator(selector).text_content() or "").replace("\u00a0", " ")


def test_page_is_quiet_and_asks_for_nothing(live: Seen, mnist: tuple[Path, render.Report]) -> None:
    assert live.complaints == []
    assert live.requests == [mnist[0].as_uri()]


def test_page_shows_the_answer(live: Seen, mnist: tuple[Path, render.Report]) -> None:
    assert live.page.title() == "Study mnist"
    assert text_of(live.page, "#answer") == mnist[1].sentence


@pytest.mark.parametrize("live", [True, False], ids=["live", "without scripts"])
def test_every_figure_has_a_dot_for_every_run(browser: Browser, mnist: tuple[Path, render.Report], live: bool) -> None:
    path, report = mnist
    seen = open_live(browser, path) if live else open_page(browser, path, java_script_enabled=False)
    assert seen.page.locator("figure .plot > svg:visible").count() == len(report.figures) == 6
    for figure in report.figures:
        plot = seen.page.locator(f"#figure-{figure.name}")
        assert plot.locator(".runs_valid_marks path, .runs_suspect_marks path").count() == figure.runs, figure.name
        assert plot.locator(".mark-symbol path, .mark-rect path").count() > 0, figure.name
        box = plot.locator("svg").first.bounding_box()
        assert box
        assert box["width"] > 300
        assert box["height"] > 80


def test_suspect_runs_are_hollow(live: Seen) -> None:
    dots = live.page.locator("#figure-training-time-by-workers .runs_suspect_marks path")
    assert dots.count() == 1
    assert dots.first.get_attribute("fill") in (None, "none", "transparent")
    assert dots.first.get_attribute("stroke")


@pytest.mark.parametrize(("table", "rows"), [("cells", 5), ("failed", 1), ("void", 3), ("suspect", 1)])
def test_tables_have_a_row_for_each(live: Seen, table: str, rows: int) -> None:
    assert live.page.locator(f"#{table} tbody tr").count() == rows


def test_void_run_is_listed_with_its_cause(live: Seen) -> None:
    assert "worker 2 was killed by signal 9 after step 640" in text_of(live.page, "#void")


def test_pointer_on_a_run_tells_which(live: Seen) -> None:
    live.page.locator("#figure-training-time-by-workers .runs_suspect_marks path").first.hover(force=True)
    live.page.locator("#vg-tooltip-element.visible").wait_for()
    told = text_of(live.page, "#vg-tooltip-element")
    assert "ps=2 workers=4, block 4" in told
    assert "suspect" in told
    assert live.complaints == []


def luminance(color: str) -> float:
    return sum(float(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")[:3]) / 3


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_both_schemes_paint_page_and_figures(
    browser: Browser, mnist: tuple[Path, render.Report], scheme: str, dark: bool
) -> None:
    page = open_live(browser, mnist[0], color_scheme=scheme).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    label = page.locator("#figure-training-time-by-workers .role-axis-label text").first
    ink = label.evaluate("element => getComputedStyle(element).fill")
    assert (luminance(ground) < 60) is dark
    assert (luminance(ink) > 150) is dark


def test_phone_needs_no_sideways_scrolling(browser: Browser, mnist: tuple[Path, render.Report]) -> None:
    page = open_live(browser, mnist[0], viewport=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for plot in page.locator(".plot svg").all():
        box = plot.bounding_box()
        assert box
        assert box["x"] + box["width"] <= PHONE["width"]


def test_markup_in_a_ledger_stays_text(browser: Browser, tmp_path: Path) -> None:
    specs = [{**ledgers.SPEC, "cluster": cluster, "workers": n} for cluster in (EVIL, "b") for n in (1, 2)]
    records = [{**record, "study": EVIL} for record in ledgers.study(specs)]
    records.append(ledgers.void({**specs[0], "workers": 4}, 1, EVIL, run_id=EVIL, provenance={EVIL: EVIL}, study=EVIL))
    write(tmp_path, records)
    seen = open_live(browser, tmp_path / "report.html")
    assert seen.complaints == []
    assert seen.requests == [(tmp_path / "report.html").as_uri()]
    assert seen.page.evaluate("window.evil") is None
    assert EVIL in text_of(seen.page, "#void")
    seen.page.locator(".runs_valid_marks path").first.hover(force=True)
    seen.page.locator("#vg-tooltip-element.visible").wait_for()
    assert seen.page.evaluate("window.evil") is None


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "Cannot tell: no run has been recorded."),
        ([ledgers.void(ledgers.SPEC, 1, "ps 0 was killed")], "Cannot tell: the only run is void"),
    ],
    ids=["empty ledger", "all void"],
)
def test_report_of_nothing_measured_opens_and_says_so(
    browser: Browser, tmp_path: Path, records: list[dict[str, Any]], said: str
) -> None:
    write(tmp_path, records)
    seen = open_page(browser, tmp_path / "report.html")
    assert said in text_of(seen.page, "#answer")
    assert seen.complaints == []
    assert seen.page.locator("figure").count() == 0


def test_paper_gets_the_light_figures(browser: Browser, mnist: tuple[Path, render.Report]) -> None:
    page = open_live(browser, mnist[0], color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="light")
    label = page.locator("#figure-training-time-by-workers .role-axis-label text").first
    assert luminance(label.evaluate("element => getComputedStyle(element).fill")) < 120
    assert page.pdf().startswith(b"%PDF")
