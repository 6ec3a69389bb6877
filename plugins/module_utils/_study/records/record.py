# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One record of a ledger (docs/record.schema.json), read once and with care. PRIVATE, can break at any time.

Planner, forecast, gate, report and ledger read records here, so that a damaged or doubled one means the same to all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..._common.fields import count, finite, mapping, mappings, texts
from ..design.cell import flat, nested
from .validity import SUSPECT, VALID, VOID

VERDICTS = (VALID, SUSPECT, VOID)
LAST_SECOND = 253_402_300_800  # of the year 9999: no calendar has more
NO_PRICES: Mapping[str, float] = MappingProxyType({})
NOTHING: Mapping[str, Any] = MappingProxyType({})
UNKNOWN = "unknown"
NO_REASON = "no reason was recorded"
# Where a worker's time goes: a record's name of each part, and a person's.
SPENT = {
    "compute": "computing",
    "ps": "waiting for ps or workers",
    "input": "input",
    "telemetry": "telemetry",
    "throttled": "throttled",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt of a run. A field that is missing or of the wrong kind has its default, and `trouble` names it.

    A plan reads the fields of 100,000 records; the rest of a document is read only where it is asked for.
    """

    # As the ledger holds it.
    document: Mapping[str, Any]
    # Names: <cell_id>-<block>; 12 hexadecimal digits over the spec.
    run_id: str
    cell_id: str
    # Counted from 1; 0 is not known.
    block: int
    # Counted from 1.
    attempt: int
    # The cell's configuration: words, numbers, mappings and lists, in the units of the role's variables.
    spec: Mapping[str, Any]
    # Seconds, bytes and steps, as the names of the figures say. A figure that is missing or null is not known.
    timings: Mapping[str, Any]
    # valid, suspect or void; any other word is void. A valid run has no reasons.
    verdict: str
    # Why the document is not a whole record; empty where it is one.
    trouble: str
    # The accuracy at which the run was to end; None without one.
    target: float | None
    # Whether the run may enter a figure: judged fit, with a time, of a cell that says what it was.
    measured: bool
    # By which cells are compared: to the target accuracy, else of the whole training. None where the run does not count or is censored.
    seconds: float | None

    @classmethod
    def of(cls, document: Any) -> Record:
        """Never raises, whatever a ledger holds; a Record stays as it is."""
        if isinstance(document, Record):
            return document
        whole = mapping(document)
        get = whole.get
        run_id, cell_id, verdict = get("run_id"), get("cell_id"), mapping(get("verdict")).get("verdict")
        run_id, cell_id = run_id if isinstance(run_id, str) else "", cell_id if isinstance(cell_id, str) else ""
        block, attempt, spec = count(get("block")), count(get("attempt")), nested(mapping(get("spec")))
        verdict = verdict if verdict in VERDICTS else None
        trouble = ""
        if not (run_id and cell_id and block and attempt and spec and verdict):
            values = {
                "run_id": run_id,
                "cell_id": cell_id,
                "block": block,
                "attempt": attempt,
                "spec": spec,
                "verdict": verdict,
            }
            trouble = f"its record has no usable {', '.join(name for name, value in values.items() if not value)}"
        timings, share = mapping(get("timings")), finite(spec.get("target_accuracy"))
        target = share if share is not None and 0 < share < 1 else None
        trained, seconds = finite(timings.get("train_seconds")), None
        has_size = count(spec.get("ps")) is not None and count(spec.get("workers")) is not None
        measured = has_size and (verdict or VOID) != VOID and trained is not None and trained > 0
        if measured:
            reached = trained if target is None else finite(timings.get("seconds_to_accuracy"))
            seconds = reached if reached is not None and reached > 0 else None
        return cls(
            whole,
            run_id or UNKNOWN,
            cell_id or UNKNOWN,
            block or 0,
            attempt or 1,
            _frozen(spec),
            _frozen(timings),
            verdict or VOID,
            trouble,
            target,
            measured,
            seconds,
        )

    @property
    def study(self) -> str:
        """The name of the study."""
        return _name(self.document.get("study"))

    @property
    def fits(self) -> Mapping[str, int]:
        """Numbers of workers that `fit` stands for, by a hash of what decides on them."""
        fits = self.document.get("fits")
        return _frozen({key: of for key, of in mapping(fits).items() if count(of)}) if fits else NOTHING

    @property
    def design(self) -> Mapping[str, Any]:
        """Rules of the study's blocks when the run was planned; empty in records before version 0.4."""
        return _frozen(self.document.get("design"))

    @property
    def evidence(self) -> Mapping[str, Any]:
        """Facts seen during the run: shares from 0 to 1, counts, names."""
        return _frozen(self.document.get("evidence"))

    @property
    def evaluations(self) -> Sequence[Any]:
        """Of a run with a target accuracy: global_step, seconds since the start line, accuracy from 0 to 1; as they were recorded."""
        return mappings(self.document.get("evaluations"))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Of the verdict."""
        return texts(mapping(self.document.get("verdict")).get("reasons"))

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, machine, nodes, and recorded_wall in seconds since 1970."""
        return _frozen(self.document.get("provenance"))

    @property
    def is_fit(self) -> bool:
        """Whether the run was judged fit for a figure and need not be run again."""
        return self.verdict != VOID

    @property
    def is_censored(self) -> bool:
        """Whether the run counts but did not reach its target accuracy: its time to it is only known to be longer."""
        return self.target is not None and self.measured and self.seconds is None

    @property
    def curve(self) -> list[tuple[float, float]]:
        """Seconds since the start line and accuracy of each evaluation, in the order of time."""
        pairs = [(finite(one.get("seconds")), finite(one.get("accuracy"))) for one in self.evaluations]
        return sorted((at, of) for at, of in pairs if at is not None and at >= 0 and of is not None and 0 <= of <= 1)

    @property
    def why(self) -> str:
        """The reasons of the verdict in one line."""
        return "; ".join(self.reasons) or self.trouble or NO_REASON

    @property
    def settings(self) -> dict[str, Any]:
        """The spec in words and numbers, as tables and labels show it."""
        return flat(self.spec)

    @property
    def log(self) -> str:
        """The folder of the run's logs, relative to the report."""
        return f"logs/{self.run_id}/attempt-{self.attempt}"

    def timing(self, key: str) -> float | None:
        return finite(self.timings.get(key))

    @property
    def shares(self) -> dict[str, float]:
        """Of the workers' training time, by what it went into; empty where that is not known."""
        told = mapping(self.timings.get("spent_seconds"))
        seconds = {part: max(0.0, finite(told.get(part)) or 0.0) for part in SPENT}
        whole_time = sum(seconds.values())
        return {part: of / whole_time for part, of in seconds.items()} if whole_time > 0 else {}

    @property
    def recorded(self) -> float | None:
        """When the record was written, in seconds since 1970."""
        seconds = finite(self.provenance.get("recorded_wall"))
        return seconds if seconds is not None and 0 <= seconds < LAST_SECOND else None

    def cost(self, prices: Mapping[str, float]) -> float | None:
        """Cost of all active nodes, used or not, from the deployment to the last exit; None when a price or a node is unknown.

        `prices` are those of an hour by machine type, `*` is any other.
        """
        nodes, seconds = mappings(self.provenance.get("nodes")), self.timing("total_seconds")
        each = [prices.get(str(node.get("machine_type")), prices.get("*")) for node in nodes]
        known = [price for price in each if price is not None]
        return sum(known) * seconds / 3600 if nodes and seconds is not None and len(known) == len(each) else None


def key_of(run_id: Any, attempt: Any) -> tuple[str, int] | None:
    """What no two records of a ledger share; None where the run has no name."""
    return (run_id, count(attempt) or 1) if _name(run_id) not in ("", UNKNOWN) else None


class _Once(list[Record]):
    """Each attempt once. A step asks several times for the same records, of which there may be 100,000."""


def records_of(documents: Iterable[Any]) -> list[Record]:
    """Each attempt once, in the order of their first records. The last record counts, since it is a ledger's last word."""
    if isinstance(documents, _Once):
        return documents
    found: dict[Any, Record] = {}
    for number, record in enumerate(map(Record.of, documents)):
        found[number if record.run_id == UNKNOWN else (record.run_id, record.attempt)] = record
    return _Once(found.values())


def times_of(documents: Iterable[Any]) -> dict[str, dict[int, float]]:
    """The seconds by which cells are compared, by cell_id and block; of two runs in one block the later counts."""
    found: dict[str, dict[int, float]] = {}
    for record in records_of(documents):
        seconds = record.seconds
        if seconds is not None and record.block:
            found.setdefault(record.cell_id, {})[record.block] = seconds
    return found


def last_cause(runs: Iterable[Record]) -> str:
    """The first reason of the last run that has any."""
    return next((run.reasons[0] for run in reversed(list(runs)) if run.reasons), NO_REASON)


def _frozen(part: Any) -> Mapping[str, Any]:
    # Not copied: a ledger may have 100,000 records.
    return MappingProxyType(part) if part and isinstance(part, (dict, Mapping)) else NOTHING


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ""
