# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a study with others, cell by cell. PRIVATE, can break at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import listed
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, recorded
from .._report import comparison
from .._report.messages.catalogue import Catalogue
from .._study.analysis import model
from .._study.analysis.gate import CANNOT_TELL, FASTER, SAME, SLOWER
from .._study.analysis.studies import Compared, Pair, compare_studies, overall
from .._study.design import inputs
from .._study.design.variables import LANGUAGES, baselines
from .._study.records import ledger
from .._study.records.record import records_of
from .._study.records.selection import selector
from .._study.statistics.intervals import CONFIDENCE, Ratio

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "baseline": {"type": "raw", "required": True},
    "margin": {"type": "raw", "default": 0.05},
    "select": {"type": "str", "default": ""},
    "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
}
FORMAT = {"format": "tfscale.study comparison", "version": 1}
VERDICTS = (SLOWER, CANNOT_TELL, SAME, FASTER)
VERSIONS = ("collection_version", "git_commit", "packages", "hostname", "cpu_model", "cpus")


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Read-only; says a sentence for each cell that is compared or refused."""
    folder = Path(params["study_dir"])
    try:
        margin = inputs.part("report_margin", params["margin"])
        names = baselines("report_baseline", params["baseline"])
        if not names:
            raise InputError("report_baseline is []: give the name of a study or a ledger file")
        paths = [_ledger_of(name, folder) for name in names]
        records, warnings = recorded(params, check_mode=context.check_mode)
        study = model.study_of(records, folder.name)
        others = [_baseline(name, path, params["select"]) for name, path in zip(names, paths, strict=True)]
        found = compare_studies(study, others, margin)
    except InputError as error:
        raise StepError(f"{error}.") from error
    if not study.measured:
        raise StepError(f"study {folder.name!r} has no run that counts: run its sweep first.")
    for name, one in zip(names, found, strict=True):
        _check_common(name, one)
    say = Catalogue(params["language"])
    document = _document(study, names, found, margin, say)
    for one in document["baselines"]:
        for told in (*one["cells"], *one["refused"]):
            context.say(told["words"])
    counts = {**document["counts"], "not compared": sum(len(one.refused) for one in found)}
    msg = comparison.summary(study.name, names, counts, margin, say)
    context.say(msg)
    return {"changed": False, "verdict": document["verdict"], "document": document, "msg": msg, **warnings}


def _ledger_of(name: str, folder: Path) -> Path:
    """The file that a name of a study, a folder or a file stands for."""
    found = folder.parent / name
    if "/" in name or name.endswith(".jsonl"):
        found = Path(name).expanduser()
    path = found / ledger.NAME if found.is_dir() else found
    if not path.is_file():
        where = f"{found} has no {ledger.NAME}" if found.is_dir() else f"there is no {found}"
        raise InputError(f"report_baseline is {name!r}, but {where}: give the name of a study or a ledger file")
    if path.resolve() == (folder / ledger.NAME).resolve():
        raise InputError(f"report_baseline is {name!r}, which is the study itself: give another one")
    return path


def _baseline(name: str, path: Path, select: str) -> model.Study:
    try:
        records = records_of(selector("report_select", select)(ledger.FileLedger(path).records()))
    except LedgerError as error:
        raise InputError(f"report_baseline is {name!r}, which is no ledger: {error}") from error
    study = model.study_of(records, name)
    if not study.measured:
        raise InputError(f"report_baseline is {name!r}, which has no run that counts: give another one")
    return study


def _check_common(name: str, found: Compared) -> None:
    if found.pairs:
        return
    if found.refused:
        first = found.refused[0]
        raise StepError(
            f"report_baseline is {name!r}, which has no cell like one of this study: {comparison.unlike(first)}."
        )
    here, there = (
        listed([cell.label for cell in cells[:3]]) + (" and more" if len(cells) > 3 else "")
        for cells in (found.only_here, found.only_there)
    )
    raise StepError(
        f"report_baseline is {name!r}, which has no cell of a size of this study: here {here}, there {there}."
    )


def _document(
    study: model.Study, names: Sequence[str], found: Sequence[Compared], margin: float, say: Catalogue
) -> dict[str, Any]:
    verdicts = [pair.verdict for one in found for pair in one.pairs]
    return {
        **FORMAT,
        "study": study.name,
        "language": say.code,
        "verdict": overall(verdicts),
        "counts": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
        "margin": margin,
        "confidence": CONFIDENCE,
        "versions": _versions(study),
        "baselines": [
            {
                "baseline": name,
                "study": one.baseline.name,
                "versions": _versions(one.baseline),
                "machine_ratio": one.machine and round(one.machine, 4),
                "paired": one.is_paired,
                "cells": [_told(name, pair, say) for pair in one.pairs],
                "refused": [
                    {
                        "cell_id": other.cell.cell_id,
                        "label": other.cell.label,
                        "field": other.field,
                        "here": other.here,
                        "there": other.there,
                        "words": comparison.refused(name, other, say),
                    }
                    for other in one.refused
                ],
                "only_here": [cell.label for cell in one.only_here],
                "only_there": [cell.label for cell in one.only_there],
            }
            for name, one in zip(names, found, strict=True)
        ],
    }


def _versions(study: model.Study) -> dict[str, Any]:
    """Of the last record: a study is measured by one version, unless it was resumed with another."""
    last = next(run for run in reversed(study.runs) if run.measured)
    images = Counter(str(image) for image in last.evidence.get("images") or ())
    told = {key: last.provenance[key] for key in VERSIONS if key in last.provenance}
    return {**told, **({"images": sorted(images)} if images else {})}


def _told(name: str, pair: Pair, say: Catalogue) -> dict[str, Any]:
    return {
        "cell_id": pair.cell.cell_id,
        "baseline_cell_id": pair.other.cell_id,
        "label": pair.cell.label,
        "verdict": pair.verdict,
        "ratio": _bounds(pair.ratio),
        "measured_ratio": _bounds(pair.measured),
        "calibrated": pair.is_calibrated,
        "runs": len(pair.cell.by_block()),
        "baseline_runs": len(pair.other.by_block()),
        "seconds": pair.cell.center(pair.cell.response),
        "baseline_seconds": pair.other.center(pair.other.response),
        "words": comparison.cell(name, pair, say),
    }


def _bounds(ratio: Ratio) -> dict[str, float | None]:
    return {
        key: of if of is None else round(of, 6) for key, of in vars(ratio).items() if key in ("center", "low", "high")
    }
