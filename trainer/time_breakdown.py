# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a worker's time goes: computing, waiting for the ps, input, telemetry, and held back by its quota of processors.

What happens outside of TensorFlow's calls is timed as it is. Within them a few calls are traced, the fourth and then each whose
number is twice that of the last: what the worker's own operations take in those stands for all, and what is left of a call is
waiting, for parameters on their way and (in step) for the other workers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow.compat.v1 as tf

COMPUTE, PS, INPUT, TELEMETRY, THROTTLED = "compute", "ps", "input", "telemetry", "throttled"
FIRST_TRACED = 4
# How the names of operations begin; all others of a worker compute. Those that wait for somebody else take no time of its own.
INPUT_OPS = ("Gather", "ResourceGather", "QueueDequeue", "Cast")
WAITING_OPS = ("_Recv", "_HostRecv", "_Send", "_HostSend", "RecvTensor")

Call = Callable[[Any, Any], Any]


class TimeBreakdown:
    """Adds up one worker's seconds. `mono` is the clock, `throttled` the seconds for which this process was held back so far."""

    def __init__(self, mono: Callable[[], float], throttled: Callable[[], float]) -> None:
        self._mono = mono
        self._throttled = throttled
        self._throttled_before = throttled()
        self._calls = 0
        self._seconds = {COMPUTE: 0.0, PS: 0.0, INPUT: 0.0, TELEMETRY: 0.0}
        self._in_calls = 0.0
        self._steps = self._traced_steps = 0
        self._traced: dict[str, float] = {}
        self._is_told = False

    @contextlib.contextmanager
    def on(self, kind: str) -> Iterator[None]:
        """Count what is done here as of this kind."""
        began = self._mono()
        try:
            yield
        finally:
            self._seconds[kind] += self._mono() - began

    def took(self, seconds: float, *, compute: float) -> None:
        """Count calls that were timed from within: what they did not compute, they waited."""
        compute = min(max(0.0, compute), seconds)
        self._seconds[COMPUTE] += compute
        self._seconds[PS] += seconds - compute
        self._is_told = True

    def call(self, call: Call, *, steps: int = 1) -> Any:
        """Return what `call(options, run_metadata)` does, for so many steps of this worker; both are None in most calls."""
        self._calls += 1
        # Powers of two: often at first, so that short runs have some, and never so often that it slows the training.
        is_traced = self._calls >= FIRST_TRACED and self._calls & (self._calls - 1) == 0
        metadata = tf.RunMetadata() if is_traced else None
        began = self._mono()
        result = call(tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE) if is_traced else None, metadata)
        self._in_calls += self._mono() - began
        self._steps += steps
        if metadata is not None:
            with self.on(TELEMETRY):
                self._traced_steps += steps
                self._is_told = True
                for kind, seconds in seconds_of(metadata.step_stats).items():
                    self._traced[kind] = self._traced.get(kind, 0.0) + seconds
        return result

    def split(self) -> dict[str, float]:
        """Seconds of each kind since the first step, none where no call was traced or timed."""
        if not self._is_told:
            return {}
        traced = sum(self._traced.values())
        # Never more than all calls took: the machine may have become faster since those that were traced.
        scale = min(self._steps / self._traced_steps, self._in_calls / traced) if traced else 0.0
        within = {kind: seconds * scale for kind, seconds in self._traced.items()}
        within[PS] = self._in_calls - sum(within.values())
        breakdown = {kind: seconds + within.get(kind, 0.0) for kind, seconds in self._seconds.items()}
        total = sum(breakdown.values())
        # The kernel adds up what each processor holds back, which can be more than the time that has gone by.
        held = min(self._throttled() - self._throttled_before, total)
        kept = 1.0 - held / total if total else 0.0
        return {**{kind: round(seconds * kept, 6) for kind, seconds in breakdown.items()}, THROTTLED: round(held, 6)}


def seconds_of(step_stats: Any) -> dict[str, float]:
    """What the operations on the worker's devices took, by kind; the sum is the time in which any was at work."""
    spans: list[tuple[int, int]] = []
    by_kind = {COMPUTE: 0, INPUT: 0, TELEMETRY: 0}
    for device in step_stats.dev_stats:
        if "/job:worker" not in device.device:
            continue
        for node in device.node_stats:
            operation = _operation(node)
            if operation.startswith(WAITING_OPS):
                continue
            start = node.all_start_micros + node.op_start_rel_micros
            end = node.all_start_micros + node.op_end_rel_micros
            spans.append((start, end))
            by_kind[_kind(operation)] += end - start
    total, busy = sum(by_kind.values()), _covered(spans)
    return {kind: micros / 1e6 * (busy / total if total else 0.0) for kind, micros in by_kind.items()}


def _operation(node: Any) -> str:
    """The kind of operation: a label is `name = Kind(inputs)`, or the name alone."""
    _name, separator, rest = node.timeline_label.partition(" = ")
    return str(rest.partition("(")[0] if separator else node.node_name)


def _kind(operation: str) -> str:
    if "Summary" in operation:
        return TELEMETRY
    return INPUT if operation.startswith(INPUT_OPS) else COMPUTE


def _covered(spans: list[tuple[int, int]]) -> int:
    """The time in which at least one of them lasts."""
    covered, reached = 0, 0
    for start, end in sorted(spans):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
