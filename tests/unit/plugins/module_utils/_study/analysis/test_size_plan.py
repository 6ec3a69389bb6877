# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of searches over planted laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.autosize import Search
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.line_search import Rules, Size
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.size_plan import Facts, SizePlan, plan_of
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

ONE, EIGHT = Size(1, 1, 1), Size(1, 1, 8)
Law = Callable[[Size], "float | None"]


def searched(law: Law, most: Size = EIGHT, blocks: int = 200, **rules: Any) -> tuple[Search, list[Record]]:
    """A search of some blocks, with the records that it would have left."""
    search = Search(Rules(start=ONE, most=most, **{"goal": "time", **rules}), lambda _size: 1000)
    records = []
    for block in range(1, blocks + 1):
        asked = search.wanted()
        if not asked:
            break
        times = {
            size: seconds * (1 + 1e-3 * ((7 * size.workers + 3 * block) % 5))
            for size in asked
            if (seconds := law(size)) is not None
        }
        search.take(block, times)
        records += [record_of(size, block, times.get(size)) for size in asked]
    return search, records


def record_of(size: Size, block: int, seconds: float | None) -> Record:
    verdict = {"verdict": "void", "reasons": ["no room"]} if seconds is None else {"verdict": "valid", "reasons": []}
    return Record.of(
        {
            "run_id": f"{cell_of(size)}-{block}",
            "cell_id": cell_of(size),
            "block": block,
            "spec": size._asdict(),
            "timings": {} if seconds is None else {"train_seconds": seconds, "total_seconds": seconds},
            "verdict": verdict,
            "provenance": {"nodes": [{"name": str(n), "machine_type": "a"} for n in range(size.nodes)]},
        }
    )


def cell_of(size: Size) -> str:
    return f"{size.nodes}{size.ps:02}{size.workers:09}"


def plan(search: Search, records: list[Record], **given: Any) -> SizePlan:
    usual: Mapping[str, Any] = {"prices": {}, "room": lambda _size: None}
    cells = {size: (cell_of(size), f"ps={size.ps} workers={size.workers}") for size in search.order}
    return plan_of(search, Facts(records=records, cells=cells, **{**usual, **given}))


def usl(size: Size) -> float:
    return 1.0 / size.workers + 0.03 * size.workers


def test_plan_has_every_size_in_the_order_tried_with_its_verdict() -> None:
    found = plan(*searched(usl))
    assert [one.size.workers for one in found.tried] == [1, 2, 4, 8, 6]
    verdicts = {one.size.workers: one.verdict for one in found.tried}
    assert verdicts == {1: "not compared", 2: "not compared", 4: "worse", 8: "worse", 6: "taken"}
    taken = found.taken
    assert taken
    assert taken.seconds
    assert taken.seconds.low is not None
    assert taken.seconds.high is not None
    assert taken.seconds.low < usl(taken.size) * 1.002 < taken.seconds.high
    assert (found.why, found.kept, found.undecided) == ("gain", "", ())
    assert [(one.least, one.most, one.why) for one in found.not_tried] == [
        (3, 3, "between"),
        (5, 5, "between"),
        (7, 7, "between"),
    ]


def test_plan_says_what_the_next_size_brings() -> None:
    beyond = plan(*searched(lambda size: 1.0 + 0.5 * size.workers)).beyond
    assert beyond
    assert (beyond.size.workers, beyond.is_measured) == (2, True)
    assert beyond.gain
    # 1.5 s with one worker, 2 s with two.
    assert beyond.gain.low < -0.25 < beyond.gain.high
    assert beyond.seconds
    assert beyond.seconds.center == pytest.approx(2.0, rel=0.01)


def test_plan_at_the_limit_asks_a_law_for_the_next_size() -> None:
    beyond = plan(*searched(lambda size: 8.0 / size.workers + 1.0, Size(1, 1, 8))).beyond
    assert beyond
    assert (beyond.size.workers, beyond.is_measured) == (9, False)
    assert beyond.gain
    assert 0.0 < beyond.gain.center < 0.15


def test_plan_counts_the_prices_of_all_nodes() -> None:
    search, records = searched(usl)
    found = plan(search, records, prices={"a": 3600.0})
    for one in found.tried:
        assert one.price
        assert one.price.center == pytest.approx(usl(one.size), rel=0.01)
    assert all(one.price is None for one in plan(search, records).tried)


@pytest.mark.parametrize(("limit", "taken", "kept"), [(10.0, 6, ""), (0.36, 6, ""), (0.33, None, "too_dear")])
def test_plan_keeps_a_price_with_certainty(limit: float, taken: int | None, kept: str) -> None:
    search, records = searched(usl)
    found = plan(search, records, prices={"a": 3600.0}, max_cost=limit)
    assert (found.size and found.size.workers, found.kept) == (taken, kept)


def test_plan_without_a_known_price_keeps_no_limit() -> None:
    search, records = searched(usl)
    found = plan(search, records, max_cost=1.0)
    assert (found.size, found.kept) == (None, "too_dear")


@pytest.mark.parametrize(
    ("room", "taken", "kept"), [(6, 6, ""), (5, 4, "no_room"), (1, 1, "no_room"), (0, None, "no_room")]
)
def test_plan_names_no_size_that_finds_no_room(room: int, taken: int | None, kept: str) -> None:
    search, records = searched(usl)
    found = plan(search, records, room=lambda _size: room)
    assert (found.size and found.size.workers, found.kept) == (taken, kept)


def test_plan_of_a_first_size_that_fails_has_its_reason() -> None:
    found = plan(*searched(lambda size: None if size == ONE else 1.0))
    assert (found.size, found.why) == (None, "first_fails")
    assert (found.tried[0].verdict, found.tried[0].reason) == ("failed", "no room")


def test_plan_cut_short_by_the_budget_takes_the_smallest_of_the_undecided() -> None:
    search, records = searched(lambda _size: 4.0, blocks=2)
    found = plan(search, records, cut_short=True)
    assert (found.size, found.why) == (ONE, "budget")
    assert found.undecided[0] == ONE
    assert len(found.undecided) > 1
    assert {one.why for one in found.not_tried} == {"budget"}


def test_plan_of_several_axes_says_what_was_not_tried_of_each() -> None:
    found = plan(*searched(lambda size: 8.0 / size.workers + 0.5 * size.ps, Size(3, 4, 8)))
    left = {(one.axis, one.most): one.why for one in found.not_tried}
    assert left["ps", 4] == "gain"
    assert found.size == Size(1, 1, 8)


def test_plan_of_a_deadline_that_is_missed_says_so() -> None:
    found = plan(*searched(usl, goal="deadline", deadline=0.2))
    assert found.kept == "late"
    kept = plan(*searched(usl, goal="deadline", deadline=0.6))
    assert (kept.kept, kept.why) == ("", "met")
    assert kept.size == Size(1, 1, 2)
