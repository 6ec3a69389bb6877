# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of a study held against those of a baseline, another study (docs/compare-studies.md). PRIVATE, can break at any time.

Sources:
  Unequal variances: Welch, Biometrika 34 (1947) 28-35. All cells together: Bonferroni, as in Dunn, JASA 56 (1961) 52-64.
  As fast within a margin, an interval within it: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from ..._common.fields import finite, mapping
from ..records.record import Record
from ..statistics.intervals import CONFIDENCE, MINIMUM, Ratio, ratio_interval
from .gate import CANNOT_TELL, FASTER, SAME, SLOWER
from .model import Cell, Study

# Cells of one size are compared; where they ran, and which version, is the reason to compare them.
SIZE = ("nodes", "ps", "workers", "strategy", "variant")
PLACE = ("cluster", "provider", "backend", "runtime", "image")
# A machine whose calibration kernel takes longer or shorter by a larger share is another machine.
SAME_MACHINE = 0.05


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A cell, and that of the baseline. `ratio` is its time over the baseline's; it has no interval where runs are too few."""

    cell: Cell
    other: Cell
    ratio: Ratio
    # Without the speeds of the machines; the same as `ratio` unless that is calibrated.
    measured: Ratio
    is_calibrated: bool
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A cell that is unlike the baseline's of its size: the field that differs, and both values.

    Of cells that did not always reach their target accuracy `censored` has the number of such runs, of how many, here and there.
    """

    cell: Cell
    field: str
    here: str
    there: str
    censored: tuple[tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A study against one baseline."""

    baseline: Study
    pairs: Sequence[Pair]
    refused: Sequence[Refused]
    only_here: Sequence[Cell]
    only_there: Sequence[Cell]
    # How many times as long the calibration kernel takes here as there; None where both have not run the same one.
    machine: float | None
    # Whether the blocks of both studies ran in turn, so that what the machine did between blocks is in both.
    is_paired: bool


def compare_studies(
    study: Study, baselines: Sequence[Study], margin: float, confidence: float = CONFIDENCE
) -> list[Compared]:
    """Hold the study against each baseline; all intervals together hold with `confidence`. `margin` is a share of the time."""
    matched = [_matched(study, baseline) for baseline in baselines]
    alone = 1.0 - (1.0 - confidence) / max(1, sum(len(pairs) for pairs, _refused in matched))
    return [
        _compared(study, baseline, pairs, refused, margin, alone)
        for baseline, (pairs, refused) in zip(baselines, matched, strict=True)
    ]


def verdict_of(ratio: Ratio, margin: float) -> str:
    """`same` where the whole interval lies within the margin, even if it does not hold 1."""
    if ratio.low is None or ratio.high is None:
        return CANNOT_TELL
    if 1.0 / (1.0 + margin) < ratio.low and ratio.high < 1.0 + margin:
        return SAME
    if ratio.low > 1.0:
        return SLOWER
    return FASTER if ratio.high < 1.0 else CANNOT_TELL


def overall(verdicts: Sequence[str]) -> str:
    """The worst of all: `slower` before `cannot tell`; `faster` only if every cell is."""
    for verdict in (SLOWER, CANNOT_TELL, SAME):
        if verdict in verdicts or not verdicts:
            return verdict if verdicts else CANNOT_TELL
    return FASTER


def _matched(study: Study, baseline: Study) -> tuple[list[tuple[Cell, Cell]], list[Refused]]:
    pairs, refused = [], []
    for cell in study.measured:
        sizes = [other for other in baseline.measured if _size(other) == _size(cell)]
        alike = [other for other in sizes if not _differences(cell, other)]
        here = [other for other in alike if all(_value(other, key) == _value(cell, key) for key in PLACE)]
        chosen = here if len(here) == 1 else alike
        if len(chosen) == 1:
            missed = _missed(cell, chosen[0])
            refused += missed
            pairs += [] if missed else [(cell, chosen[0])]
        elif alike:
            field = next(key for key in PLACE if len({_value(other, key) for other in alike}) > 1)
            there = " and ".join(sorted({_value(other, field) for other in alike}))
            refused.append(Refused(cell=cell, field=field, here=_value(cell, field), there=there))
        elif sizes:
            nearest = min(sizes, key=lambda other: len(_differences(cell, other)))
            field = _differences(cell, nearest)[0]
            refused.append(Refused(cell=cell, field=field, here=_value(cell, field), there=_value(nearest, field)))
    return pairs, refused


def _size(cell: Cell) -> tuple[str, ...]:
    return tuple(_value(cell, key) for key in SIZE)


def _value(cell: Cell, key: str) -> str:
    """What a record of an older version does not have is as good as empty."""
    value = cell.spec.get(key)
    return "" if value is None else str(value)


def _differences(cell: Cell, other: Cell) -> list[str]:
    keys = sorted({*cell.spec, *other.spec} - {*SIZE, *PLACE})
    return [key for key in keys if _value(cell, key) != _value(other, key)]


def _missed(cell: Cell, other: Cell) -> list[Refused]:
    """Where a run did not reach the target accuracy, there is no time to compare."""
    if not cell.censored and not other.censored:
        return []
    missed = tuple((len(one.censored), len(one.measured)) for one in (cell, other))
    here, there = (f"not reached in {number} of {runs} runs" for number, runs in missed)
    return [Refused(cell=cell, field="target_accuracy", here=here, there=there, censored=(missed[0], missed[1]))]


def _compared(
    study: Study,
    baseline: Study,
    matched: Sequence[tuple[Cell, Cell]],
    refused: Sequence[Refused],
    margin: float,
    confidence: float,
) -> Compared:
    machine, kernel = _machine(study, baseline)
    is_paired = _run_in_turn(study, baseline)
    is_other = machine is not None and abs(math.log(machine)) > math.log1p(SAME_MACHINE)
    pairs = []
    for cell, other in matched:
        measured = _ratio(cell.by_block(), other.by_block(), confidence, is_paired=is_paired)
        units = [_in_kernels(one, kernel) for one in (cell, other)] if is_other else [{}, {}]
        is_calibrated = all(len(one) >= MINIMUM for one in units)
        ratio = _ratio(units[0], units[1], confidence, is_paired=is_paired) if is_calibrated else measured
        verdict = verdict_of(ratio, margin)
        pairs.append(
            Pair(cell=cell, other=other, ratio=ratio, measured=measured, is_calibrated=is_calibrated, verdict=verdict)
        )
    here, there = ({_size(cell) for cell in one.measured} for one in (study, baseline))
    return Compared(
        baseline=baseline,
        pairs=pairs,
        refused=refused,
        only_here=[cell for cell in study.measured if _size(cell) not in there],
        only_there=[cell for cell in baseline.measured if _size(cell) not in here],
        machine=machine,
        is_paired=is_paired,
    )


def _ratio(values: Mapping[int, float], reference: Mapping[int, float], confidence: float, *, is_paired: bool) -> Ratio:
    """By blocks, or with numbers of blocks that have nothing in common, as two samples."""
    return ratio_interval(
        values, reference if is_paired else {-block: of for block, of in reference.items()}, confidence
    )


def _kernel(run: Record) -> tuple[str, float] | None:
    told = mapping(run.evidence.get("calibration"))
    seconds = finite(told.get("seconds"))
    return (str(told.get("kernel")), seconds) if seconds is not None and seconds > 0 else None


def _machine(study: Study, baseline: Study) -> tuple[float | None, str]:
    """How many times as long the kernel takes here as there, and which kernel both have run most."""
    both = [
        [found for cell in one.measured for run in cell.measured if (found := _kernel(run))]
        for one in (study, baseline)
    ]
    here, there = (Counter(name for name, _seconds in found) for found in both)
    shared = here & there
    if not shared:
        return None, ""
    kernel = shared.most_common(1)[0][0]
    medians = [median(seconds for name, seconds in found if name == kernel) for found in both]
    return medians[0] / medians[1], kernel


def _in_kernels(cell: Cell, kernel: str) -> dict[int, float]:
    """The cell's times in kernels of their own runs, by block; empty unless each run has one."""
    found = {}
    times = cell.by_block()
    for run in cell.measured:
        told = _kernel(run)
        if told is None or told[0] != kernel:
            return {}
        if run.block in times:
            found[run.block] = times[run.block] / told[1]
    return found


def _run_in_turn(study: Study, baseline: Study) -> bool:
    """Whether each block of both studies ended before the next one of either, on one machine."""
    spans: dict[int, list[float]] = {}
    hosts: set[Any] = set()
    blocks = [{run.block for run in one.runs if run.measured} for one in (study, baseline)]
    for run in (*study.runs, *baseline.runs):
        if run.measured:
            if run.recorded is None:
                return False
            spans.setdefault(run.block, []).append(run.recorded)
            hosts.add(run.provenance.get("hostname"))
    order = [spans[block] for block in sorted(spans)]
    is_in_turn = all(max(before) <= min(after) for before, after in pairwise(order))
    return len(blocks[0] & blocks[1]) >= MINIMUM and len(hosts) == 1 and None not in hosts and is_in_turn
