# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the replicas of a long-running training become new ones. PRIVATE, can break at any time.

A ps that starts anew has lost its parameters, and the addresses of all replicas are fixed when TensorFlow starts: so a ps
that restarts sends the training back to its last checkpoint, and a change of size restarts everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

GROUPS = ("ps", "worker")
STRATEGIES = ("rolling", "recreate", "canary")
ORDERS = ("ps_first", "workers_first")


class Phase(NamedTuple):
    """One part of an upgrade, after which a controller may be killed without harm; done twice it changes nothing more.

    `stop` takes a group down to no replica, `start` brings it up as a whole, `roll` renews the replicas from number `down_to` on.
    """

    do: str
    group: str
    down_to: int = 0


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one group: its replicas before and after, and whether a replica of it must start anew."""

    before: int
    after: int
    is_renewed: bool

    @property
    def is_resized(self) -> bool:
        return self.before != self.after

    @property
    def is_touched(self) -> bool:
        return self.is_renewed or self.is_resized


def plan(changes: Mapping[str, Change], *, strategy: str, order: str) -> list[Phase]:
    """The phases; none for a group of which nothing changes."""
    touched = _touched(changes)
    if strategy == "recreate" or any(changes[group].is_resized for group in touched):
        return restart(_with_workers(touched, changes))
    in_order = touched if order == "ps_first" else touched[::-1]
    phases = [phase for group in in_order for phase in _roll(group, changes[group].after)]
    if strategy == "canary" and "worker" in touched:
        # The last worker: the first one is the chief, without which nobody trains.
        canary = Phase("roll", "worker", changes["worker"].after - 1)
        return [canary, *(phase for phase in phases if phase != canary)]
    return phases


def restart(groups: Sequence[str]) -> list[Phase]:
    """Workers end first, so that their chief saves what the ps still have; ps start first, because workers look for them."""
    return [*(Phase("stop", group) for group in reversed(groups)), *(Phase("start", group) for group in groups)]


def retreat(changes: Mapping[str, Change]) -> list[Phase]:
    """Back to what was before, as a whole and at once: what does not work is not waited for."""
    touched = _touched(changes)
    if any(changes[group].is_resized for group in touched):
        return restart(_with_workers(touched, changes))
    return [Phase("start", group) for group in touched]


def _touched(changes: Mapping[str, Change]) -> list[str]:
    return [group for group in GROUPS if group in changes and changes[group].is_touched]


def _with_workers(touched: Sequence[str], changes: Mapping[str, Change]) -> list[str]:
    """Where the ps stop, the workers must have stopped before."""
    return [group for group in GROUPS if group in changes and (group in touched or "ps" in touched)]


def _roll(group: str, count: int) -> Iterator[Phase]:
    for index in reversed(range(count)):
        yield Phase("roll", group, index)


def consequence(phases: Sequence[Phase], changes: Mapping[str, Change]) -> str:
    """What the user should know before it begins, as a part of a sentence; empty when the training just goes on."""
    resized = [group for group in GROUPS if group in changes and changes[group].is_resized]
    if resized:
        sizes = " and ".join(f"from {changes[one].before} to {changes[one].after} {_noun(one)}" for one in resized)
        return f"{sizes}: all replicas restart, because the addresses of all are fixed when TensorFlow starts"
    if any(phase.do == "stop" and phase.group == "ps" for phase in phases):
        return "all replicas restart"
    if any(phase.group == "ps" for phase in phases):
        return "a ps that restarts has lost its parameters: the training goes back to its last checkpoint"
    return ""


def _noun(group: str) -> str:
    return "ps" if group == "ps" else "workers"
