# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run's outcome follows from what is seen of its replicas."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.base import Observation, ReplicaState, outcome


def replica(name: str, index: int, state: str = "running", **facts: Any) -> ReplicaState:
    told: dict[str, Any] = {"exit_code": None, "signal": None, "started_wall": 1.0, "ended_wall": None, **facts}
    told |= {"cpu_seconds": 0.0, "rss_peak_bytes": 0}
    return ReplicaState(replica=name, index=index, state=state, host="", log="", **told)


def seen(*states: str, ps: str = "running", failed: bool = False, **facts: Any) -> Observation:
    replicas = (replica("ps", 0, ps), *(replica("worker", index, state) for index, state in enumerate(states)))
    told: dict[str, Any] = {"ended_wall": None, "lost": "", **facts}
    return Observation(
        replicas=replicas, started_wall=1.0, first_failure=replicas[-1] if failed else None, evidence={}, **told
    )


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(seen("running", "running"), None, id="all run"),
        pytest.param(seen("succeeded", "running"), None, id="one worker is done"),
        pytest.param(seen("succeeded", "succeeded"), None, id="the ps are still being stopped"),
        pytest.param(seen("running", "failed", failed=True), None, id="the others are still being stopped"),
        pytest.param(seen("succeeded", "succeeded", ps="stopped", ended_wall=2.0), "succeeded", id="over"),
        pytest.param(seen("stopped", "failed", failed=True, ended_wall=2.0), "failed", id="a worker failed"),
        pytest.param(seen("succeeded", ps="failed", failed=True, ended_wall=2.0), "failed", id="a ps failed"),
        pytest.param(seen("running", lost="gone"), "failed", id="the launcher died"),
        pytest.param(seen("stopped", "succeeded", ended_wall=2.0), "failed", id="stopped from outside"),
        pytest.param(seen("succeeded", "stopped", ended_wall=2.0), "failed", id="a worker was stopped"),
        pytest.param(
            seen("succeeded", "stopped", ended_wall=2.0, ends_with_chief=True), "succeeded", id="the chief is done"
        ),
        pytest.param(seen("stopped", "succeeded", ended_wall=2.0, ends_with_chief=True), "failed", id="not the chief"),
    ],
)
def test_outcome(observation: Observation, expected: str | None) -> None:
    assert outcome(observation) == expected


def test_observation_tells_replicas_of_a_kind() -> None:
    observation = seen("running", "failed")
    assert [one.index for one in observation.of("worker")] == [0, 1]
    assert [one.replica for one in observation.of("ps")] == ["ps"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"signal": 9}, "worker 3 was killed by signal 9"),
        ({"exit_code": 2}, "worker 3 exited with code 2"),
        ({"exit_code": 0}, "worker 3 exited with code 0"),
        ({"exit_code": 137, "fate": "was evicted"}, "worker 3 was evicted"),
    ],
)
def test_replica_state_ending(facts: dict[str, Any], expected: str) -> None:
    assert replica("worker", 3, "failed", **facts).ending == expected
