# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a study as a tidy frame: a row is a run, a column a variable (Wickham, Journal of Statistical Software 59/10, 2014).

PRIVATE, can break at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..records.record import Record, records_of

if TYPE_CHECKING:
    import pandas as pd

# Facts of a run's provenance that have a place of their own in a report.
OF_RUNS = ("nodes", "probed_cpus", "recorded_wall")


def runs_frame(records: Iterable[Any]) -> pd.DataFrame:
    """All runs, void ones too, in the order of the ledger; a record that stands there twice counts once.

    `records` are lines of a ledger as JSON reads them, or Records. Columns: study, run_id, cell_id, block, attempt, verdict,
    reasons (joined by "; "), each key of the spec, each timing, each piece of evidence as evidence_<name> but for those of each replica,
    and logs (a folder relative to the study's). Units are in the names: seconds, bytes, steps. What a record lacks is missing (pandas.NA).
    """
    import pandas as pd

    # Counts stay whole numbers where a value is missing.
    return pd.DataFrame(list(run_rows(records_of(records)))).convert_dtypes()


def run_rows(runs: Iterable[Record]) -> Iterator[dict[str, Any]]:
    known: dict[str, tuple[Any, dict[str, Any]]] = {}

    def settings(run: Record) -> dict[str, Any]:
        # Of 100,000 runs of a few cells.
        if run.cell_id not in known or known[run.cell_id][0] != run.spec:
            known[run.cell_id] = run.spec, run.settings
        return known[run.cell_id][1]

    for run in runs:
        yield {
            "study": run.study,
            "run_id": run.run_id,
            "cell_id": run.cell_id,
            "block": run.block,
            "attempt": run.attempt,
            "verdict": run.verdict,
            "reasons": "; ".join(run.reasons),
            **settings(run),
            **joined(run.timings),
            **joined(run.evidence, "evidence_"),
            "logs": run.log,
        }


def origins_of(runs: Iterable[Record]) -> dict[str, list[Any]]:
    """Each fact of the runs' provenance with all its values, in the order in which they came; none of nodes and of times."""
    found: dict[str, dict[str, Any]] = {}
    seen = set()
    for run in runs:
        told = {key: value for key, value in run.provenance.items() if key not in OF_RUNS}
        # Most runs of a study come from the same machine and version.
        if (text := repr(told)) in seen:
            continue
        seen.add(text)
        for key, value in joined(told).items():
            values = found.setdefault(key, {})
            if value is not None:
                values.setdefault(f"{type(value).__name__} {value}", value)
    return {key: list(values.values()) for key, values in found.items() if values}


def joined(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, the keys joined; lists as words, but for lists of mappings, which are left out."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if item is None or isinstance(item, (str, float, int)):
            # Most are, and to ask whether one is a mapping takes longer.
            found[f"{prefix}{key}"] = item
        elif isinstance(item, Mapping):
            found.update(joined(item, f"{prefix}{key}_"))
        elif isinstance(item, (list, tuple)):
            # Facts of each replica have no place in one column: the ledger holds them.
            if not any(isinstance(one, Mapping) for one in item):
                found[f"{prefix}{key}"] = "; ".join(map(str, item))
        else:
            found[f"{prefix}{key}"] = item
    return found
