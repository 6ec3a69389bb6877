# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of the thesis held against a study: confirmed, refuted, or cannot tell. PRIVATE, can break at any time.

A claim says that a ratio of training times, or the greatest or least of several, is at most a limit. It is confirmed when the
whole interval of that ratio is at or below the limit, and refuted when the whole interval is above it. The error of 5 % is shared equally by the
claims that the study measured: in at least 95 % of studies all their intervals hold, so that no verdict of the table is wrong.
docs/thesis.md has the simulated rates.

Source: the thesis' chapters 6 (figures 6.1 to 6.4) and 7. A claim of the text without a number is read with the margin of the
study (5 %): "clearly" and "considerably" are by more than the margin, "the same" and "slightly" are within it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..._common.fields import count
from ..statistics.comparison import KEPT_BACK, MARGIN
from ..statistics.contrasts import Greatest, Least, Quantity, Ratio, Sample
from ..statistics.intervals import CONFIDENCE, MINIMUM, exponential
from ..statistics.sequential import FIRST
from . import model
from .compared import margin_of, plots_of, rules_of

CONFIRMED, REFUTED, CANNOT_TELL, NOT_MEASURED = "confirmed", "refuted", "cannot_tell", "not_measured"
# Of the thesis' two experiments: the hidden units of the network, and the provider.
KIND, CLOUD = "kind", "gke"
HIDDEN_UNITS = {KIND: 100, CLOUD: 1000}
# Numbers of workers where the thesis' time was least on Kind, and from which on it stayed the same in the cloud.
LEAST_TIME, LEVEL = (4, 5), 6
# What a claim's ratio is a ratio of.
SECONDS, MEAN_SECONDS, WORKER_SECONDS, NODE_SECONDS = "seconds", "mean_seconds", "worker_seconds", "node_seconds"


@dataclass(frozen=True)
class Lines:
    """The measured cells of a group as the thesis' figures have them: by number of nodes, ps and workers."""

    cells: Mapping[tuple[int, int, int], str]

    @cached_property
    def by_workers(self) -> dict[int, dict[int, str]]:
        """By nodes: workers -> cell, with the number of ps that was measured with most numbers of workers."""
        return self._lines(fixed=1, varied=2)

    @cached_property
    def by_ps(self) -> dict[int, dict[int, str]]:
        """By nodes: ps -> cell, with the number of workers that was measured with most numbers of ps."""
        return self._lines(fixed=2, varied=1)

    def _lines(self, *, fixed: int, varied: int) -> dict[int, dict[int, str]]:
        found: dict[int, dict[int, dict[int, str]]] = {}
        for size in sorted(self.cells):
            found.setdefault(size[0], {}).setdefault(size[fixed], {})[size[varied]] = self.cells[size]
        longest = {nodes: max(lines.values(), key=len) for nodes, lines in found.items()}
        return {nodes: line for nodes, line in longest.items() if len(line) > 1}

    def common(self, first: int, second: int) -> list[tuple[str, str]]:
        """Cells of the same ps and workers on two numbers of nodes."""
        pairs = [(self.cells.get((first, *size[1:])), self.cells[size]) for size in self.cells if size[0] == second]
        return [(one, other) for one, other in pairs if one is not None]


@dataclass(frozen=True)
class Claim:
    """`key` names its words in the report's messages. The claim is true if the ratio is at most `limit`, which follows from the margin.

    `quantity` is None where the study lacks cells that the claim is about; `needs` names the words that say which.
    """

    key: str
    # Of the thesis, as are the figures.
    section: str
    figures: tuple[str, ...]
    # The experiment that the claim is about; None is both.
    setting: str | None
    quantity: Callable[[Lines], Quantity | None]
    limit: Callable[[float], float]
    needs: str
    of: str = SECONDS


@dataclass(frozen=True)
class Finding:
    """A claim held against the cells of one group; `group` tells it from others, and is empty for the only one."""

    claim: Claim
    verdict: str
    group: str = ""
    # The ratio and its simultaneous interval, and the limit up to which the claim is true.
    center: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    blocks: int = 0
    # The cells whose times are divided, in pairs.
    over: tuple[model.Cell, ...] = ()
    under: tuple[model.Cell, ...] = ()


def faster(margin: float) -> float:
    return 1.0 / (1.0 + margin)


def below(_margin: float) -> float:
    return 1.0


def no_slower(margin: float) -> float:
    return 1.0 + margin


def _ratio(over: str, under: str, factor: float = 1.0) -> Ratio:
    return Ratio((over,), (under,), factor)


def _greatest(of: Sequence[Quantity]) -> Quantity | None:
    return Greatest(list(of)) if of else None


def _farthest(of: Sequence[Quantity]) -> Quantity | None:
    """The ratio that is farthest from 1, turned so that it is above 1."""
    return _greatest([*of, *(-one for one in of)])


def _kind_lines(lines: Lines) -> list[dict[int, str]]:
    """Those that begin below the thesis' least time and reach beyond it."""
    whole = [line for line in lines.by_workers.values() if min(line) < LEAST_TIME[0] and max(line) > LEAST_TIME[-1]]
    return [line for line in whole if any(size in line for size in LEAST_TIME)]


def _clear_minimum(lines: Lines) -> Quantity | None:
    def of(line: dict[int, str]) -> Quantity:
        inner = sorted(line)[1:-1]
        ends = line[min(line)], line[max(line)]
        return Least([Greatest([_ratio(line[size], end) for end in ends]) for size in inner])

    return _greatest([of(line) for line in _kind_lines(lines)])


def _minimum_at(lines: Lines) -> Quantity | None:
    def of(line: dict[int, str]) -> list[Quantity]:
        least = [line[size] for size in LEAST_TIME if size in line]
        others = [cell for size, cell in line.items() if size not in LEAST_TIME]
        return [Least([_ratio(one, other) for one in least]) for other in others]

    return _greatest([ratio for line in _kind_lines(lines) for ratio in of(line)])


def _grows_beyond(lines: Lines) -> Quantity | None:
    def of(line: dict[int, str]) -> Quantity:
        return Least([_ratio(line[size], line[max(line)]) for size in LEAST_TIME if size in line])

    return _greatest([of(line) for line in _kind_lines(lines)])


def _best(lines: Lines, first: int, second: int, factor: float = 1.0) -> Quantity:
    """The least time of one number of nodes over that of another."""
    ours, theirs = lines.by_workers[first].values(), lines.by_workers[second].values()
    return Least([Greatest([_ratio(one, other, factor) for other in theirs]) for one in ours])


def _up_to_three_nodes(lines: Lines) -> Quantity | None:
    return _best(lines, 3, 2) if {2, 3} <= lines.by_workers.keys() else None


def _beyond_three_nodes(lines: Lines) -> Quantity | None:
    more = [nodes for nodes in lines.by_workers if nodes > 3]
    return _greatest([_best(lines, 3, nodes) for nodes in more]) if 3 in lines.by_workers else None


def _more_nodes(lines: Lines) -> Quantity | None:
    pairs = itertools.pairwise(sorted(lines.by_workers))
    return _greatest([_best(lines, more, fewer) for fewer, more in pairs])


def _node_cost(lines: Lines) -> Quantity | None:
    nodes = sorted(lines.by_workers)
    if len(nodes) < 2:
        return None
    return _farthest([_best(lines, nodes[-1], nodes[0], nodes[-1] / nodes[0])])


def _node_overhead(lines: Lines) -> Quantity | None:
    nodes = sorted({size[0] for size in lines.cells})
    pairs = lines.common(nodes[-1], nodes[0]) if len(nodes) > 1 else []
    if not pairs:
        return None
    return Ratio(tuple(one for one, _other in pairs), tuple(other for _one, other in pairs))


def _ps_steps(lines: Lines) -> Quantity | None:
    return _greatest(
        [
            _ratio(line[more], line[fewer])
            for line in lines.by_ps.values()
            for fewer, more in itertools.combinations(sorted(line), 2)
        ]
    )


def _ps_ends(lines: Lines) -> list[Quantity]:
    return [_ratio(line[max(line)], line[min(line)]) for line in lines.by_ps.values()]


def _hyperbolic(lines: Lines) -> Quantity | None:
    """Workers times seconds of the fewest workers and of twice as many."""
    firsts = [(min(line), line) for line in lines.by_workers.values()]
    return _farthest([_ratio(line[2 * few], line[few], 2.0) for few, line in firsts if 2 * few in line])


def _cloud_lines(lines: Lines, *, nodes: Callable[[int], bool]) -> list[dict[int, str]]:
    found = [line for number, line in lines.by_workers.items() if nodes(number)]
    return [line for line in found if LEVEL in line and min(line) < LEVEL < max(line)]


def _falls(lines: Lines) -> Quantity | None:
    found = _cloud_lines(lines, nodes=lambda number: number > 2)
    return _greatest([_ratio(line[LEVEL], line[min(line)]) for line in found])


def _level(lines: Lines) -> Quantity | None:
    found = _cloud_lines(lines, nodes=lambda number: number > 2)
    return _farthest([_ratio(line[size], line[LEVEL]) for line in found for size in line if size > LEVEL])


def _two_nodes_grow(lines: Lines) -> Quantity | None:
    found = _cloud_lines(lines, nodes=lambda number: number == 2)
    return _greatest(
        [Least([_ratio(line[size], line[max(line)]) for size in line if size < max(line)]) for line in found]
    )


# In the order of the thesis.
CLAIMS = (
    Claim("clear_minimum", "6.2", ("6.1",), KIND, _clear_minimum, faster, "kind_workers"),
    Claim("minimum_at", "6.2", ("6.1",), KIND, _minimum_at, below, "kind_workers"),
    Claim("grows_beyond", "6.2", ("6.1",), KIND, _grows_beyond, faster, "kind_workers"),
    Claim("up_to_three_nodes", "6.2", ("6.1",), KIND, _up_to_three_nodes, faster, "kind_three_nodes"),
    Claim("beyond_three_nodes", "6.2", ("6.1",), KIND, _beyond_three_nodes, below, "kind_four_nodes"),
    Claim("ps_slight_fall", "6.2", ("6.2",), KIND, lambda lines: _greatest(_ps_ends(lines)), below, "kind_ps"),
    Claim("ps_small", "6.2", ("6.2",), KIND, lambda lines: _farthest(_ps_ends(lines)), no_slower, "kind_ps"),
    Claim("cloud_falls", "6.3", ("6.3",), CLOUD, _falls, faster, "cloud_workers"),
    Claim("cloud_level", "6.3", ("6.3",), CLOUD, _level, no_slower, "cloud_workers"),
    Claim("cloud_two_nodes", "6.3", ("6.3",), CLOUD, _two_nodes_grow, faster, "cloud_two_nodes"),
    Claim("cloud_more_nodes", "6.3", ("6.3",), CLOUD, _more_nodes, below, "cloud_nodes"),
    Claim("cloud_ps", "6.3", ("6.4",), CLOUD, lambda lines: _greatest(_ps_ends(lines)), faster, "cloud_ps"),
    Claim("ps_never_slower", "7", ("6.2", "6.4"), None, _ps_steps, no_slower, "ps"),
    Claim("node_overhead", "7", ("6.1", "6.2", "6.3", "6.4"), None, _node_overhead, no_slower, "nodes", MEAN_SECONDS),
    Claim("hyperbolic", "7", ("6.1", "6.3"), None, _hyperbolic, no_slower, "double", WORKER_SECONDS),
    Claim("node_cost", "7", ("6.1", "6.3"), None, _node_cost, no_slower, "nodes_workers", NODE_SECONDS),
)


def findings(study: model.Study) -> tuple[Finding, ...]:
    """Every claim, in the order of the thesis: one finding for each group that measured it, else one that says so."""
    found: dict[str, list[Finding]] = {claim.key: [] for claim in CLAIMS}
    for group, cells in study.groups():
        for finding in _judged(group, cells):
            found[finding.claim.key].append(finding)
    return tuple(finding for claim in CLAIMS for finding in found[claim.key] or [Finding(claim, NOT_MEASURED)])


def _judged(group: str, cells: Sequence[model.Cell]) -> list[Finding]:
    measured = {cell.cell_id: cell for cell in cells if cell.by_block() and not cell.censored}
    if not measured:
        return []
    runs = sorted((run for cell in measured.values() for run in cell.runs), key=lambda run: run.recorded or 0.0)
    rules = rules_of(runs)
    units = count(next(iter(measured.values())).spec.get("hidden_units"))
    sample = Sample({cell_id: cell.by_block() for cell_id, cell in measured.items()}, plots_of(measured))
    given = judged(
        sample,
        {cell_id: size for cell_id, cell in measured.items() if (size := _size(cell))},
        hidden_units=units,
        margin=margin_of(runs),
        # Any look of an adaptive study may have ended it, so all looks share the error.
        looks=1 + rules.last - FIRST if rules else 1,
    )
    return [
        replace(one, group=group, over=_cells(ratio.over, measured), under=_cells(ratio.under, measured))
        for one, ratio in given
    ]


def _cells(names: Sequence[str], cells: Mapping[str, model.Cell]) -> tuple[model.Cell, ...]:
    return tuple(cells[name] for name in names)


def _size(cell: model.Cell) -> tuple[int, int, int] | None:
    nodes, ps, workers = (count(cell.spec.get(key)) for key in model.COUNTS)
    return (nodes or 1, ps, workers) if workers and ps is not None else None


def judged(
    sample: Sample,
    sizes: Mapping[str, tuple[int, int, int]],
    *,
    hidden_units: int | None,
    margin: float = MARGIN,
    looks: int = 1,
    claims: Sequence[Claim] = CLAIMS,
) -> list[tuple[Finding, Ratio]]:
    """Each claim that the sample measures, with the ratio that decided it. `sizes` are nodes, ps and workers by cell."""
    lines = Lines({size: name for name, size in sizes.items()})
    known = [(claim, found) for claim in about(hidden_units, claims) if (found := claim.quantity(lines)) is not None]
    error = (1.0 - CONFIDENCE) * (1.0 - KEPT_BACK) / (2.0 * looks * max(1, len(known)))
    return [(_finding(claim, found, sample, error, margin), found.decisive(sample)) for claim, found in known]


def about(hidden_units: int | None, claims: Sequence[Claim] = CLAIMS) -> list[Claim]:
    """Those of the claims that are about a network of that size."""
    return [one for one in claims if one.setting is None or HIDDEN_UNITS[one.setting] == hidden_units]


def verdict_of(low: float, high: float, limit: float) -> str:
    """Of an interval and the limit up to which the claim is true."""
    if high <= limit:
        return CONFIRMED
    return REFUTED if low > limit else CANNOT_TELL


def _finding(claim: Claim, quantity: Quantity, sample: Sample, error: float, margin: float) -> Finding:
    low, high = (exponential(bound) for bound in (quantity.low(sample, error), quantity.high(sample, error)))
    limit, blocks = claim.limit(margin), sample.estimate(quantity.decisive(sample).weights)[3]
    known = blocks >= MINIMUM
    return Finding(
        claim,
        verdict_of(low, high, limit) if known else CANNOT_TELL,
        center=exponential(quantity.center(sample)),
        low=low if known else None,
        high=high if known else None,
        limit=limit,
        blocks=blocks,
    )
