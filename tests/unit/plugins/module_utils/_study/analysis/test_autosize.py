# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches along workers, ps and nodes, and the same ones from records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.autosize import Room, Search, replay
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.line_search import Rules, Size

ONE = Size(1, 1, 1)
Law = Callable[[Size], float]


def rules_of(most: Size, **given: object) -> Rules:
    return Rules(start=ONE, most=most, **{"goal": "time", **given})  # type: ignore[arg-type]


def spread(size: Size, block: int) -> float:
    return 1 + 1e-4 * ((7 * size.workers + 11 * size.ps + 3 * block) % 5)


def run(law: Law, rules: Rules, room: Room = lambda _size: 1000) -> tuple[Search, list[list[Size]]]:
    search, blocks = Search(rules, room), []
    while asked := search.wanted():
        blocks.append(asked)
        assert len(blocks) <= rules.blocks
        search.take(len(blocks), {size: law(size) * spread(size, len(blocks)) for size in asked})
    return search, blocks


def test_search_goes_from_workers_to_ps_and_back() -> None:
    """One ps serves two workers; with more ps more workers pay."""
    search, _blocks = run(lambda at: 8.0 / min(at.workers, 2 * at.ps) + 0.01 * at.workers, rules_of(Size(1, 4, 8)))
    assert [line.axis for line in search.lines][:3] == ["workers", "ps", "workers"]
    assert search.taken() == Size(1, 4, 8)


def test_search_without_use_of_more_ps_stays() -> None:
    search, _blocks = run(lambda at: 8.0 / at.workers + 0.5 * at.ps, rules_of(Size(1, 4, 8)))
    assert [line.axis for line in search.lines] == ["workers", "ps"]
    assert (search.taken(), search.line.why()) == (Size(1, 1, 8), "gain")


def test_search_adds_the_nodes_that_workers_need() -> None:
    """Two workers find room on a node."""
    search, blocks = run(lambda at: 8.0 / at.workers, rules_of(Size(3, 1, 8)), lambda at: 2 * at.nodes)
    assert blocks[2] == [Size(1, 1, 1), Size(1, 1, 2), Size(2, 1, 4), Size(3, 1, 6)]
    assert search.taken() == Size(3, 1, 6)
    assert search.lines[0].why() == "capacity"


@pytest.mark.parametrize(("goal", "taken"), [("time", Size(4, 1, 8)), ("cost", Size(1, 1, 2))])
def test_goal_cost_pays_for_each_node(goal: str, taken: Size) -> None:
    search, _blocks = run(lambda at: 8.0 / at.workers**0.7, rules_of(Size(4, 1, 8), goal=goal), lambda at: 2 * at.nodes)
    assert search.taken() == taken


def test_search_with_room_for_less_than_asked_ends_at_the_capacity() -> None:
    search, blocks = run(lambda at: 8.0 / at.workers, rules_of(Size(1, 1, 32)), lambda _size: 5)
    assert max(size.workers for block in blocks for size in block) == 5
    assert (search.taken(), search.line.why()) == (Size(1, 1, 5), "capacity")


def test_deadline_that_is_kept_ends_the_search_of_all_axes() -> None:
    rules = rules_of(Size(1, 4, 8), goal="deadline", deadline=3.0)
    search, _blocks = run(lambda at: 8.0 / at.workers, rules)
    assert [line.axis for line in search.lines] == ["workers"]
    assert (search.taken(), search.line.why()) == (Size(1, 1, 3), "met")


def test_replay_goes_on_where_the_records_end() -> None:
    """A search that was killed anywhere, also within a block, asks for what the whole one asked for."""
    rules = rules_of(Size(1, 2, 8))
    law: Law = lambda at: 8.0 / at.workers + 0.1 * at.workers + 0.2 * at.ps  # noqa: E731
    search, blocks = run(law, rules)
    runs = [(size, block) for block, asked in enumerate(blocks, start=1) for size in asked]
    for there in range(0, len(runs) + 1, 5):
        known = set(runs[:there])
        step = replay(
            lambda size, block: law(size) * spread(size, block),
            lambda size, block, known=known: (size, block) in known,  # type: ignore[misc]
            rules,
            lambda _size: 1000,
        )
        left = runs[there][1] if there < len(runs) else len(blocks) + 1
        assert (step.block, list(step.asked)) == (left, blocks[left - 1] if left <= len(blocks) else [])
    assert step.search.taken() == search.taken()
    assert step.search.order == search.order


def test_replay_takes_a_size_without_seconds_for_one_that_failed() -> None:
    rules = rules_of(Size(1, 1, 8))
    step = replay(
        lambda size, block: None if size.workers > 2 else 8.0 / size.workers * spread(size, block),
        lambda _size, _block: True,
        rules,
        lambda _size: 1000,
    )
    assert (step.asked, step.search.line.failed, step.search.taken()) == ((), [4, 3], Size(1, 1, 2))


@pytest.mark.parametrize(("failing", "taken"), [({1}, True), ({1, 2}, False)])
def test_replay_gives_up_the_first_size_after_two_blocks(failing: set[int], *, taken: bool) -> None:
    step = replay(
        lambda size, block: None if block in failing else 8.0 / size.workers * spread(size, block),
        lambda _size, _block: True,
        rules_of(Size(1, 1, 2)),
        lambda _size: 1000,
    )
    assert step.asked == ()
    assert (step.search.taken() == Size(1, 1, 2)) is taken


# --- tables of planted trainings --------------------------------------------------------------------------------------

LAWS: dict[str, Law] = {
    "one worker is enough": lambda at: 4.0 + 0.5 * at.workers,
    "each worker helps": lambda at: 8.0 / at.workers,
    "ps are the bottleneck": lambda at: max(8.0 / at.workers, 6.0 / at.ps) + 0.01 * (at.workers + at.ps),
    "nodes slow it down": lambda at: 8.0 / at.workers + 0.5 * at.nodes,
    "nodes help": lambda at: 8.0 / at.workers + 4.0 / at.nodes,
}


@pytest.mark.parametrize(
    ("law", "most", "goal", "taken"),
    [
        ("one worker is enough", Size(1, 1, 8), "time", Size(1, 1, 1)),
        ("one worker is enough", Size(1, 4, 8), "time", Size(1, 1, 1)),
        ("one worker is enough", Size(2, 4, 8), "knee", Size(1, 1, 1)),
        ("each worker helps", Size(1, 1, 8), "time", Size(1, 1, 8)),
        ("each worker helps", Size(1, 1, 5), "time", Size(1, 1, 5)),
        ("each worker helps", Size(1, 1, 8), "knee", Size(1, 1, 8)),
        ("each worker helps", Size(1, 2, 8), "time", Size(1, 1, 8)),
        ("ps are the bottleneck", Size(1, 1, 8), "time", Size(1, 1, 2)),
        ("ps are the bottleneck", Size(1, 4, 8), "time", Size(1, 4, 6)),
        ("nodes slow it down", Size(4, 1, 8), "time", Size(1, 1, 8)),
        ("nodes help", Size(4, 1, 8), "time", Size(4, 1, 8)),
        ("nodes help", Size(4, 1, 8), "cost", Size(1, 1, 8)),
    ],
)
def test_search_takes_the_best_of_all_axes(law: str, most: Size, goal: str, taken: Size) -> None:
    search, _blocks = run(LAWS[law], rules_of(most, goal=goal))
    found = search.taken()
    assert found
    best = LAWS[law](taken)
    nodes = found.nodes / taken.nodes if goal == "cost" else 1.0
    assert nodes * LAWS[law](found) <= 1.1 * best, found
    assert (found.ps, found.nodes) == (taken.ps, taken.nodes)


@pytest.mark.parametrize(("most", "axes"), [(Size(1, 1, 8), 1), (Size(1, 2, 8), 2), (Size(2, 2, 8), 3)])
def test_axes_share_the_error_of_the_whole_search(most: Size, axes: int) -> None:
    search, _blocks = run(LAWS["each worker helps"], rules_of(most))
    assert len(search.rules.axes) == axes
    assert sum(line.error for line in search.lines) <= 0.05 + 1e-12


def test_deciding_line_names_what_is_undecided_before_what_is_told() -> None:
    search, _blocks = run(LAWS["each worker helps"], rules_of(Size(1, 2, 8)))
    assert (search.deciding.axis, search.deciding.why()) == ("workers", "max")
    assert search.undecided() == []


def test_sizes_of_a_block_are_different_and_in_order() -> None:
    _search, blocks = run(LAWS["ps are the bottleneck"], rules_of(Size(1, 4, 8)))
    for asked in blocks:
        assert asked == sorted(set(asked))
