# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which replicas are renewed."""

from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._deployment.upgrade_plan import (
    ORDERS,
    STRATEGIES,
    Change,
    Phase,
    consequence,
    plan,
    retreat,
)


def same(count: int) -> Change:
    return Change(before=count, after=count, is_renewed=False)


def renewed(count: int) -> Change:
    return Change(before=count, after=count, is_renewed=True)


def resized(before: int, after: int) -> Change:
    return Change(before=before, after=after, is_renewed=True)


def told(phases: list[Phase]) -> list[str]:
    return [f"{do} {group}" + (f" {down_to}" if do == "roll" else "") for do, group, down_to in phases]


BOTH = {"ps": renewed(2), "worker": renewed(3)}
WORKERS = {"ps": same(2), "worker": renewed(3)}
PS = {"ps": renewed(2), "worker": same(3)}
WIDER = {"ps": renewed(2), "worker": resized(3, 4)}
RESTART = ["stop worker", "stop ps", "start ps", "start worker"]


@pytest.mark.parametrize(
    ("changes", "strategy", "order", "phases"),
    [
        (BOTH, "rolling", "ps_first", ["roll ps 1", "roll ps 0", "roll worker 2", "roll worker 1", "roll worker 0"]),
        (
            BOTH,
            "rolling",
            "workers_first",
            ["roll worker 2", "roll worker 1", "roll worker 0", "roll ps 1", "roll ps 0"],
        ),
        (BOTH, "canary", "ps_first", ["roll worker 2", "roll ps 1", "roll ps 0", "roll worker 1", "roll worker 0"]),
        (BOTH, "recreate", "ps_first", RESTART),
        (WORKERS, "rolling", "ps_first", ["roll worker 2", "roll worker 1", "roll worker 0"]),
        (WORKERS, "canary", "ps_first", ["roll worker 2", "roll worker 1", "roll worker 0"]),
        (WORKERS, "recreate", "ps_first", ["stop worker", "start worker"]),
        (PS, "rolling", "ps_first", ["roll ps 1", "roll ps 0"]),
        (PS, "canary", "ps_first", ["roll ps 1", "roll ps 0"]),
        # The chief saves what the ps have before they end.
        (PS, "recreate", "ps_first", RESTART),
        (WIDER, "rolling", "ps_first", RESTART),
        (WIDER, "canary", "workers_first", RESTART),
        ({"worker": renewed(1)}, "canary", "ps_first", ["roll worker 0"]),
        ({"ps": same(1), "worker": same(2)}, "recreate", "ps_first", []),
        ({}, "rolling", "ps_first", []),
    ],
)
def test_plan_touches_what_changes(changes: dict[str, Change], strategy: str, order: str, phases: list[str]) -> None:
    assert told(plan(changes, strategy=strategy, order=order)) == phases


@pytest.mark.parametrize(("strategy", "order"), list(product(STRATEGIES, ORDERS)))
@pytest.mark.parametrize("changes", [BOTH, WORKERS, PS, WIDER, {"ps": resized(1, 2), "worker": renewed(1)}])
def test_plan_renews_every_replica_of_a_group_that_changes(
    changes: dict[str, Change], strategy: str, order: str
) -> None:
    phases = plan(changes, strategy=strategy, order=order)
    for group, change in changes.items():
        if change.is_renewed:
            rolled = sorted(phase.down_to for phase in phases if phase[:2] == ("roll", group))
            assert rolled == list(range(change.after)) or Phase("start", group) in phases
    assert len(set(phases)) == len(phases)


@pytest.mark.parametrize(
    ("changes", "phases"),
    [
        (BOTH, ["start ps", "start worker"]),
        (WORKERS, ["start worker"]),
        ({"worker": resized(0, 3)}, ["stop worker", "start worker"]),
        ({"ps": same(2), "worker": resized(4, 3)}, ["stop worker", "start worker"]),
        ({"ps": resized(0, 2), "worker": resized(0, 3)}, RESTART),
        ({"ps": resized(2, 1), "worker": same(3)}, RESTART),
        ({}, []),
    ],
)
def test_retreat_goes_back_as_a_whole(changes: dict[str, Change], phases: list[str]) -> None:
    assert told(retreat(changes)) == phases


@pytest.mark.parametrize(
    ("changes", "strategy", "words"),
    [
        (WORKERS, "rolling", ""),
        (WORKERS, "recreate", ""),
        (BOTH, "recreate", "all replicas restart"),
        (PS, "rolling", "a ps that restarts has lost its parameters: the training goes back to its last checkpoint"),
        (
            {"ps": resized(1, 2), "worker": resized(3, 4)},
            "rolling",
            "from 1 to 2 ps and from 3 to 4 workers: all replicas restart, because the addresses of all are fixed when"
            " TensorFlow starts",
        ),
    ],
)
def test_consequence_says_what_the_training_goes_through(changes: dict[str, Change], strategy: str, words: str) -> None:
    assert consequence(plan(changes, strategy=strategy, order="ps_first"), changes) == words
