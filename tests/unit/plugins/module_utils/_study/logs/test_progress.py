# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell how far a run is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.events import Event
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.progress import Progress

LABEL = "run 4/15  ps=2 workers=4"


def event(step: int | None, *, mono: float | None = None, wall: float | None = None, name: str = "progress") -> Event:
    return Event(name, "worker", 0, wall, mono, {} if step is None else {"global_step": step})


def lines(*events: tuple[float, Event | None], train_steps: int = 2000, label: str = LABEL) -> list[str]:
    """What is said when these events are found at these times."""
    said: list[str] = []
    coming = iter(events)
    now = [0.0]

    def poll() -> Event | None:
        now[0], one = next(coming)
        return one

    progress = Progress(
        poll=poll, say=said.append, label=label, train_steps=train_steps, every=5.0, clock=lambda: now[0]
    )
    for _event in events:
        progress.look()
    return said


def test_look_says_a_line_as_a_user_wants_to_see_it() -> None:
    said = lines((0, event(0, mono=100.0, name="start_line")), (3, event(1200, mono=102.34375)))
    assert said == [f"{LABEL}   step 1200/2000  60 %  512 steps/s  1.6 s left"]


def test_look_says_nothing_before_the_first_step() -> None:
    assert lines((0, None), (1, event(0, name="start_line")), (2, event(None, name="eval")), (3, event(0))) == []


def test_look_says_the_first_step_at_once_and_then_keeps_to_its_pace() -> None:
    said = lines(*((second, event(100 * (second + 1), mono=float(second))) for second in range(12)))
    assert [line.split("  ")[2].strip() for line in said] == ["step 100/2000", "step 600/2000", "step 1100/2000"]


def test_look_says_nothing_of_a_run_that_stands_still() -> None:
    assert len(lines((0, event(5, mono=0.0)), (10, event(5, mono=10.0)), (20, None), (30, event(4, mono=30.0)))) == 1


@pytest.mark.parametrize(
    ("first", "second", "end"),
    [
        ({"mono": 0.0, "wall": 0.0}, {"mono": 10.0, "wall": 99.0}, "10 steps/s  3 min left"),
        ({"wall": 5.0}, {"wall": 15.0}, "10 steps/s  3 min left"),
        ({}, {}, "10 steps/s  3 min left"),
        ({"mono": 10.0}, {"mono": 0.0}, "step 200/2000  10 %"),
        ({"mono": 10.0}, {"mono": 10.0}, "step 200/2000  10 %"),
    ],
)
def test_look_measures_with_the_best_clock_there_is(first: dict[str, Any], second: dict[str, Any], end: str) -> None:
    assert lines((0, event(100, **first)), (10, event(200, **second)))[-1].endswith(end)


def test_look_tells_the_speed_since_the_line_before() -> None:
    said = lines((0, event(100, mono=0.0)), (10, event(1100, mono=10.0)), (20, event(1150, mono=20.0)))
    assert "100 steps/s" in said[1]
    assert "  5 steps/s" in said[2]


def test_look_without_an_end_gives_no_percents() -> None:
    said = lines((0, event(100, mono=0.0)), (10, event(200, mono=10.0)), train_steps=0, label="")
    assert said == ["step 100", "step 200  10 steps/s"]


def test_look_behind_the_target_shows_no_more_than_all() -> None:
    assert lines((0, event(0, mono=0.0, name="start_line")), (9, event(2003, mono=9.0)))[0].endswith(
        "100 %  223 steps/s"
    )


def waits(*seconds: float, why: str = "") -> list[str]:
    said: list[str] = []
    progress = Progress(poll=lambda: None, say=said.append, label=LABEL, train_steps=2000, every=5.0, clock=lambda: 0.0)
    for second in seconds:
        progress.wait("quota in queue team", second, why)
    return said


def test_wait_says_what_for_how_long_and_why_at_the_usual_pace() -> None:
    assert waits(0.2, 4.9, why="no quota") == []
    assert waits(*range(13), why="no quota") == [
        f"{LABEL}   waiting for quota in queue team for {second} s: no quota" for second in (5, 10)
    ]


def test_wait_without_a_reason_gives_none() -> None:
    assert waits(120.0) == [f"{LABEL}   waiting for quota in queue team for 2 min"]
