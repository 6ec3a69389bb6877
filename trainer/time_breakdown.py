# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The breakdown of a worker's time: computing, waiting for the ps, input, telemetry, and throttling by its CPU quota.

A clock measures the time outside of TensorFlow's calls. TensorFlow traces a few calls, the 4th, 8th, 16th and so on. The
time of the worker's own operations in those, scaled to all steps, is the estimate for all calls. The rest is waiting for
parameters and, in synchronous training, for the other workers. Tracing costs `fast` about 3 % (docs/performance.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow.compat.v1 as tf

COMPUTE, PS, INPUT, TELEMETRY, THROTTLED = "compute", "ps", "input", "telemetry", "throttled"
FIRST_TRACED = 4
# Prefixes of operations' kinds. All other operations of a worker compute. Waiting operations use no time of the worker.
INPUT_OPS = ("Gather", "ResourceGather", "QueueDequeue", "Cast")
WAITING_OPS = ("_Recv", "_HostRecv", "_Send", "_HostSend", "RecvTensor")

Call = Callable[[Any, Any], Any]


class TimeBreakdown:
    """Adds up one worker's seconds. `mono` is the clock; `throttled` returns the seconds of throttling so far."""

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
        """Count the time inside this context as this kind."""
        began = self._mono()
        try:
            yield
        finally:
            self._seconds[kind] += self._mono() - began

    def took(self, seconds: float, *, compute: float) -> None:
        """Count calls that measured their own computing time; the rest of `seconds` is waiting."""
        compute = min(max(0.0, compute), seconds)
        self._seconds[COMPUTE] += compute
        self._seconds[PS] += seconds - compute
        self._is_told = True

    def call(self, call: Call, *, steps: int = 1) -> Any:
        """Return the result of `call(options, run_metadata)`, which makes `steps` steps. Both are None without tracing."""
        self._calls += 1
        # Powers of two: even a short run has traced calls, and a long one has too few to slow it down.
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
        """Return the seconds of each kind since the first step, or nothing if no call was traced or timed."""
        if not self._is_told:
            return {}
        traced = sum(self._traced.values())
        # The machine may have become faster since the traced calls, so the total of all calls is the limit.
        scale = min(self._steps / self._traced_steps, self._in_calls / traced) if traced else 0.0
        within = {kind: seconds * scale for kind, seconds in self._traced.items()}
        within[PS] = self._in_calls - sum(within.values())
        breakdown = {kind: seconds + within.get(kind, 0.0) for kind, seconds in self._seconds.items()}
        total = sum(breakdown.values())
        # The kernel adds up the throttling of all processors, which can exceed the elapsed time.
        held = min(self._throttled() - self._throttled_before, total)
        kept = 1.0 - held / total if total else 0.0
        return {**{kind: round(seconds * kept, 6) for kind, seconds in breakdown.items()}, THROTTLED: round(held, 6)}


def seconds_of(step_stats: Any) -> dict[str, float]:
    """Return the seconds of the operations on the worker's devices, by kind. Overlapping operations share the elapsed time."""
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
    """Return the operation's kind: a label is `name = Kind(inputs)`, or the name alone."""
    _name, separator, rest = node.timeline_label.partition(" = ")
    return str(rest.partition("(")[0] if separator else node.node_name)


def _kind(operation: str) -> str:
    if "Summary" in operation:
        return TELEMETRY
    return INPUT if operation.startswith(INPUT_OPS) else COMPUTE


def _covered(spans: list[tuple[int, int]]) -> int:
    """Return the time covered by at least one of the spans."""
    covered, reached = 0, 0
    for start, end in sorted(spans):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
