# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every carrier of replicas can tell about a run, and what follows from it. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SUCCEEDED = "succeeded"
FAILED = "failed"
DEADLINE = "deadline"


class BackendError(Exception):
    """The run cannot be observed; the text is one sentence for the user."""


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """One replica; `state` is running, succeeded, failed or stopped."""

    replica: str
    index: int
    state: str
    exit_code: int | None
    signal: int | None
    log: str
    cpu_seconds: float
    rss_peak_bytes: int
    started_wall: float
    ended_wall: float | None
    host: str

    @property
    def name(self) -> str:
        return f"{self.replica} {self.index}"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All replicas of a run at one moment; `alive` tells whether somebody still looks after them."""

    replicas: tuple[ReplicaState, ...]
    started_wall: float
    ended_wall: float | None
    first_failure: ReplicaState | None
    alive: bool
    host: Mapping[str, float | None]
    restarts: int = 0

    @property
    def ended(self) -> bool:
        return self.ended_wall is not None or not self.alive


class Backend(Protocol):
    def observe(self) -> Snapshot: ...


def outcome(snapshot: Snapshot) -> str | None:
    """None means not yet. A run is a success only when nothing of it is left that could spoil it."""
    if snapshot.first_failure is not None:
        return FAILED
    if not snapshot.ended:
        return None
    workers = [one for one in snapshot.replicas if one.replica == "worker"]
    done = snapshot.ended_wall is not None and all(one.state == "succeeded" for one in workers)
    return SUCCEEDED if workers and done else FAILED
