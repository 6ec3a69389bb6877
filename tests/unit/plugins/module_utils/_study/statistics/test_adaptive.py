# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision after each block: by hand, as a replay of its ledger, and by simulated studies."""

from __future__ import annotations

import math
import random

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.adaptive import (
    OPEN,
    SAME,
    SLOWER,
    Rules,
    State,
    decide,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.sequential import FIRST

from tests.fixtures.studies import adaptive_rates

Times = dict[str, dict[int, float]]


def drawn(seconds: dict[str, float], blocks: int, spread: float = 0.02) -> Times:
    draw = random.Random(4)
    return {
        name: {block: of * math.exp(draw.gauss(0, spread)) for block in range(1, blocks + 1)}
        for name, of in seconds.items()
    }


def until(cells: Times, blocks: int) -> Times:
    return {name: {block: of for block, of in cell.items() if block <= blocks} for name, cell in cells.items()}


def test_all_cells_are_open_before_the_first_look() -> None:
    cells = drawn({"fast": 1.0, "slow": 3.0}, FIRST - 1)
    decision = decide(cells, Rules())
    assert decision.open == ("fast", "slow")
    assert (decision.leader, decision.looks) == ("", FIRST - 1)
    assert {state.state for state in decision.states.values()} == {OPEN}


def test_a_cell_that_is_far_slower_is_closed_at_the_first_look() -> None:
    decision = decide(drawn({"fast": 1.0, "near": 1.03, "slow": 3.0}, FIRST), Rules())
    slow = decision.states["slow"]
    assert (slow.state, slow.block) == (SLOWER, FIRST)
    assert slow.ratio is not None
    assert slow.ratio.low is not None
    assert 1.0 < slow.ratio.low < 3.0
    assert decision.open == ("fast", "near")


def test_equal_cells_end_as_fast_within_the_margin() -> None:
    decision = decide(drawn({"one": 1.0, "other": 1.0}, 20, 0.01), Rules())
    assert decision.open == ()
    assert {state.state for state in decision.states.values()} == {SAME}
    assert FIRST <= decision.looks < 20
    (ratio,) = [state.ratio for state in decision.states.values() if state.ratio]
    assert ratio.high is not None
    assert ratio.high < 1.05


def test_a_narrower_margin_needs_more_blocks() -> None:
    cells = drawn({"one": 1.0, "other": 1.0}, 40, 0.01)
    wide, narrow = (decide(cells, Rules(margin=margin, last=40)).looks for margin in (0.05, 0.01))
    assert wide < narrow


def test_the_last_block_ends_a_study_that_cannot_be_told() -> None:
    decision = decide(drawn({"one": 1.0, "other": 1.02}, 6, 0.2), Rules(last=6))
    assert decision.looks == 6
    assert decision.open == ("one", "other")


@pytest.mark.parametrize("blocks", range(1, 21))
def test_a_replay_decides_as_it_was_decided_then(blocks: int) -> None:
    cells = drawn({"a": 1.0, "b": 1.01, "c": 1.1, "d": 1.6, "e": 4.0}, 20, 0.03)
    # As it went: closed cells have no further times.
    have: Times = {name: {} for name in cells}
    closed: dict[str, State] = {}
    for block in range(1, blocks + 1):
        for name in decide(have, Rules()).open:
            have[name][block] = cells[name][block]
        states = decide(have, Rules()).states
        assert {name: states[name] for name in closed} == closed
        closed |= {name: state for name, state in states.items() if state.state == SLOWER}
    # Times that came later change nothing of earlier looks.
    assert decide(until(have, blocks), Rules()) == decide(have, Rules())


def test_a_block_is_looked_at_only_when_every_open_cell_has_ended_it() -> None:
    cells = drawn({"fast": 1.0, "slow": 3.0}, FIRST)
    del cells["slow"][FIRST]
    waiting = decide(cells, Rules())
    assert waiting.looks == FIRST - 1
    failed = decide(cells, Rules(), {"slow": frozenset({FIRST})})
    assert failed.looks == FIRST
    assert set(failed.open) == {"fast", "slow"}


def test_a_slower_cell_goes_on_while_its_own_interval_is_too_wide() -> None:
    cells = drawn({"fast": 1.0, "slow": 3.0}, 5, 0.05)
    assert "slow" in decide(cells, Rules(target_ci=0.001)).open
    assert decide(cells, Rules()).open == decide(cells, Rules(target_ci=0.9)).open
    assert "slow" not in decide(cells, Rules()).open


@pytest.mark.parametrize("cells", [{}, {"alone": {1: 1.0, 2: 1.1, 3: 1.0, 4: 1.0}}])
def test_there_is_nothing_to_tell_of_a_cell_alone(cells: Times) -> None:
    assert decide(cells, Rules()).open == ()


@pytest.mark.parametrize("spread", ["5 %", "2 %, a quarter 15 %"])
@pytest.mark.parametrize("law", ["flat", "usl"])
def test_all_looks_together_err_no_more_often_than_they_say(spread: str, law: str) -> None:
    """A small part of the table in docs/statistics.md."""
    found = adaptive_rates(400, law=law, cells=6, spread=spread)
    # Of 400 studies 8 % show up by chance in one of 100 cases where 5 % is the truth.
    assert found.false <= 0.08
    assert found.hold >= 0.92
    assert found.wrongly_same <= 0.08
    assert found.runs <= 20 * 6
    if law == "usl":
        assert found.runs <= 0.6 * 20 * 6
