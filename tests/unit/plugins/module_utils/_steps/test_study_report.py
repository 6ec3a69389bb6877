# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a ledger on disk to the files of its report."""

from __future__ import annotations

import builtins
import csv
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._report.figures import drawing
from ansible_collections.tfscale.study.plugins.module_utils._steps import study_report

from tests.fixtures import ledgers

FILES = {"answer.json", "report.html", "report.md", "cells.csv", "runs.csv"}
FIGURES = {
    "figures/noise.svg",
    "figures/speed-by-workers.svg",
    "figures/speed-up-by-workers.svg",
    "figures/training-time-by-ps.svg",
    "figures/training-time-by-workers.svg",
    "figures/utilisation.svg",
    "figures/where-time-goes.svg",
    "figures/where-workers-time-goes.svg",
}


def execute(folder: Path, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    usual = {name: of.get("default") for name, of in study_report.ARGUMENT_SPEC.items()}
    params = {**usual, "study_dir": str(folder), "ledger": "files", **given}
    return study_report.execute(params, Context(check_mode=check_mode))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger")
    }


@pytest.fixture(autouse=True)
def drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real ones take half a second: one test undoes this."""
    monkeypatch.setattr(drawing, "svg_of", lambda figure, _say: f"<svg id='{figure.name}'/>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledgers.write(tmp_path / "mnist", ledgers.mnist())
    return tmp_path / "mnist"


def test_execute_writes_every_file_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    first = execute(folder)
    written = files(folder)
    assert first["changed"] is True
    assert set(written) == FILES | FIGURES
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.rglob("report.*"))
    assert execute(folder)["changed"] is False
    assert files(folder) == written


def test_execute_tells_what_it_found(folder: Path) -> None:
    result = execute(folder)
    assert result["answer"].startswith("Take 2 workers and 2 ps: 4.0 s (3.7-4.3). ")
    assert result["counts"] == {"cells": 6, "failed_cells": 1, "runs": 23, "valid": 19, "suspect": 1, "void": 3}
    assert result["msg"] == f"The report of 23 recorded runs is {folder / 'report.html'}."
    paths = result["paths"]
    named = {paths[key] for key in ("answer", "html", "markdown", "cells", "runs")} | set(paths["figures"])
    assert named == {str(folder / path) for path in FILES | FIGURES}
    assert result["document"] == json.loads((folder / "answer.json").read_text())
    assert result["document"]["answer"] == result["answer"]


def test_execute_in_check_mode_says_the_same_and_writes_nothing(folder: Path) -> None:
    told = execute(folder, check_mode=True)
    assert files(folder) == {}
    assert told == execute(folder)
    assert execute(folder, check_mode=True)["changed"] is False


def test_execute_reports_only_selected_records_and_says_so(folder: Path) -> None:
    result = execute(folder, select="[?spec.workers == `2` && verdict.verdict == 'valid']")
    rows = list(csv.DictReader((folder / "runs.csv").read_text().splitlines()))
    assert {(row["workers"], row["verdict"]) for row in rows} == {("2", "valid")}
    assert len(rows) == result["counts"]["runs"] < 19
    assert "[?spec.workers == `2` && verdict.verdict == 'valid']" in html.unescape((folder / "report.html").read_text())
    execute(folder)
    assert "spec.workers ==" not in (folder / "report.html").read_text()


@pytest.mark.parametrize("select", ["[?", "length(@)"])
def test_execute_of_a_selection_that_is_none_writes_nothing(folder: Path, select: str) -> None:
    with pytest.raises(StepError, match="report_select is "):
        execute(folder, select=select)
    assert files(folder) == {}


def test_execute_in_polish_leaves_nothing_in_english_and_takes_the_place_of_an_english_report(folder: Path) -> None:
    english = execute(folder)["document"]
    result = execute(folder, language="pl")
    # What the records say stays as it was recorded.
    recorded = {run["provenance"]["kernel"] for run in ledgers.mnist()} | {
        reason for run in ledgers.mnist() for reason in run["verdict"]["reasons"]
    }
    said = re.sub("|".join(map(re.escape, sorted(recorded, key=len, reverse=True))), "", result["markdown"])
    assert set(re.findall(r"\b(the|of|and|with|are|is|runs|cell|fastest|blocks|seed)\b", said)) == set()
    page = (folder / "report.html").read_text()
    assert '<html lang="pl">' in page
    assert "Czas uczenia w zależności od liczby workerów" in page
    assert result["document"]["language"] == "pl"
    # Codes and numbers are the same.
    for ours, theirs in zip(result["document"]["groups"], english["groups"], strict=True):
        assert (ours["reasons"], ours["recommended"]["cell_id"]) == (
            theirs["reasons"],
            theirs["recommended"]["cell_id"],
        )
    assert execute(folder)["document"] == english


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"goal": "cost"}, ["report_goal is 'cost'", "report_prices is empty"]),
        ({"max_cost": 3.0}, ["report_max_cost is 3.0", "report_prices is empty"]),
        ({"goal": "knee", "max_seconds": 3.0}, ["report_max_seconds is 3.0", "report_goal is 'knee'"]),
        ({"max_seconds": -1.0}, ["report_max_seconds is -1.0"]),
    ],
)
def test_execute_refuses_a_goal_without_its_facts(folder: Path, given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(StepError) as caught:
        execute(folder, **given)
    assert [word for word in words if word not in str(caught.value)] == []
    assert files(folder) == {}


def test_execute_renews_what_was_changed_by_hand(folder: Path) -> None:
    execute(folder)
    written = (folder / "report.md").read_text()
    (folder / "report.md").write_text(f"{written}mine")
    assert execute(folder)["changed"] is True
    assert (folder / "report.md").read_text() == written


FOREIGN = {"figures/mine.svg": b"<svg/>", "figures/training-time-by-nodes.svg": b"<svg/>", "notes.md": b"# Study notes"}


def test_execute_leaves_files_alone_that_no_report_has_written(folder: Path) -> None:
    (folder / "figures").mkdir()
    for name, content in FOREIGN.items():
        (folder / name).write_bytes(content)
    execute(folder)
    ledgers.write(folder, ledgers.study(ledgers.space(workers=[1, 2])))
    execute(folder)
    assert {name: (folder / name).read_bytes() for name in FOREIGN} == FOREIGN


def refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    for check_mode in (True, False):
        with pytest.raises(StepError, match=rf"study_dir is '.*', whose {name} is not of a report of ours: move"):
            execute(folder, check_mode=check_mode)
    assert files(folder) == {name: content}


@pytest.mark.parametrize("content", [b"cell_id,volume\n1,2\n", b"# Study notes\n\n## Method\n"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_execute_overwrites_no_page_and_no_table_of_others(tmp_path: Path, name: str, content: bytes) -> None:
    ledgers.write(tmp_path, [ledgers.void(ledgers.SPEC, 1, "ps 0 was killed")])
    refused(tmp_path, name, content)


def test_execute_overwrites_no_figure_of_others(folder: Path) -> None:
    (folder / "figures").mkdir()
    refused(folder, "figures/training-time-by-workers.svg", b"<svg/>")


def test_execute_goes_on_after_a_report_without_a_run(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("")
    execute(tmp_path)
    ledgers.write(tmp_path, ledgers.mnist())
    execute(tmp_path)
    assert set(files(tmp_path)) == FILES | FIGURES


def test_execute_in_a_folder_without_a_ledger_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/mine.svg").write_text("<svg/>")
    with pytest.raises(StepError, match=r"study_dir is '.*', which has no ledger: run the sweep of this study first\."):
        execute(tmp_path)
    assert files(tmp_path) == {"figures/mine.svg": b"<svg/>"}


def test_execute_removes_figures_of_an_earlier_report(folder: Path) -> None:
    execute(folder)
    ledgers.write(folder, ledgers.study(ledgers.space(workers=[1, 2])))
    assert execute(folder, check_mode=True)["changed"] is True
    execute(folder)
    assert "figures/training-time-by-ps.svg" not in files(folder)
    assert execute(folder)["changed"] is False


def test_execute_without_a_record_writes_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("")
    result = execute(tmp_path)
    assert result["answer"] == "Cannot tell: no run has been recorded."
    assert result["counts"]["runs"] == 0
    assert set(files(tmp_path)) == FILES
    assert execute(tmp_path)["changed"] is False


def test_execute_with_only_void_runs_says_why(tmp_path: Path) -> None:
    ledgers.write(tmp_path, [ledgers.void(ledgers.SPEC, 1, "ps 0 was killed")])
    assert execute(tmp_path)["answer"] == "Cannot tell: the only run is void (the last: ps 0 was killed)."


def test_execute_without_a_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"study_dir is '.*none', which is not a folder: run the sweep of this study"):
        execute(tmp_path / "none")


def test_execute_without_a_folder_passes_in_check_mode(tmp_path: Path) -> None:
    assert execute(tmp_path / "none", check_mode=True)["changed"] is True
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "content", [b'{"some": "other file"}\n' * 3, b"\x00\xff\n" * 3, b"hello\nworld\n"], ids=["json", "binary", "text"]
)
def test_execute_refuses_a_ledger_that_is_not_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(content)
    with pytest.raises(StepError, match=re.escape(str(tmp_path / "ledger.jsonl"))):
        execute(tmp_path)


def test_execute_where_nothing_can_be_written_says_so_in_a_sentence(folder: Path) -> None:
    # Root may write anywhere: a file in the place of a folder stops every user.
    (folder / "figures").write_text("a file")
    with pytest.raises(StepError, match=r"study_dir is '.*mnist', where the report cannot be written: "):
        execute(folder)


def test_execute_leaves_the_old_file_and_no_half_one_when_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(folder)
    before = files(folder)
    changed = before["report.md"] + b"mine"
    (folder / "report.md").write_bytes(changed)
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(StepError, match="No space left on device"):
        execute(folder)
    assert files(folder) == {**before, "report.md": changed}


def full_disk(*_arguments: Any) -> None:
    raise OSError(28, "No space left on device")


def test_execute_without_a_package_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    importer = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "vl_convert":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importer(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StepError, match=r"study_report needs scipy and .* but vl_convert is missing: pip install"):
        execute(folder)
    assert files(folder) == {}


@pytest.mark.parametrize("price", ["dear", -1, None])
def test_execute_refuses_a_price_that_is_none(tmp_path: Path, price: Any) -> None:
    params = {
        "study_dir": str(tmp_path),
        "ledger": "files",
        "prices": {"a": price},
        "currency": "USD",
        "select": "",
        "claims": "",
    }
    with pytest.raises(StepError, match=r"report_prices\['a'\] is .*: give a number from 0\."):
        study_report.execute(params, Context(check_mode=True))


@pytest.mark.parametrize(
    "said", ["half \udcff", "\x1b]0;t\x07\x1b[31mred", "nul \x00 bell \x07 del \x7f", "C1 \x9b2J", "bidi \u202e"]
)
def test_execute_of_an_old_ledger_with_text_that_acts_gives_a_report_that_does_not(tmp_path: Path, said: str) -> None:
    records = ledgers.study(ledgers.space(workers=[1, 2], cluster=[f"c {said}", "d"]), blocks=3)
    records.append(ledgers.void(records[0]["spec"], 4, f"worker 0 failed: {said}"))
    records[0]["evidence"]["notes"] = [said]
    for one in records:
        one["study"] = f"study {said}"
        one["provenance"]["cpu_model"] = said
    ledgers.write(tmp_path / "old", records)
    result = execute(tmp_path / "old")
    for text in (
        result["answer"],
        result["markdown"],
        *(content.decode() for content in files(tmp_path / "old").values()),
    ):
        # Of the libraries' own code in the page nothing is known.
        told = text.split("<script")[0]
        assert all(char in "\n\r\t" or char.isprintable() or char in "\u00a0\u2009\u202f" for char in told)
        assert "\x1b" not in told
