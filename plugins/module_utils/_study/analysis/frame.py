# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a study as a tidy frame: a row is a run, a column a variable (Wickham, Journal of Statistical Software 59/10, 2014).

PRIVATE, can break at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..records.record import Record, records_of

if TYPE_CHECKING:
    import pandas as pd


def runs_frame(records: Iterable[Any]) -> pd.DataFrame:
    """All runs, void ones too, in the order of the ledger; a record that stands there twice counts once.

    `records` are lines of a ledger as JSON reads them, or Records. Columns: study, run_id, cell_id, block, attempt, verdict,
    reasons (joined by "; "), each key of the spec, each timing, each piece of evidence as evidence_<name>, and logs (a folder
    relative to the study's). Units are in the names: seconds, bytes, steps. What a record lacks is missing (pandas.NA).
    """
    import pandas as pd

    # Counts stay whole numbers where a value is missing.
    return pd.DataFrame(run_rows(records_of(records))).convert_dtypes()


def run_rows(runs: Iterable[Record]) -> list[dict[str, Any]]:
    return [
        {
            "study": run.study,
            "run_id": run.run_id,
            "cell_id": run.cell_id,
            "block": run.block,
            "attempt": run.attempt,
            "verdict": run.verdict,
            "reasons": "; ".join(run.reasons),
            **run.settings,
            **joined(run.timings),
            **joined(run.evidence, "evidence_"),
            "logs": run.log,
        }
        for run in runs
    ]


def joined(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, the keys joined; lists as words."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if item is None or isinstance(item, (str, float, int)):
            # Most are, and to ask whether one is a mapping takes longer.
            found[f"{prefix}{key}"] = item
        elif isinstance(item, Mapping):
            found.update(joined(item, f"{prefix}{key}_"))
        elif isinstance(item, (list, tuple)):
            found[f"{prefix}{key}"] = "; ".join(map(str, item))
        else:
            found[f"{prefix}{key}"] = item
    return found
