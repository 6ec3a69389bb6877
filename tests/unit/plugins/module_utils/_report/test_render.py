# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page and the Markdown: complete, escaped, the same every time."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import render, tables
from ansible_collections.tfscale.study.plugins.module_utils._report.page import script
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.frame import run_rows

from tests.fixtures import ledgers
from tests.fixtures.ledgers import SPEC, record, space, void

GOLDEN = Path(__file__).with_name("golden")
EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)> & \"q\" | `c` *b*"


def report(records: list[dict[str, Any]]) -> render.Report:
    return render.report_of(model.study_of(records, "folder"))


def page_of(records: list[dict[str, Any]]) -> str:
    made = report(records)
    return render.html_page(made, {figure.name: f"<svg id='{figure.name}'></svg>" for figure in made.figures})


@functools.cache
def realistic() -> tuple[str, str]:
    """The words of the page and of the Markdown of the realistic study."""
    return Outline(page_of(ledgers.mnist())).text, render.markdown(report(ledgers.mnist()))


class Outline(HTMLParser):
    """The elements of a page, and its text without scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words).replace("\u00a0", " ")

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _attributes in self.tags)


def test_markdown_of_the_realistic_study_is_the_golden_one() -> None:
    assert render.markdown(report(ledgers.mnist())) == (GOLDEN / "report.md").read_text()


@pytest.mark.parametrize(("name", "rows"), [("cells.csv", "cells"), ("runs.csv", "runs")])
def test_csv_of_the_realistic_study_is_the_golden_one(name: str, rows: str) -> None:
    made = report(ledgers.mnist())
    found = tables.cell_rows(made.study, made.answers) if rows == "cells" else run_rows(made.study.runs)
    assert cells_of(tables.csv(found)) == cells_of((GOLDEN / name).read_text())


def cells_of(text: str) -> list[Any]:
    """Words as they are; of a number the digits that every version of scipy gives alike."""
    return [number_of(word) for line in text.splitlines() for word in line.split(",")]


def number_of(word: str) -> Any:
    return pytest.approx(float(word), rel=1e-9) if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", word) else word


def test_page_holds_answer_figures_and_tables() -> None:
    made = report(ledgers.mnist())
    outline = Outline(page_of(ledgers.mnist()))
    assert made.sentence in outline.text
    assert outline.count("figure") == len(made.figures) == 8
    identifiers = {attributes.get("id") for tag, attributes in outline.tags if tag == "table"}
    assert identifiers == {"cells", "laws", "failed", "void", "suspect", "noise", "method", "provenance"}


@pytest.mark.parametrize(
    "words",
    [
        "Study mnist",
        "cluster local · 6 cells, 23 recorded runs · 2026-09-21 14:16 UTC",
        "worker 2 was killed by signal 9 after step 640",
        "attempt 2: valid",
        "CPU steal was 14 %, more than 10 %",
        "19 valid, 1 suspect, 3 void",
        "20200623",
        "AMD EPYC 7B13",
        "6.1.0-28-cloud-amd64",
        "telemetry every (steps)",
        "fast",
        "randomised complete blocks",
        "Smyth 2004",
    ],
)
def test_page_and_markdown_say(words: str) -> None:
    page_text, markdown = realistic()
    assert words in page_text
    assert words in markdown


def test_facts_of_an_adaptive_study_name_its_rules() -> None:
    design = {"repeats": "auto", "margin": 0.05, "target_ci": None, "max_repeats": 8, "by_nodes": False}
    records = [{**one, "design": design} for one in ledgers.study(space(workers=[1, 2]))]
    told = render.facts_of(model.study_of(records, "folder"))["design"]
    assert told.startswith("adaptive blocks: the first 4 ")
    assert "at most 8" in told


def test_page_asks_for_nothing_from_outside() -> None:
    text = page_of(ledgers.mnist())
    outline = Outline(text)
    policies = [a["content"] for tag, a in outline.tags if tag == "meta" and a.get("http-equiv")]
    assert policies == [script.POLICY]
    assert not [a for _tag, a in outline.tags if "src" in a]
    assert outline.count("link") == 0
    links = [a["href"] for tag, a in outline.tags if tag == "a"]
    assert links
    assert all(
        re.fullmatch(r"logs/[0-9a-f]{12}-\d+/attempt-\d+/|figures/[a-z-]+\.svg|[a-z]+\.(csv|md|json)", str(link))
        for link in links
    )
    assert "url(" not in text
    assert "@import" not in text


def test_page_with_markup_in_the_ledger_has_no_more_elements_than_without() -> None:
    def records(name: str) -> list[dict[str, Any]]:
        spec = {**SPEC, "cluster": name, "dataset": name}
        good = ledgers.study([{**spec, "workers": n} for n in (1, 2)])
        bad = void({**spec, "workers": 4}, 1, name, run_id=name, provenance={name: name})
        return [{**item, "study": name} for item in [*good, bad]]

    tame, evil = Outline(page_of(records("tame"))), Outline(page_of(records(EVIL)))
    assert [tag for tag, _a in evil.tags] == [tag for tag, _a in tame.tags]
    assert EVIL in evil.text
    assert not any(key.startswith("on") for _tag, attributes in evil.tags for key in attributes)


def test_page_runs_its_own_script_and_no_other() -> None:
    text = page_of(ledgers.study([{**SPEC, "cluster": EVIL, "workers": n} for n in (1, 2)]))
    [ours] = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text
    assert Outline(text).count("script") == 1


@pytest.mark.parametrize("whole", ["(3.7-4.3)", "(5-22\u00a0%)"])
def test_page_breaks_no_interval_in_two(whole: str) -> None:
    assert f'<span class="whole">{whole}</span>' in page_of(ledgers.mnist())


def test_page_does_not_read_dollars_as_fields() -> None:
    text = page_of([void(SPEC, 1, "costs $5 and ${title} {{ title }}")])
    assert "costs $5 and ${title} {{ title }}" in text


def test_markdown_keeps_markup_of_a_ledger_as_text() -> None:
    text = render.markdown(report([void(SPEC, 1, EVIL)]))
    assert "<script" not in text
    assert "<img" not in text
    assert "\\| \\`c\\` \\*b\\*" in text


# What Markdown would make of a text, and what must stand there instead.
MARKUP = [
    ("[a](javascript:alert(1))", "\\[a\\](javascript:alert(1))"),
    ("![a](http://x/y.png)", "!\\[a\\](http://x/y.png)"),
    ("<javascript:alert(1)>", "&lt;javascript:alert(1)&gt;"),
    ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
    ("a \\| b", "a \\\\\\| b"),
    ("``` x", "\\`\\`\\` x"),
    ("~~gone~~", "\\~\\~gone\\~\\~"),
    ("$x$", "\\$x\\$"),
    ("a\n# head\n\n- item", "a # head - item"),
    ("__b__", "\\_\\_b\\_\\_"),
]


@pytest.mark.parametrize(("said", "shown"), MARKUP)
def test_markdown_says_what_a_ledger_says(said: str, shown: str) -> None:
    """As a reason, as a part of the specification, as a node's name and as a fact of provenance."""
    spec = {**SPEC, "dataset": said}
    nodes = [{"name": said, "cpus": 2.0}]
    records = ledgers.study([{**spec, "variant": said, "workers": n} for n in (1, 2)])
    records += [void({**spec, "variant": "b"}, 1, said, provenance={"kernel": said, "nodes": nodes})]
    text = render.markdown(report(records))
    assert text.count(shown) >= 5
    assert said not in text


def test_page_links_only_to_logs_whatever_a_factor_is_called() -> None:
    specs = [{**SPEC, "logs": value, "why": value} for value in ("//example.com/a", "javascript:alert(1)", "logs")]
    outline = Outline(page_of(ledgers.study(specs)))
    assert all(
        re.fullmatch(r"logs/[0-9a-f]{12}-\d+/attempt-\d+/|figures/[a-z-]+\.svg|[a-z]+\.(csv|md|json)", str(a["href"]))
        for tag, a in outline.tags
        if tag == "a"
    )
    assert "//example.com/a" in outline.text


def test_page_marks_a_row_that_is_the_fastest_and_not_one_that_is_called_so() -> None:
    records = ledgers.study([{**SPEC, "variant": name, "workers": 2} for name in ("fastest", "other")])
    table = tables.cells_table(model.study_of(records, "x"), report(records).answers)
    shown = [row[table.columns.index("against")] == "fastest" for row in table.rows]
    assert [n for n, is_best in enumerate(shown) if is_best] == sorted(table.best) != []


def test_sections_stand_in_the_order_of_a_decision() -> None:
    records = ledgers.mnist()
    for one in records:
        one["provenance"]["nodes"] = [{"name": "n", "machine_type": "e2", "cpus": 2.0}]
    study = model.study_of(records, "x", prices={"e2": 1.0}, currency="USD")
    names = [section.name for section in render.sections_of(render.report_of(study))]
    assert names == ["scaling", "spent", "cost", "cells", "laws", "failed", "void", "suspect", "noise", "nodes"]


def test_page_shows_the_first_figure_beside_the_answer_and_no_figure_twice() -> None:
    made, text = report(ledgers.mnist()), page_of(ledgers.mnist())
    identifiers = re.findall(r'id="figure-([a-z-]+)"', text)
    assert identifiers == [figure.name for figure in made.figures]
    assert (
        text.index('id="answer"') < text.index(f"figure-{made.figures[0].name}") < text.index('<div class="figures">')
    )


def test_page_of_cells_links_to_the_logs_of_each_run_up_to_a_limit() -> None:
    records = ledgers.study(space(workers=[1, 2]), blocks=render.LOGS + 3)
    row = page_of(records).split('<table id="cells"')[1].split("</tr>")[1]
    links = re.findall(r'<a href="(logs/[^"]+)/">(\d+)</a>', row)
    assert [int(block) for _log, block in links] == list(range(1, render.LOGS + 1))
    assert "and 3 more" in row


def test_page_tells_each_sorted_column_by_what() -> None:
    records = ledgers.study(space(workers=[1, 2, 4]))
    table = tables.cells_table(model.study_of(records, "x"), report(records).answers)
    assert {len(values) for values in table.order.values()} == {len(table.rows)}
    best = next(iter(table.best))
    assert table.order["against"][best] == 1.0 == min(filter(None, table.order["against"]))
    times = [cell.center("train_seconds") for cell in model.study_of(records, "x").measured]
    assert table.order["time"] == times
    assert f'data-order="{table.order["time"][0]:.6g}"' in page_of(records)


def test_page_marks_the_fastest_cell() -> None:
    text = page_of(ledgers.study(space(workers=[1, 2])))
    [best] = re.findall(r'<tr class="best">(.*?)</tr>', text)
    assert f">{tables.FASTEST}<" in best


def test_markdown_table_rows_have_as_many_cells_as_the_head() -> None:
    text = render.markdown(report([void(SPEC, 1, "a | b\nc")]))
    void_rows = text.split("## Void runs")[1].split("##")[0].strip().splitlines()
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in void_rows} == {7}


@pytest.mark.parametrize(
    ("records", "answer", "subtitle"),
    [
        ([], "Cannot tell: no run has been recorded.", "0 cells, 0 recorded runs"),
        (
            [void(SPEC, 1, "ps 0 was killed", provenance={})],
            "Cannot tell: the only run is void (the last: ps 0 was killed).",
            "cluster local · 1 cell, 1 recorded run",
        ),
    ],
    ids=["empty", "all void"],
)
def test_report_without_a_valid_run_says_so_and_why(records: list[dict[str, Any]], answer: str, subtitle: str) -> None:
    outline = Outline(page_of(records))
    assert answer in outline.text
    assert subtitle in outline.text
    assert outline.count("figure") == 0
    assert answer in render.markdown(report(records)).replace("\\", "")


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ([], ""),
        ([1_790_000_000.0], "2026-09-21 14:13 UTC"),
        ([1_790_000_000, 1_790_000_600, None], "2026-09-21 14:23 UTC"),
    ],
)
def test_made_at_is_the_time_of_the_last_record(recorded: list[float | None], expected: str) -> None:
    records = [record(SPEC, n, seconds=4.0, provenance={"recorded_wall": t}) for n, t in enumerate(recorded)]
    assert render.made_at(model.study_of(records, "x")) == expected


def test_subtitle_names_every_cluster() -> None:
    records = ledgers.study(space(cluster=["kind", "gke", "local"]), blocks=1)
    assert render.subtitle(model.study_of(records, "x")).startswith("clusters gke, kind and local · 3 cells")


def test_keys_of_tell_the_fastest_and_the_cheapest_cell() -> None:
    keys = {what: (much, of) for what, much, of in render.keys_of(report(ledgers.mnist()))}
    assert keys["fastest"] == ("3.96 s", "ps=2 workers=2")
    assert keys["cause"] == (
        "latency",
        "Nothing is full (processors 80 %, the fullest ps 15 %): workers and ps wait for each other.",
    )
    assert keys["runs"] == ("23", "19 valid, 1 suspect, 3 void")


def test_keys_of_tell_the_smallest_cell_that_is_as_fast() -> None:
    records = [
        record({**SPEC, "workers": workers}, block, seconds=4.0 + 0.001 * block * workers)
        for workers in (2, 1)
        for block in range(1, 6)
    ]
    keys = {what: (much, of) for what, much, of in render.keys_of(report(records))}
    assert {keys["fastest"][1], *(of for what, (_much, of) in keys.items() if what == "recommended")} == {
        "ps=1 workers=1"
    }
    slower = [
        {**one, "timings": {**one["timings"], "train_seconds": 4.05}} for one in records if one["spec"]["workers"] == 1
    ]
    keys = {what: (much, of) for what, much, of in render.keys_of(report([*records[:5], *slower]))}
    assert keys["recommended"][1] == "ps=1 workers=1"
    assert keys["fastest"][1] == "ps=1 workers=2"


@pytest.mark.parametrize(
    ("records", "names"),
    [
        ([], ["runs"]),
        ([void(SPEC, 1, "x")], ["runs"]),
        ([record(SPEC, 1, seconds=4.0)], ["accuracy", "start-up", "runs"]),
        (ledgers.study(space(workers=[1])), ["fastest", "speed", "accuracy", "start-up", "runs"]),
    ],
    ids=["nothing", "void", "one run", "one cell"],
)
def test_keys_of_are_only_those_that_are_known(records: list[dict[str, Any]], names: list[str]) -> None:
    assert [what for what, _much, _of in render.keys_of(report(records))] == names


def test_keys_of_several_clusters_carry_their_name() -> None:
    names = [what for what, _m, _o in render.keys_of(report(ledgers.study(space(cluster=["a", "b"]))))]
    assert names[:4] == [f"cluster={c}: {what}" for c in "ab" for what in ("fastest", "speed")]


def test_facts_of_name_the_preset_the_cadence_and_the_design() -> None:
    facts = render.facts_of(model.study_of(ledgers.mnist(), "x"))
    assert (facts["preset"], facts["telemetry_every"]) == ("fast", "100")
    assert (facts["blocks"], facts["seed"], facts["varied"]) == ("4", "20200623", "ps, workers")
    assert "workers" not in facts


def test_files_of_are_the_same_every_time() -> None:
    first, second = (render.files_of(report(ledgers.mnist())) for _repeat in range(2))
    assert first == second
    assert sorted(first)[:3] == ["answer.json", "cells.csv", "figures/noise.svg"]
    assert len(first["report.html"]) < 1_500_000


def test_files_of_markdown_links_only_figures_that_exist() -> None:
    files = render.files_of(report(ledgers.study(space(workers=[1, 2]))))
    assert set(re.findall(r"\((figures/[^)]+)\)", files["report.md"])) == {path for path in files if "figures/" in path}
