# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a report, as text and as data frames. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._common.fields import finite, mapping, mappings
from .._study.analysis import causes, model
from .._study.analysis.frame import frame_of, joined
from .._study.records.record import SPENT, Record, last_cause
from . import text
from .answer import Answer

if TYPE_CHECKING:
    pass

# Facts that have a table of their own.
OF_NODES = ("nodes", "probed_cpus")
FASTEST, AS_FAST, TELL = "fastest", "as fast", "cannot tell"
# How a formula begins, also in the wide characters of Asian keyboards, and what is passed over before it.
FORMULA = (*"=+-@\t\n", *"\uff1d\uff0b\uff0d\uff20")
AGAINST, CAUSE = "against the fastest (95 % CI)", "cause"
# Columns of figures that are read as words.
WORDS = (AGAINST, CAUSE)


@dataclass(frozen=True)
class Table:
    """Rows of text. `numeric` columns stand flush right; `wide` ones may break into lines."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


def _runs(cell: model.Cell) -> str:
    suspect = sum(run.verdict == "suspect" for run in cell.measured)
    return f"{len(cell.measured)}" + (f" ({suspect} suspect)" if suspect else "")


def against(cell: model.Cell, answer: Answer) -> str:
    """The cell beside the fastest one of its answer, in words."""
    comparison = answer.comparison
    if cell.cell_id == comparison.best:
        return FASTEST
    ratio = comparison.ratios.get(cell.cell_id)
    if ratio is None:
        return TELL
    words = text.against(ratio)
    if cell.cell_id in comparison.slower:
        return words
    return f"{words}, {AS_FAST if cell.cell_id in comparison.same else TELL}"


def _speed_up(study: model.Study, cell: model.Cell) -> str:
    scaling = study.scaling(cell)
    if scaling is None:
        return text.NONE
    if scaling.reference is cell:
        return "1 (reference)"
    return f"{scaling.gain:.2f} of {scaling.times:g}"


def cpu_milliseconds(cell: model.Cell) -> float | None:
    """CPU time of all replicas for one global step."""
    pairs = [(run.timing("cpu_seconds"), run.timing("global_steps")) for run in cell.measured]
    costs = [1000 * cpu / steps for cpu, steps in pairs if cpu is not None and steps]
    return model.middle(costs)


def _cause(cell: model.Cell) -> str:
    return cell.cause.short or "not known"


def _columns(study: model.Study) -> list[str]:
    """Nodes are named whenever they are known: a reader asks for them first."""
    known = any(cell.spec.get("nodes") is not None for cell in study.cells)
    names = [*study.factors, *(["nodes"] if known and "nodes" not in study.factors else [])]
    return sorted(
        names, key=lambda name: (name in model.COUNTS, model.COUNTS.index(name) if name in model.COUNTS else 0)
    )


def _cell_row(study: model.Study, cell: model.Cell, answer: Answer, columns: Sequence[str]) -> tuple[str, ...]:
    accuracy = cell.center("accuracy")
    return (
        *(str(cell.spec.get(name, text.NONE)) for name in columns),
        _runs(cell),
        text.with_interval(cell.interval("train_seconds")),
        against(cell, answer),
        text.number(cell.center("steps_per_second")),
        _speed_up(study, cell),
        text.number(cpu_milliseconds(cell)),
        _cause(cell),
        *([text.money(cell.cost)] if study.currency else []),
        text.number(cell.center("startup_seconds")),
        text.NONE if accuracy is None else f"{accuracy:.3f}",
    )


def cells_table(study: model.Study, answers: Sequence[Answer]) -> Table:
    columns = _columns(study)
    heads = (
        *columns,
        "runs",
        "training time [s] (95 % CI)",
        AGAINST,
        "speed [steps/s]",
        "speed-up",
        "CPU [ms/step]",
        CAUSE,
        *([f"cost of a run [{study.currency}]"] if study.currency else []),
        "start-up [s]",
        "accuracy",
    )
    rows = [_cell_row(study, cell, answer, columns) for answer in answers for cell in answer.cells if cell.measured]
    first = len([name for name in columns if name not in model.COUNTS])
    return Table(heads, tuple(rows), frozenset(range(first, len(heads))) - {heads.index(head) for head in WORDS})


def _afterwards(study: model.Study, run: Record) -> str:
    later = [other for other in study.runs if other.run_id == run.run_id and other.attempt > run.attempt]
    if not later:
        return "not run again"
    return f"attempt {later[-1].attempt}: {later[-1].verdict}"


def doubtful_table(study: model.Study, verdict: str) -> Table:
    """The void or the suspect runs, and why."""
    labels = {cell.cell_id: cell.label for cell in study.cells}
    rows = [
        (labels[run.cell_id], str(run.block), str(run.attempt), run.why, _afterwards(study, run), run.log)
        for run in study.verdicts(verdict)
    ]
    heads = ("cell", "block", "attempt", "why", "afterwards", "logs")
    if verdict == "suspect":
        return Table(heads[:4] + heads[5:], tuple(row[:4] + row[5:] for row in rows), frozenset({1, 2}))
    return Table(heads, tuple(rows), frozenset({1, 2}))


def failed_table(study: model.Study) -> Table:
    rows = [(cell.label, str(len(cell.runs)), last_cause(cell.runs)) for cell in study.failed]
    return Table(("cell", "attempts", "the last reason"), tuple(rows), frozenset({1}))


def pairs_table(values: Mapping[str, Any]) -> Table:
    return Table(("what", "value"), tuple((key.replace("_", " "), str(value)) for key, value in values.items()))


def nodes_table(study: model.Study) -> Table:
    """What the nodes have, as the cluster told before the runs and as a probe has measured; the last word counts."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    types: dict[tuple[str, str], str] = {}
    used: dict[tuple[str, str], int] = {}
    for run in study.runs:
        cluster = str(run.spec.get("cluster", text.NONE))
        probed = mapping(run.provenance.get("probed_cpus"))
        for node in mappings(run.provenance.get("nodes")):
            name = str(node.get("name"))
            memory = finite(node.get("memory_bytes"))
            if node.get("machine_type"):
                types[cluster, name] = str(node["machine_type"])
            found[cluster, name] = (
                text.number(finite(node.get("cpus"))),
                text.number(finite(probed.get(name))),
                text.NONE if memory is None else f"{memory / 2**30:.1f} GiB",
            )
        for name in {str(replica.get("node")) for replica in mappings(run.evidence.get("replicas"))}:
            used[cluster, name] = used.get((cluster, name), 0) + 1
    heads = ("processors (allocatable)", "processors (probe)", "memory (allocatable)", "runs on it")
    # Only a cloud says of which type a node is.
    kind = [(types.get(key, text.NONE),) if types else () for key in sorted(found)]
    rows = [(*key, *of, *found[key], str(used.get(key, 0))) for key, of in zip(sorted(found), kind, strict=True)]
    first = ("cluster", "node", "type") if types else ("cluster", "node")
    return Table((*first, *heads), tuple(rows), frozenset(range(len(first), len(first) + len(heads))))


def provenance_table(runs: Iterable[Record]) -> Table:
    """Each fact once; a fact that changed during the study with all its values."""
    facts: dict[str, list[str]] = {}
    for run in runs:
        facts_of_run = joined({key: value for key, value in run.provenance.items() if key not in OF_NODES})
        if run.recorded is not None:
            facts_of_run["recorded_wall"] = text.moment(run.recorded)
        for key, value in facts_of_run.items():
            seen = facts.setdefault(key, [])
            if value is not None and str(value) not in seen:
                seen.append(str(value))
    return pairs_table({key.removesuffix("_wall"): _several(values) for key, values in facts.items() if values})


def _several(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]} to {values[-1]} ({len(values)} values)"


def _numbers(study: model.Study, cell: model.Cell, answer: Answer) -> dict[str, Any]:
    time = cell.interval("train_seconds")
    ratio = answer.comparison.ratios.get(cell.cell_id)
    scaling = study.scaling(cell)
    utilisations = {one.kind: one.utilisation for one in cell.cause.stations}
    return {
        "runs_measured": len(cell.measured),
        "runs_suspect": sum(run.verdict == "suspect" for run in cell.measured),
        "runs_void": sum(run.verdict == "void" for run in cell.runs),
        "train_seconds_median": time.center if time else None,
        "train_seconds_low": time.low if time else None,
        "train_seconds_high": time.high if time else None,
        "against_fastest_ratio": ratio.center if ratio else None,
        "against_fastest_low": ratio.low if ratio else None,
        "against_fastest_high": ratio.high if ratio else None,
        "against_fastest": against_fastest(cell, answer),
        "steps_per_second_median": cell.center("steps_per_second"),
        "speed_up": scaling.gain if scaling else None,
        "efficiency": scaling.efficiency if scaling else None,
        "serial_fraction": scaling.serial if scaling else None,
        "cpu_milliseconds_per_step": cpu_milliseconds(cell),
        **{f"share_{part}": cell.shares.get(part) for part in SPENT},
        "cause": cell.cause.kind,
        **{f"utilisation_{kind}": utilisations.get(kind) for kind in causes.ORDER},
        "ceiling_steps_per_second": cell.cause.ceiling,
        "startup_seconds_median": cell.center("startup_seconds"),
        "total_seconds_median": cell.center("total_seconds"),
        **({"cost_median": cell.cost, "currency": study.currency} if study.currency else {}),
        "accuracy_median": cell.center("accuracy"),
    }


def against_fastest(cell: model.Cell, answer: Answer) -> str:
    if cell.cell_id == answer.comparison.best:
        return FASTEST
    if cell.cell_id in answer.comparison.slower:
        return "slower"
    return AS_FAST if cell.cell_id in answer.comparison.same else TELL


def cell_rows(study: model.Study, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"cell_id": cell.cell_id, **cell.spec, **_numbers(study, cell, answer)}
        for answer in answers
        for cell in answer.cells
    ]


def csv(rows: list[dict[str, Any]]) -> str:
    shown = [{_inert(key): _inert(value) for key, value in row.items()} for row in rows]
    written: str = frame_of(shown).to_csv(index=False, lineterminator="\n")
    return written


def _inert(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(value, str):
        return value
    # A lone carriage return begins a row to a spreadsheet, and Python's writer would not put it into quotes.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA) else text
