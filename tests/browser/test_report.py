# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a reader gets it: opened from disk in headless Chromium."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import render
from ansible_collections.tfscale.study.plugins.module_utils._report.figures.figure import HEIGHT, WIDTH
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import NO_PRICES
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fixtures import ledgers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'></script>"
DESKTOP, WIDER = {"width": 1240, "height": 900}, {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


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


def write(
    folder: Path, records: list[dict[str, Any]], language: str = "en", prices: Mapping[str, float] = NO_PRICES
) -> render.Report:
    study = model.study_of(records, "folder", prices=prices, currency="USD" if prices else "")
    report = render.report_of(study, Catalogue(language))
    for path, content in render.files_of(report).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return report


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, render.Report]:
    folder = tmp_path_factory.mktemp("mnist")
    return folder / "report.html", write(folder, ledgers.mnist())


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A study with every kind of figure, long names and laws, in each language."""
    cells = ledgers.space(nodes=[1, 2], ps=[2], workers=[1, 2, 4, 5])
    cells += ledgers.space(nodes=[1, 2], ps=[1], workers=[4], strategy=["async_ps", "sync_ps"])
    records = [ledgers.with_usage(one, busy=0.9, own=0.9) for one in ledgers.study(cells, blocks=4)]
    for one in records:
        one["evidence"]["calibration"] = {"kernel": "k", "seconds": 0.05 + 0.001 * one["block"]}
        one["provenance"] = {**one["provenance"], "nodes": [{"name": "n", "machine_type": "e2-standard-4"}]}
    found = {}
    for language in ("en", "pl"):
        folder = tmp_path_factory.mktemp(language)
        write(folder, records, language, {"*": 0.1})
        found[language] = folder / "report.html"
    return found


def open_page(browser: Browser, path: Path, **options: Any) -> Seen:
    seen = Seen(browser.new_page(**{"viewport": DESKTOP, **options}))
    # On a busy machine a browser is slow, not wrong.
    seen.page.set_default_timeout(120_000)
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(path.as_uri())
    return seen


@pytest.fixture(scope="module")
def live(browser: Browser, mnist: tuple[Path, render.Report]) -> Seen:
    """The realistic study on a desktop, for tests that only look."""
    return open_page(browser, mnist[0])


def text_of(page: Page, selector: str) -> str:
    return (page.locator(selector).text_content() or "").replace("\u00a0", " ")


def test_page_is_quiet_and_asks_for_nothing(live: Seen, mnist: tuple[Path, render.Report]) -> None:
    assert live.complaints == []
    assert live.requests == [mnist[0].as_uri()]


def test_page_shows_the_answer(live: Seen, mnist: tuple[Path, render.Report]) -> None:
    assert live.page.title() == "Study mnist"
    assert text_of(live.page, "#answer") == mnist[1].sentence


def test_page_is_complete_without_scripts(browser: Browser, mnist: tuple[Path, render.Report]) -> None:
    path, report = mnist
    page = open_page(browser, path, java_script_enabled=False).page
    assert page.locator("figure .plot > svg:visible").count() == len(report.figures)
    for figure in report.figures:
        plot = page.locator(f"#figure-{figure.name}")
        assert plot.locator(".runs_valid_marks path, .runs_suspect_marks path").count() == figure.runs, figure.name
        assert plot.locator("title").count() >= figure.runs, figure.name
    assert page.locator("#cells tbody tr").count() == 5
    assert page.locator("input:visible, button:visible").count() == 0


# Whatever of a drawing is shown beyond its frame is cut off.
CUT = """() => [...document.querySelectorAll(".plot > svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text, .mark-symbol path, .mark-rect path")].filter((mark) => {
    const at = mark.getBoundingClientRect();
    return at.width && (at.left < frame.left - 1 || at.right > frame.right + 1 || at.top < frame.top - 1
      || at.bottom > frame.bottom + 1);
  }).map((mark) => svg.parentNode.id + ": " + (mark.textContent || mark.outerHTML));
})"""
# Texts of a legend that touch each other.
TOUCHING = """() => [...document.querySelectorAll(".plot > svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll(".role-legend-label text")].map((one) => one.getBoundingClientRect());
  return boxes.filter((one, n) => boxes.some((other, m) => m > n && one.left < other.right && other.left < one.right
    && one.top < other.bottom - 2 && other.top < one.bottom - 2)).map(() => svg.parentNode.id);
})"""
# Boxes whose content is wider than they are; tables scroll inside their own.
WIDE = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((one) => one.scrollWidth > one.clientWidth + 1
  && one.clientWidth && !one.closest(".scroll, svg") && getComputedStyle(one).display !== "inline").map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize(
    "viewport",
    [pytest.param(DESKTOP, marks=pytest.mark.full), WIDER, PHONE],
    ids=["1240", "1280", "390"],
)
def test_nothing_is_cut_off(browser: Browser, wide: dict[str, Path], viewport: Any, language: str) -> None:
    page = open_page(browser, wide[language], viewport=viewport).page
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate(CUT) == []
    assert page.evaluate(TOUCHING) == []
    assert page.evaluate(WIDE) == []
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.plot text')].map((one) => one.getBoundingClientRect().height))"
    )
    assert smallest > 9


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.full)])
def test_page_can_be_used_with_readers_of_screens_and_keys(
    browser: Browser, wide: dict[str, Path], scheme: str
) -> None:
    page = open_page(browser, wide["pl"], color_scheme=scheme).page
    found = Axe().run(page).response
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert page.locator("html").get_attribute("lang") == "pl"


def test_focus_can_be_seen(live: Seen) -> None:
    live.page.keyboard.press("Tab")
    focused = live.page.locator(":focus-visible")
    assert focused.count() == 1
    assert focused.evaluate("element => getComputedStyle(element).outlineWidth") == "3px"


def test_first_screen_has_the_answer_and_its_picture(live: Seen) -> None:
    for selector in ("#answer", "#figure-training-time-by-workers"):
        box = live.page.locator(selector).bounding_box()
        assert box
        assert box["y"] + box["height"] < DESKTOP["height"], selector


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
    live.page.locator("#tip.visible").wait_for()
    assert text_of(live.page, "#tip") == "ps=2 workers=4, block 4: 4.41 s, suspect"
    assert live.complaints == []


def test_keys_go_through_the_marks_of_a_figure(browser: Browser, mnist: tuple[Path, render.Report]) -> None:
    page = open_page(browser, mnist[0]).page
    page.locator("#figure-speed-up-by-workers").focus()
    told = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        told.append(text_of(page, "#tip.visible"))
    assert told[0] == told[2] != told[1]
    assert len(set(told)) == 3
    page.keyboard.press("Escape")
    assert page.locator("#tip.visible").count() == 0


def test_table_sorts_and_filters_by_keys(browser: Browser, mnist: tuple[Path, render.Report]) -> None:
    page = open_page(browser, mnist[0]).page

    def column(number: int) -> list[str]:
        return page.locator(f"#cells tbody tr:visible td:nth-child({number})").all_inner_texts()

    heads = page.locator("#cells th").all_inner_texts()
    number = next(n for n, head in enumerate(heads, 1) if head.startswith("against"))
    button = page.locator(f"#cells th:nth-child({number}) button")
    button.focus()
    for order, fastest in (("ascending", 0), ("descending", -1)):
        page.keyboard.press("Enter")
        assert page.locator(f"#cells th:nth-child({number})").get_attribute("aria-sort") == order
        assert column(number)[fastest] == "fastest"
    assert column(number)[0].startswith("+62 %")
    page.get_by_label("Filter rows: Cells").focus()
    page.keyboard.type("fastest")
    assert column(number) == ["fastest"]
    assert page.get_by_text("1 of 5 rows").is_visible()


def test_figure_is_saved_as_svg_and_png(browser: Browser, mnist: tuple[Path, render.Report], tmp_path: Path) -> None:
    page = open_page(browser, mnist[0]).page
    figure = page.locator("figure").first
    saved = {}
    for name in ("SVG", "PNG"):
        with page.expect_download() as download:
            figure.get_by_text(name, exact=True).click()
        saved[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[name])
    assert [path.name for path in saved.values()] == [f"training-time-by-workers.{kind}" for kind in ("svg", "png")]
    assert saved["SVG"].read_text().count("<title>") == 25
    width, height = struct.unpack(">II", saved["PNG"].read_bytes()[16:24])
    assert saved["PNG"].read_bytes().startswith(b"\x89PNG")
    assert (width, height) == (3 * WIDTH, 3 * HEIGHT)


def luminance(color: str) -> float:
    return sum(float(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")[:3]) / 3


@pytest.mark.parametrize(("scheme", "dark"), [pytest.param("light", False, marks=pytest.mark.full), ("dark", True)])
def test_both_schemes_paint_page_and_figures(
    browser: Browser, mnist: tuple[Path, render.Report], scheme: str, dark: bool
) -> None:
    page = open_page(browser, mnist[0], color_scheme=scheme).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    label = page.locator("#figure-training-time-by-workers .role-axis-label text").first
    ink = label.evaluate("element => getComputedStyle(element).fill")
    assert (luminance(ground) < 60) is dark
    assert (luminance(ink) > 150) is dark


def test_markup_in_a_ledger_stays_text(browser: Browser, tmp_path: Path) -> None:
    specs = [{**ledgers.SPEC, "cluster": cluster, "workers": n} for cluster in (EVIL, "b") for n in (1, 2)]
    records = [{**record, "study": EVIL} for record in ledgers.study(specs)]
    records.append(ledgers.void({**specs[0], "workers": 4}, 1, EVIL, run_id=EVIL, provenance={EVIL: EVIL}, study=EVIL))
    write(tmp_path, records)
    seen = open_page(browser, tmp_path / "report.html")
    assert seen.complaints == []
    assert seen.requests == [(tmp_path / "report.html").as_uri()]
    assert seen.page.evaluate("window.evil") is None
    assert EVIL in text_of(seen.page, "#void")
    seen.page.locator(".runs_valid_marks path").first.hover(force=True)
    seen.page.locator("#tip.visible").wait_for()
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
    page = open_page(browser, mnist[0], color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="light")
    label = page.locator("#figure-training-time-by-workers .role-axis-label text").first
    assert luminance(label.evaluate("element => getComputedStyle(element).fill")) < 120
    assert page.pdf().startswith(b"%PDF")
