# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a report, as text and as data frames. PRIVATE, can break at any time."""

from __future__ import annotations

import csv as text_of_tables
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._common.fields import finite, mapping, mappings
from .._study.analysis import causes, model
from .._study.analysis.frame import origins_of
from .._study.analysis.noise import Noise
from .._study.design.cell import shown_value
from .._study.records.record import SPENT, Record
from .._study.records.validity import VOID
from .._study.statistics.intervals import Ratio
from .._study.statistics.words import NONE
from . import cause_words, reasons
from .answer import Answer
from .messages.catalogue import ENGLISH, Catalogue

# Words of cells.csv, the same in every language.
FASTEST, AS_FAST, SLOWER, TELL = "fastest", "as fast", "slower", "cannot tell"
NOT_REACHED = "not always reached"
# How a formula begins, also in the wide characters of Asian keyboards, and what is passed over before it.
FORMULA = (*"=+-@\t\n", *"\uff1d\uff0b\uff0d\uff20")
# Columns of studies with a target accuracy.
TO_ACCURACY = ("reached", "to_accuracy", "steps_to_accuracy", "milliseconds_per_step")
# Before the name of a factor: one may be called logs, too.
FACTOR = "factor "
# Columns whose words are clauses with numbers.
LONG = ("parameters", "held_out", "no_law")
# Columns that are read as words.
WORDS = (
    "against",
    "cause",
    "cell",
    "why",
    "afterwards",
    "logs",
    "last_reason",
    "cluster",
    "node",
    "type",
    "what",
    "value",
    "claim",
    "place",
    "group",
    "measured",
    "finding",
    "curve",
    "law",
    *LONG,
)


@dataclass(frozen=True)
class Table:
    """Rows of text. `columns` are codes, factors with FACTOR before them; `heads` are their words; `best` are rows of fastest cells."""

    columns: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[int] = frozenset()
    # Columns before this one are factors in words.
    first: int = 0
    # By column, what its rows are sorted by, where their words do not tell; a None comes last.
    order: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    # The runs of each row, for links to their logs.
    logs: tuple[tuple[Record, ...], ...] = ()

    @property
    def numeric(self) -> frozenset[int]:
        """The columns that stand flush right."""
        return frozenset(n for n, name in enumerate(self.columns) if n >= self.first and name not in WORDS)


def heads(columns: Iterable[str], say: Catalogue, **values: Any) -> tuple[str, ...]:
    return tuple(
        say.named("fact", name.removeprefix(FACTOR)) if name.startswith(FACTOR) else say(f"column_{name}", **values)
        for name in columns
    )


def _runs(cell: model.Cell, say: Catalogue) -> str:
    runs, suspect = say.count(len(cell.measured)), sum(run.verdict == "suspect" for run in cell.measured)
    return say("runs_suspect", n=suspect, runs=runs) if suspect else runs


def against(cell: model.Cell, answer: Answer, say: Catalogue) -> str:
    """The cell beside the fastest one of its answer, in words."""
    comparison = answer.comparison
    if cell.cell_id == comparison.best:
        return say("fastest")
    if cell.cell_id in comparison.censored:
        bound = comparison.censored[cell.cell_id]
        return say("not_reached") if bound is None else say("at_least", times=say.fixed(bound, 2))
    ratio = comparison.ratios.get(cell.cell_id)
    if ratio is None:
        return say("cannot_tell")
    words = say.against(ratio)
    if cell.cell_id in comparison.slower:
        return words
    return say("ratio_as_fast" if cell.cell_id in comparison.same else "ratio_cannot_tell", ratio=words)


def _speed_up(study: model.Study, cell: model.Cell, say: Catalogue) -> str:
    scaling = study.scaling(cell)
    if scaling is None:
        return NONE
    if scaling.reference is cell:
        return say("speed_up_reference")
    return say("speed_up", gain=say.fixed(scaling.gain, 2), times=scaling.times)


def _cause(cell: model.Cell, say: Catalogue) -> str:
    return cause_words.short(cell.cause, say) or say("cause_unknown")


def _columns(study: model.Study) -> list[str]:
    """Nodes are named whenever they are known: a reader asks for them first."""
    known = any(cell.spec.get("nodes") is not None for cell in study.cells)
    names = [*study.factors, *(["nodes"] if known and "nodes" not in study.factors else [])]
    return sorted(
        names, key=lambda name: (name in model.COUNTS, model.COUNTS.index(name) if name in model.COUNTS else 0)
    )


def _to_accuracy(cell: model.Cell, say: Catalogue) -> tuple[str, ...]:
    """The time to the target accuracy and its two factors, of the runs that reached it; of a cell with others the time is not known."""
    if cell.target is None:
        return (NONE,) * len(TO_ACCURACY)
    reached = len(cell.measured) - len(cell.censored)
    return (
        say("reached_of", reached=reached, n=len(cell.measured)),
        NONE if cell.censored else say.interval(cell.interval(cell.response)),
        say.number(cell.center("steps_to_accuracy")),
        say.number(thousand(model.middle(cell.seconds_per_step))),
    )


def thousand(value: float | None) -> float | None:
    return None if value is None else 1000 * value


def _cell_row(
    study: model.Study, cell: model.Cell, answer: Answer, columns: Sequence[str], say: Catalogue
) -> tuple[str, ...]:
    return (
        *(shown_value(name, cell.spec, NONE) for name in columns),
        _runs(cell, say),
        *(_to_accuracy(cell, say) if has_target(study) else ()),
        say.interval(cell.interval("train_seconds")),
        against(cell, answer, say),
        say.number(cell.center("steps_per_second")),
        _speed_up(study, cell, say),
        say.number(thousand(cell.cpu_seconds_per_step)),
        _cause(cell, say),
        *([say.money(cell.cost)] if study.currency else []),
        *([say.number(cell.center("queue_seconds"))] if has_queue(study) else []),
        say.number(cell.center("startup_seconds")),
        say.fixed(cell.center("accuracy"), 3),
    )


def has_target(study: model.Study) -> bool:
    return any(cell.target is not None for cell in study.cells)


def has_queue(study: model.Study) -> bool:
    """Whether runs waited for the quota of a queue; no time of theirs has that in it."""
    return any(cell.values("queue_seconds") for cell in study.cells)


def cells_table(study: model.Study, answers: Sequence[Answer], say: Catalogue = ENGLISH) -> Table:
    factors = _columns(study)
    money = ["cost"] if study.currency else []
    columns = (
        *(f"{FACTOR}{name}" for name in factors),
        "runs",
        *(TO_ACCURACY if has_target(study) else ()),
        *("time", "against", "speed", "speed_up", "cpu", "cause"),
        *money,
        *(["queue"] if has_queue(study) else []),
        *("startup", "accuracy"),
    )
    shown = [(answer, cell) for answer in answers for cell in answer.cells if cell.measured]
    best = [n for n, (answer, cell) in enumerate(shown) if cell.cell_id == answer.comparison.best]
    return Table(
        columns,
        heads(columns, say, currency=study.currency),
        tuple(_cell_row(study, cell, answer, factors, say) for answer, cell in shown),
        frozenset(best),
        len([name for name in factors if name not in model.COUNTS]),
        _order(study, shown),
        tuple(cell.measured for _answer, cell in shown),
    )


def _order(study: model.Study, shown: Sequence[tuple[Answer, model.Cell]]) -> dict[str, list[float | None]]:
    ratios = [
        1.0 if cell.cell_id == of.comparison.best else _center(of.comparison.ratios.get(cell.cell_id))
        for of, cell in shown
    ]
    cells = [cell for _answer, cell in shown]
    gains = [scaling.gain if (scaling := study.scaling(cell)) else None for cell in cells]
    return {
        "runs": [float(len(cell.measured)) for cell in cells],
        "time": [cell.center("train_seconds") for cell in cells],
        "against": ratios,
        "speed": [cell.center("steps_per_second") for cell in cells],
        "speed_up": gains,
        "cpu": [cell.cpu_seconds_per_step for cell in cells],
        "cost": [cell.cost for cell in cells],
        "queue": [cell.center("queue_seconds") for cell in cells],
        "startup": [cell.center("startup_seconds") for cell in cells],
        "accuracy": [cell.center("accuracy") for cell in cells],
    }


def _center(ratio: Ratio | None) -> float | None:
    return ratio.center if ratio else None


def _afterwards(run: Record, attempts: Iterable[Record], say: Catalogue) -> str:
    later = [other for other in attempts if other.attempt > run.attempt]
    if not later:
        return say("not_run_again")
    return say("attempt_later", attempt=later[-1].attempt, verdict=say(f"verdict_{later[-1].verdict}"))


def doubtful_table(study: model.Study, verdict: str, say: Catalogue = ENGLISH) -> Table:
    """The void or the suspect runs, and why."""
    labels = {cell.cell_id: cell.label for cell in study.cells}
    again = verdict == VOID
    attempts: dict[str, list[Record]] = {}
    for run in study.runs:
        attempts.setdefault(run.run_id, []).append(run)
    columns = ("cell", "block", "attempt", "why", *(["afterwards"] if again else []), "logs")
    rows = [
        (
            *(labels[run.cell_id], str(run.block), str(run.attempt), reasons.of_run(run, say)),
            *([_afterwards(run, attempts[run.run_id], say)] if again else []),
            run.log,
        )
        for run in study.verdicts(verdict)
    ]
    return Table(columns, heads(columns, say), tuple(rows))


def failed_table(study: model.Study, say: Catalogue = ENGLISH) -> Table:
    columns = ("cell", "attempts", "last_reason")
    rows = [(cell.label, str(len(cell.runs)), reasons.last(cell.runs, say)) for cell in study.failed]
    return Table(columns, heads(columns, say), tuple(rows))


def pairs_table(values: Mapping[str, Any], say: Catalogue = ENGLISH) -> Table:
    """Facts by their names in the code; a name without words of its own is shown as it is."""
    columns = ("what", "value")
    rows = [(say.named("fact", key), str(value)) for key, value in values.items()]
    return Table(columns, heads(columns, say), tuple(rows))


def noise_table(floor: Noise, say: Catalogue = ENGLISH) -> Table:
    """The noise floor in numbers; without rows where there are too few runs."""
    told: dict[str, str] = {}
    if floor.within is not None:
        told["noise_within"] = say("noise_spread", spread=_spread(floor.within, say))
    if floor.worst is not None and floor.noisiest is not None:
        told["noise_worst"] = say("noise_of_cell", spread=_spread(floor.worst, say), cell=floor.noisiest.label)
    if len(floor.blocks) > 1:
        low, high = (
            say.figures(f"{100 * (end - 1):+.1f}") for end in (min(floor.blocks.values()), max(floor.blocks.values()))
        )
        told["noise_drift"] = say("noise_range", low=low, high=high)
    if floor.rest is not None:
        told["noise_rest"] = say("noise_spread", spread=_spread(floor.rest, say))
    if floor.kernel_seconds is not None and floor.kernel_spread is not None:
        seconds, spread = say.seconds(floor.kernel_seconds), _spread(floor.kernel_spread, say)
        told["noise_kernel"] = say("noise_of_kernel", seconds=seconds, spread=spread)
    return pairs_table(told, say)


def _spread(deviation: float, say: Catalogue) -> str:
    return say.fixed(100 * math.expm1(deviation), 1)


def nodes_table(study: model.Study, say: Catalogue = ENGLISH) -> Table:
    """The nodes' resources, as the cluster reported before the runs and as a probe measured; the last report counts."""
    found: dict[tuple[str, str], tuple[Any, Any, Any]] = {}
    types: dict[tuple[str, str], str] = {}
    used: dict[tuple[str, str], int] = {}
    for run in study.runs:
        cluster = str(run.spec.get("cluster", NONE))
        probed = mapping(run.provenance.get("probed_cpus"))
        for node in mappings(run.provenance.get("nodes")):
            name = str(node.get("name"))
            if node.get("machine_type"):
                types[cluster, name] = str(node["machine_type"])
            found[cluster, name] = node.get("cpus"), probed.get(name), node.get("memory_bytes")
        for name in {str(replica.get("node")) for replica in mappings(run.evidence.get("replicas"))}:
            used[cluster, name] = used.get((cluster, name), 0) + 1
    # Only a cloud says of which type a node is.
    kind = [(types.get(key, NONE),) if types else () for key in sorted(found)]
    rows = [
        (*key, *of, *_resources(*found[key], say), str(used.get(key, 0)))
        for key, of in zip(sorted(found), kind, strict=True)
    ]
    columns = ("cluster", "node", *(["type"] if types else []), "allocatable", "probe", "memory", "used")
    return Table(columns, heads(columns, say), tuple(rows))


def _resources(cpus: Any, probed: Any, memory: Any, say: Catalogue) -> tuple[str, str, str]:
    size = finite(memory)
    told = NONE if size is None else say("memory", size=say.fixed(size / 2**30, 1))
    return say.number(finite(cpus)), say.number(finite(probed)), told


def provenance_table(runs: Iterable[Record], say: Catalogue = ENGLISH) -> Table:
    """Each fact once; a fact that changed during the study with all its values."""
    runs = list(runs)
    known = {key: list(dict.fromkeys(map(str, values))) for key, values in origins_of(runs).items()}
    minutes = list(dict.fromkeys(time // 60 for run in runs if (time := run.recorded) is not None))
    if minutes:
        # To put 100,000 times into words takes longer than to read them.
        shown = [say.moment(60 * minutes[0]), *[""] * (len(minutes) - 2), say.moment(60 * minutes[-1])]
        known["recorded"] = shown[: len(minutes)]
    return pairs_table({key: _several(values, say) for key, values in known.items()}, say)


def _several(values: Sequence[str], say: Catalogue) -> str:
    return values[0] if len(values) == 1 else say("fact_several", first=values[0], last=values[-1], n=len(values))


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
        "cpu_milliseconds_per_step": thousand(cell.cpu_seconds_per_step),
        **{f"share_{part}": cell.shares.get(part) for part in SPENT},
        "cause": cell.cause.kind,
        **{f"utilisation_{kind}": utilisations.get(kind) for kind in causes.ORDER},
        "ceiling_steps_per_second": cell.cause.ceiling,
        **({"queue_seconds_median": cell.center("queue_seconds")} if has_queue(study) else {}),
        "startup_seconds_median": cell.center("startup_seconds"),
        "total_seconds_median": cell.center("total_seconds"),
        **({"cost_median": cell.cost, "currency": study.currency} if study.currency else {}),
        "accuracy_median": cell.center("accuracy"),
        **(_numbers_to_accuracy(cell, answer) if has_target(study) else {}),
    }


def _numbers_to_accuracy(cell: model.Cell, answer: Answer) -> dict[str, Any]:
    """Of the runs that reached the target; with others beside them `seconds_to_accuracy` is too low, and the ratio has a lower bound."""
    time = cell.interval("seconds_to_accuracy")
    return {
        "runs_reached": len(cell.measured) - len(cell.censored) if cell.target is not None else None,
        "runs_censored": len(cell.censored) if cell.target is not None else None,
        "seconds_to_accuracy_median": time.center if time else None,
        "seconds_to_accuracy_low": time.low if time else None,
        "seconds_to_accuracy_high": time.high if time else None,
        "steps_to_accuracy_median": cell.center("steps_to_accuracy"),
        "seconds_per_step_to_accuracy_median": model.middle(cell.seconds_per_step),
        "eval_seconds_median": cell.center("eval_seconds"),
        "against_fastest_at_least": answer.comparison.censored.get(cell.cell_id),
    }


def against_fastest(cell: model.Cell, answer: Answer) -> str:
    if cell.cell_id == answer.comparison.best:
        return FASTEST
    if cell.cell_id in answer.comparison.censored:
        return NOT_REACHED
    if cell.cell_id in answer.comparison.slower:
        return SLOWER
    return AS_FAST if cell.cell_id in answer.comparison.same else TELL


def cell_rows(study: model.Study, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"cell_id": cell.cell_id, **cell.spec, **_numbers(study, cell, answer)}
        for answer in answers
        for cell in answer.cells
    ]


def csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A column for each key, in the order in which they come; what a row lacks is empty."""
    written = io.StringIO()
    found: dict[str, list[Any]] = {}
    number = 0
    # By column, so that of 100,000 rows none is kept for its names.
    for number, row in enumerate(rows, start=1):
        for name, value in row.items():
            values = found.get(name)
            if values is None:
                values = found[name] = []
            if len(values) < number - 1:
                values += [None] * (number - 1 - len(values))
            values.append(value)
    columns = [_column(values + [None] * (number - len(values))) for values in found.values()]
    writer = text_of_tables.writer(written, lineterminator="\n")
    writer.writerow(map(_inert, found))
    writer.writerows(zip(*columns, strict=True))
    return written.getvalue()


def _column(values: Sequence[Any]) -> Sequence[Any]:
    """Numbers of one kind: whole ones where all are whole. A number that is none is missing."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {int}:
        return values
    if kinds and kinds <= {int, float}:
        known = [None if value is None or math.isnan(value) else value for value in values]
        is_whole = all(value is None or float(value).is_integer() for value in known)
        kind = int if is_whole else float
        return known if kinds == {kind} else [None if value is None else kind(value) for value in known]
    return [_inert(value) if isinstance(value, str) else value for value in values]


def _inert(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(value, str):
        return value
    # A lone carriage return begins a row to a spreadsheet, and Python's writer would not put it into quotes.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA) else text
