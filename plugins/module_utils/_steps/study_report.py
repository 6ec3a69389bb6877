# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the ledger of a study into its report. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._common.collector import resting
from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.files import draft, why
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, recorded
from .._report import claims, render, sized, tables
from .._report.messages.catalogue import Catalogue
from .._study.analysis import model
from .._study.analysis.decision import Goal
from .._study.design.inputs import MOST, positive
from .._study.design.inputs import prices as prices_of
from .._study.design.variables import GOALS, LANGUAGES, TIME, check_goal
from .._study.records.record import Record

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    "prices": {"type": "dict", "default": {}},
    "currency": {"type": "str", "default": "USD"},
    "select": {"type": "str", "default": ""},
    "claims": {"type": "str", "default": "", "choices": ["", "thesis"]},
    "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
    "goal": {"type": "str", "choices": list(GOALS), "default": TIME},
    "max_seconds": {"type": "float"},
    "max_cost": {"type": "float"},
}
# Of a report in any language: the title's first word, and two headings.
_SAY = [Catalogue(code) for code in LANGUAGES]
_HEADINGS = tuple(
    "|".join(re.escape(say(key, **given).strip()) for say in _SAY).encode()
    for key, given in (("title", {"study": ""}), ("method_heading", {}), ("provenance_heading", {}))
)
# By what a file is known as one of a report.
MARKS = {
    "answer.json": re.compile(rb'\A\{\s*"format": "tfscale\.study answer"'),
    "report.html": re.compile(rb"<footer>[^<]*tfscale\.study\. "),
    "report.md": re.compile(rb"\A# (%s) .*^## (%s)$.*^## (%s)$" % _HEADINGS, re.DOTALL | re.MULTILINE),
    "cells.csv": re.compile(rb"\Acell_id,.*,runs_measured,"),
    "runs.csv": re.compile(rb"\Astudy,run_id,cell_id,"),
}
FIGURE = re.compile(rb"(?:\(figures/|id=\"figure-)([a-z0-9-]+)")


def _goal(params: Mapping[str, Any], prices: Mapping[str, float]) -> Goal:
    limits = {name: params[name] for name in ("max_seconds", "max_cost")}
    check_goal(params["goal"], limits["max_seconds"], limits["max_cost"], prices)
    told = {name: None if of is None else positive(f"report_{name}", of, maximum=MOST) for name, of in limits.items()}
    return Goal(kind=params["goal"], **told)


def _rendered(
    records: Iterable[Record], folder: Path, prices: Mapping[str, float], goal: Goal, params: Mapping[str, Any]
) -> tuple[render.Report, dict[str, bytes]]:
    try:
        money = {"prices": prices, "currency": params["currency"]}
        study = model.study_of(records, folder.name, selected=params["select"], **money)
        say, searched = Catalogue(params["language"]), sized.read(folder)
        report = render.report_of(study, say, goal, searched=searched, with_claims=bool(params["claims"]))
        files = render.files_of(report)
    except InputError as error:
        raise StepError(f"{error}.") from error
    except ImportError as error:
        wanted = "scipy and vl-convert-python"
        raise StepError(
            f"study_report needs {wanted} in the Python that runs it, but {error.name} is missing: "
            "pip install -r requirements.txt"
        ) from error
    return report, {path: content.encode() for path, content in files.items()}


def _former(folder: Path) -> set[str]:
    """What an earlier report has written: pages and tables that say so themselves, and the figures that its pages name."""
    found = {name: path.read_bytes() for name in MARKS if (path := folder / name).is_file()}
    ours = {name for name, content in found.items() if not content.strip() or MARKS[name].search(content)}
    pages = b"".join(found[name] for name in sorted(ours & {"report.html", "report.md"}))
    return ours | {f"figures/{name.decode()}.svg" for name in FIGURE.findall(pages)}


def _stale(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Figures of an earlier report that this one does not have."""
    return [path for path in sorted(_former(folder) - set(files)) if (folder / path).is_file()]


def _check_ours(folder: Path, changed: Iterable[str]) -> None:
    for path in sorted(set(changed) - _former(folder)):
        if os.path.lexists(folder / path):
            raise StepError(
                f"study_dir is {str(folder)!r}, whose {path} is not of a report of ours: move it away, or give another"
                " report_study."
            )


def _changed(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    return [
        path
        for path, content in files.items()
        if not (folder / path).is_file() or (folder / path).read_bytes() != content
    ]


def _write(folder: Path, contents: Mapping[str, bytes], *, stale: Iterable[str]) -> None:
    """All of it is on the disk before the report before is touched: a full disk leaves that whole."""
    with contextlib.ExitStack() as drafts:
        written = {}
        for path, content in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            written[folder / path] = drafts.enter_context(draft(folder / path, content))
        # First, because only the pages of the report before name them.
        for path in stale:
            (folder / path).unlink()
        for target, whole in written.items():
            whole.replace(target)


def _update(folder: Path, files: Mapping[str, bytes], *, check_mode: bool) -> list[str]:
    """Bring the folder to the files given; the paths that were, or in check mode would be, touched."""
    try:
        changed, stale = _changed(folder, files), _stale(folder, files)
        _check_ours(folder, changed)
        if not check_mode:
            _write(folder, {path: files[path] for path in changed}, stale=stale)
    except OSError as error:
        reason = why(error, folder)
        raise StepError(f"study_dir is {str(folder)!r}, where the report cannot be written: {reason}.") from error
    return [*changed, *stale]


def _counts(report: render.Report) -> dict[str, int]:
    study = report.study
    verdicts = {verdict: len(study.verdicts(verdict)) for verdict in ("valid", "suspect", "void")}
    return {"cells": len(study.cells), "failed_cells": len(study.failed), "runs": len(study.runs), **verdicts}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    folder = Path(params["study_dir"])
    try:
        prices = prices_of("report_prices", params["prices"])
        goal = _goal(params, prices)
    except InputError as error:
        raise StepError(f"{error}.") from error
    with resting():
        records, warnings = recorded(params, check_mode=context.check_mode)
        report, files = _rendered(records, folder, prices, goal, params)
    touched = _update(folder, files, check_mode=context.check_mode)
    figures = [str(folder / path) for path in files if path.startswith("figures/")]
    return {
        "changed": bool(touched),
        "answer": report.sentence,
        "claims": claims.lines(report.findings, report.say),
        "document": json.loads(files["answer.json"]),
        "table": render.markdown_table(tables.cells_table(report.study, report.answers, report.say)),
        "markdown": files["report.md"].decode(),
        "counts": _counts(report),
        "paths": {
            "answer": str(folder / "answer.json"),
            "html": str(folder / "report.html"),
            "markdown": str(folder / "report.md"),
            "cells": str(folder / "cells.csv"),
            "runs": str(folder / "runs.csv"),
            "figures": figures,
        },
        "msg": f"The report of {len(report.study.runs)} recorded runs is {folder / 'report.html'}.",
        **warnings,
    }
