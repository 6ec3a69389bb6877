# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell how far a run is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._steps.progress import Progress
from ansible_collections.tfscale.study.plugins.module_utils._study.log_format import Event


def event(step: Any, name: str = "progress", *, mono: float | None = None, wall: float | None = None) -> Event:
    return Event(name, "worker", 0, wall, mono, {} if step is None else {"global_step": step})


class Looks:
    """Looks at a log at times of our choosing."""

    def __init__(self, *, label: str = "run 1/2", train_steps: int = 1000) -> None:
        self.said: list[str] = []
        self._now = 0.0
        self._found: Event | None = None
        self.progress = Progress(
            poll=lambda: self._found,
            say=self.said.append,
            label=label,
            train_steps=train_steps,
            every=5.0,
            clock=lambda: self._now,
        )

    def look(self, now: float, found: Event | None) -> list[str]:
        self._now, self._found = now, found
        before = len(self.said)
        self.progress.look()
        return self.said[before:]


def test_look_says_the_first_step_at_once() -> None:
    looks = Looks()
    assert looks.look(0.0, None) == []
    assert looks.look(1.0, event(0, mono=10.0, name="start_line")) == []
    assert looks.look(3.0, event(100, mono=11.0)) == ["run 1/2   step 100/1000  10 %  100 steps/s  9 s left"]


def test_look_keeps_a_bearable_rate() -> None:
    looks = Looks()
    assert looks.look(0.0, event(10, mono=0.0)) == ["run 1/2   step 10/1000  1 %"]
    assert looks.look(4.9, event(30, mono=4.9)) == []
    assert looks.look(5.0, event(35, mono=5.0)) == ["run 1/2   step 35/1000  3 %  5 steps/s  3.2 min left"]
    assert looks.look(9.9, event(50, mono=9.9)) == []


def test_look_says_nothing_new_of_a_run_that_stands_still() -> None:
    looks = Looks()
    looks.look(0.0, event(10, mono=0.0))
    assert looks.look(6.0, event(10, mono=6.0)) == []
    assert looks.look(12.0, None) == []
    assert looks.look(18.0, event(11, mono=18.0)) != []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param({"mono": 100.0, "wall": 7.0}, {"mono": 102.0, "wall": 3.0}, id="monotonic first"),
        pytest.param({"wall": 7.0}, {"wall": 9.0}, id="wall"),
        pytest.param({"mono": 0.0, "wall": 7.0}, {"mono": 2.0, "wall": 7.0}, id="zero is a time"),
        pytest.param({}, {}, id="ours"),
    ],
)
def test_look_measures_with_the_best_clock_of_the_log(first: dict[str, Any], then: dict[str, Any]) -> None:
    looks = Looks()
    looks.look(10.0, event(0, "start_line", **first))
    assert looks.look(12.0, event(40, **then)) == ["run 1/2   step 40/1000  4 %  20 steps/s  48 s left"]


def test_look_tells_no_speed_when_the_clock_ran_back() -> None:
    looks = Looks()
    looks.look(0.0, event(0, wall=9.0, name="start_line"))
    assert looks.look(2.0, event(40, wall=8.0)) == ["run 1/2   step 40/1000  4 %"]


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (1000, "run 1/2   step 1000/1000  100 %  500 steps/s"),
        (1004, "run 1/2   step 1004/1000  100 %  502 steps/s"),
        (998, "run 1/2   step 998/1000  99 %  499 steps/s  0.004 s left"),
    ],
)
def test_look_at_the_end(step: int, line: str) -> None:
    looks = Looks()
    looks.look(0.0, event(0, mono=0.0, name="start_line"))
    assert looks.look(2.0, event(step, mono=2.0)) == [line]


def test_look_without_a_number_of_steps_or_a_label() -> None:
    looks = Looks(label="", train_steps=0)
    looks.look(0.0, event(0, mono=0.0, name="start_line"))
    assert looks.look(2.0, event(30, mono=2.0))[0].startswith("step 30")


def test_look_keeps_the_newest_step_even_when_it_says_nothing() -> None:
    looks = Looks()
    looks.look(0.0, event(10, mono=0.0))
    looks.look(1.0, event(20, mono=1.0))
    looks.look(2.0, event(None, mono=2.0, name="eval"))
    assert looks.progress.step == 20


@pytest.mark.parametrize("step", ["12", 1.5, [], True, -1])
def test_look_ignores_what_is_no_step(step: Any) -> None:
    looks = Looks()
    assert looks.look(0.0, event(step, mono=0.0)) == []
    assert looks.progress.step is None
