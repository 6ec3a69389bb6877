# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the log of one replica, and those of a whole run, amount to. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..._common.fields import count, finite
from ..._common.format import readable
from .evaluations import Evaluation, Evaluations
from .events import Event
from .formats import LogFormat
from .recognised import Recognised
from .samples import MOST, Sample

CHIEF = ("worker", 0)
# The parts of a worker's time, as its summary names them.
SPENT = ("compute", "ps", "input", "telemetry", "throttled")
DAY_SECONDS = 86400.0
QUARTERS = 4
# Nobody's clock of the day is so wrong, and no machine has run for so long as to count so many seconds from its start.
TEN_YEARS_SECONDS = 3e8
# The only events whose time of day is asked for: any number of other names must not fill the memory.
DATED = frozenset({"imported", "session_ready", "start_line", "progress"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A step and when it was seen, on the clock that the measurement uses."""

    step: int
    clock: float


@dataclass(kw_only=True, slots=True)
class ReplicaLog:
    """What one replica's log amounts to, however long it is."""

    fmt: LogFormat
    train_steps: int
    events: int = 0
    start: Mark | None = None
    warm: Mark | None = None
    target: Mark | None = None
    last: Mark | None = None
    start_step: int | None = None
    global_steps: int | None = None
    accuracy: float | None = None
    loss: float | None = None
    elapsed: float | None = None
    walls: dict[str, float] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    non_finite: str = ""
    error: str = ""
    tensorflow: str = ""
    clock_back: float = 0.0
    clock: float | None = None
    first_clock: float | None = None
    first_step: int | None = None
    local_steps: int = 0
    # The first line of progress at or beyond each quarter of the steps, the last quarter's excepted.
    quarters: list[Mark] = field(default_factory=list)
    # The time of day minus the clock that never jumps, at the first and at the last line that tell both; and the last line's time of day.
    offset_first: float | None = None
    offset_last: float | None = None
    progress_wall: float | None = None
    # By how much the step fell as lines of several threads do, and where a second training began, as said of it.
    step_back: int = 0
    second: str = ""
    # Of a run with a target accuracy.
    evaluations: Evaluations | None = None
    # Of the pod's counters, where its program is not ours.
    samples: list[Sample] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.event == "usage":
            self._sample(event)
            return
        if self.second:
            return
        step = count(event.fields.get("global_step"))
        local = event.fields.get("local_step")
        if local.__class__ is int and local >= self.local_steps:
            self.local_steps, grows = local, True
        else:
            grows = local is None
        # Nearly every line is one of progress, and this is called for each.
        if not grows or event.event != "progress" or self.elapsed is not None or (step or 0) < (self.global_steps or 0):
            self.second = self._second(event, step)
            if self.second:
                return
        self.events += 1
        if step is not None and (self.global_steps is None or step > self.global_steps):
            self.first_step = step if self.global_steps is None else self.first_step
            self.global_steps = step
        if event.wall is not None and event.event in DATED and event.event not in self.walls:
            self.walls[event.event] = event.wall
        mark = self._mark(event, step)
        handler = _HANDLERS.get(event.event)
        if handler is not None:
            handler(self, event, mark)

    def _sample(self, event: Event) -> None:
        is_training = self.start is not None and self.target is None and not self.second
        sample = Sample.of(event.fields, is_training=is_training)
        if sample is not None and len(self.samples) < MOST:
            self.samples.append(sample)

    def _second(self, event: Event, step: int | None) -> str:
        """Where a second training begins with this line; empty for nearly every line."""
        if self.fmt.is_ours:
            begins = event.event == "start_line" and (self.last is not None or self.target is not None)
            return f"at step {step}" if begins else ""
        if event.event == "elapsed":
            return "behind the first's elapsed time" if self.elapsed is not None else ""
        if event.event != "progress" or step is None:
            return ""
        if self.elapsed is not None:
            return f"at global step {step}"
        local = count(event.fields.get("local_step")) or 0
        if self._fell(self.local_steps, local) or self._fell(self.global_steps or 0, step):
            return f"at step {min(local, step) if local else step}"
        self.local_steps = max(self.local_steps, local)
        self.step_back = max(self.step_back, (self.global_steps or 0) - step)
        return ""

    def _fell(self, highest: int, step: int) -> bool:
        """To less than half of what was reached, and by more than threads that write side by side."""
        if 2 * step >= highest:
            return False
        return self.target is not None or highest - step > (self.train_steps or max(highest, 100)) / 10

    def _mark(self, event: Event, step: int | None) -> Mark | None:
        """None without a clock or a step. A clock that went back is kept: durations across it mean nothing."""
        clock = event.wall if event.mono is None else event.mono
        if clock is None:
            return None
        if event.wall is not None and event.mono is not None:
            self.offset_last = event.wall - event.mono
            if self.offset_first is None:
                self.offset_first = self.offset_last
        if self.clock is not None and clock < self.clock:
            self.clock_back = max(self.clock_back, self.clock - clock)
        elif self.clock is None:
            self.first_clock = clock
        self.clock = clock
        return None if step is None else Mark(step, clock)

    def _progress(self, event: Event, mark: Mark | None) -> None:
        self._numbers(event, mark)
        self.progress_wall = event.wall
        if mark is None:
            return
        self.last = mark
        while len(self.quarters) < QUARTERS - 1 and QUARTERS * mark.step >= self.train_steps * (len(self.quarters) + 1):
            self.quarters.append(mark)  # of a training without end all three are its first line, and tell nothing
        if self.warm is None and mark.step >= self.train_steps // 10:
            self.warm = mark
        if not self.fmt.is_ours:
            self._without_lines_of_ours(mark)

    def _without_lines_of_ours(self, mark: Mark) -> None:
        """The first step line stands for the start line, the first at the target for having reached it."""
        self.start = self.start or mark
        if self.target is None and mark.step >= self.train_steps > 0:
            self.target = mark

    def _numbers(self, event: Event, _mark: Mark | None) -> None:
        if self.evaluations is not None and self.start is not None and "accuracy" in event.fields:
            self.evaluations.take(event, step=self.global_steps, start=self.start.clock, now=self.clock)
        for key in ("loss", "accuracy"):
            said = event.fields.get(key)
            value = finite(said)
            if value is not None:
                setattr(self, key, value)
            elif isinstance(said, float) and not self.non_finite:
                step = count(event.fields.get("global_step"))
                self.non_finite = f"{key} became {said}" + ("" if step is None else f" at global step {step}")

    def _start_line(self, event: Event, mark: Mark | None) -> None:
        step = count(event.fields.get("global_step"))
        self.start_step = self.start_step or step
        self.start = self.start or mark

    def _target(self, _event: Event, mark: Mark | None) -> None:
        self.target = self.target or mark

    def _summary(self, event: Event, _mark: Mark | None) -> None:
        self.summary = event.fields

    def _error(self, event: Event, _mark: Mark | None) -> None:
        self.error = self.error or readable(event.fields.get("reason", ""), 300)

    def _imported(self, event: Event, _mark: Mark | None) -> None:
        self.tensorflow = readable(event.fields.get("tensorflow", ""), 40)

    def _elapsed(self, event: Event, _mark: Mark | None) -> None:
        self.elapsed = finite(event.fields.get("seconds"))


_HANDLERS: dict[str, Callable[[ReplicaLog, Event, Mark | None], None]] = {
    "start_line": ReplicaLog._start_line,
    "progress": ReplicaLog._progress,
    "target_reached": ReplicaLog._target,
    "eval": ReplicaLog._numbers,
    "summary": ReplicaLog._summary,
    "error": ReplicaLog._error,
    "imported": ReplicaLog._imported,
    "elapsed": ReplicaLog._elapsed,
}


def _lacking(group: str, named: str, fmt: LogFormat) -> str:
    return f"{named} " + ("finds it in no line" if group in fmt.groups else f"has no group {group}")


def total(values: Iterable[Any]) -> float | int | None:
    """The sum of what is a number; None when nothing is."""
    numbers: list[float | int] = [value for value in values if finite(value) is not None]
    return round(sum(numbers), 6) if numbers else None


@dataclass(kw_only=True)
class RunLog:
    """The logs of a run together. The chief's clock times the training; the others bear witness."""

    logs: dict[tuple[str, int], ReplicaLog]
    fmt: LogFormat
    train_steps: int
    started_wall: float | None = None
    ended_wall: float | None = None
    # Of the test set; None without one.
    target_accuracy: float | None = None
    # Of the chief's log, where nothing in it fits the format.
    first_line: str = ""
    # How its format was found, where the log had to tell it.
    recognised: Recognised | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def chief(self) -> ReplicaLog:
        return self.logs.get(CHIEF) or ReplicaLog(fmt=self.fmt, train_steps=self.train_steps)

    @property
    def evaluations(self) -> list[Evaluation]:
        """Of a run with a target accuracy, in the order of time; empty for any other."""
        return self.chief.evaluations.all() if self.chief.evaluations else []

    @property
    def reached(self) -> Evaluation | None:
        """The first evaluation at or above the target accuracy."""
        return self.chief.evaluations.reached if self.chief.evaluations else None

    @property
    def workers(self) -> list[ReplicaLog]:
        return [log for (replica, _index), log in self.logs.items() if replica == "worker"]

    @property
    def start_lines(self) -> int:
        """How many workers said that they stood at the start line."""
        return sum("start_line" in log.walls or log.start_step is not None for log in self.workers)

    @property
    def non_finite(self) -> str:
        return next((log.non_finite for log in self.workers if log.non_finite), "")

    @property
    def tensorflow(self) -> str:
        return next((log.tensorflow for log in self.logs.values() if log.tensorflow), "")

    @property
    def end(self) -> Mark | None:
        """Where the clock stops: at the target, or at the last line where nothing else can tell."""
        return self.chief.target or (self.chief.last if not self.fmt.is_ours or self.train_steps == 0 else None)

    def notes(self) -> list[str]:
        """What is known less well than it should be."""
        chief, notes = self.chief, []
        if self.recognised and self.recognised.note:
            notes.append(self.recognised.note)
        if trouble := self.trouble():
            notes.append(trouble)
        elif not self.fmt.is_ours and chief.elapsed is None and chief.start is not None:
            notes.append(f"no start line: train_seconds counts from the first line, step {chief.start.step}")
        if chief.clock_back:
            notes.append(f"the clock of worker 0 went back by {chief.clock_back:.6g} s")
        if chief.evaluations and (ignored := chief.evaluations.ignored):
            notes.append(
                f"{ignored} evaluations of worker 0 do not count: their accuracy is none from 0 to 1, or their time is unknown"
            )
        if chief.step_back:
            notes.append(f"the step of worker 0 went back by {chief.step_back}")
        if days := self._days_off():
            notes.append(f"the clock of worker 0 is {days} days off that of the run")
        for (replica, index), log in self.logs.items():
            if log.second:
                notes.append(f"a second training begins in {replica}-{index}.log {log.second}: only the first counts")
        return notes

    def trouble(self) -> str:
        """Why the chief's log gives no steps or no time at all; empty where it does."""
        chief, fmt = self.chief, self.fmt
        named = f"training_log_format {readable(fmt.name, 200)}"
        if CHIEF not in self.logs:
            return "there is no worker-0.log: without the chief there is no time"
        if self.recognised and self.recognised.trouble:
            return self.recognised.trouble
        if chief.events == 0:
            first = f"its first line is '{self.first_line}'" if self.first_line else "it is empty"
            return f"no line of worker-0.log fits {named}: {first}"
        if self.train_steps and chief.global_steps is None and chief.elapsed is None and not fmt.is_ours:
            return f"worker-0.log tells no step: {_lacking('step', named, fmt)}"
        if chief.clock is None and chief.elapsed is None:
            why = "wall and mono stand in no line" if fmt.is_ours else _lacking("time", named, fmt)
            return f"worker-0.log tells no time: {why}"
        return ""

    def shortfall(self) -> str:
        """What the chief's log shows of why the steps or the time are not enough; empty where it shows nothing."""
        chief = self.chief
        if chief.second:
            return f"a second training begins {chief.second}"
        if chief.events == 1:
            return f"only one line of worker-0.log fits training_log_format {readable(self.fmt.name, 200)}"
        if not self.fmt.is_ours and chief.global_steps is not None and chief.first_step == chief.global_steps:
            return f"the step never grew: it is {chief.first_step} in every line"
        if chief.clock is not None and chief.clock == chief.first_clock and not chief.clock_back:
            return f"the clock never moved: it is {chief.clock:.15g} in every line"
        return f"the step went back by {chief.step_back}" if chief.step_back else ""

    def _days_off(self) -> int:
        """Of a clock that tells the time of day; one that counts from elsewhere is as good."""
        first, started = self.chief.walls.get("progress"), self.started_wall
        seconds = 0.0 if first is None or started is None else abs(first - started)
        return int(seconds / DAY_SECONDS) if seconds < TEN_YEARS_SECONDS else 0

    def timings(self) -> dict[str, Any]:
        """Every key is always there; None stands for what the logs do not tell."""
        chief = self.chief
        seconds = self._train_seconds()
        return {
            "train_seconds": seconds,
            "startup_seconds": self._since_start("progress" if not self.fmt.is_ours else "start_line"),
            "total_seconds": self._total_seconds(),
            "global_steps": max(
                (log.global_steps for log in self.workers if log.global_steps is not None), default=None
            ),
            "steps_per_second": self._speed(chief.start, seconds),
            "steady_steps_per_second": self._speed(chief.warm, None),
            "cpu_seconds": self._sum("cpu_seconds"),
            "rss_peak_bytes": self._sum("rss_peak_bytes"),
            "accuracy": chief.accuracy,
            "loss": chief.loss,
            "start_global_step": max(
                (log.start_step for log in self.workers if log.start_step is not None), default=None
            ),
            "wait_seconds": self._sum("wait_seconds"),
            "throttled_seconds": self._sum("throttled_seconds"),
            "imported_seconds": self._since_start("imported"),
            "session_seconds": self._since_start("session_ready"),
            "spent_seconds": self._spent(),
            **(self._to_accuracy() if self.target_accuracy is not None else {}),
        }

    def _to_accuracy(self) -> dict[str, Any]:
        """Both are None where the run did not reach its target; then its training time is less than that to the target."""
        reached, told = self.reached, self.chief.summary
        cost = {key: finite(told.get(key)) for key in ("eval_seconds", "eval_cpu_seconds")}
        return {
            "seconds_to_accuracy": reached.seconds if reached and reached.seconds > 0 else None,
            "steps_to_accuracy": reached.global_step if reached else None,
            "eval_count": count(told.get("eval_count")),
            **{key: value if value is None or value >= 0 else None for key, value in cost.items()},
        }

    def _spent(self) -> dict[str, float] | None:
        """Each part over all workers; None when no worker tells."""
        told = [seconds for log in self.workers if isinstance(seconds := log.summary.get("seconds"), dict)]
        sums = {part: total(seconds.get(part) for seconds in told) for part in SPENT}
        known = {part: seconds for part, seconds in sums.items() if seconds is not None and seconds >= 0}
        return {part: known.get(part, 0.0) for part in SPENT} if known else None

    def _train_seconds(self) -> float | None:
        chief, end = self.chief, self.end
        seconds = chief.elapsed
        if seconds is None and chief.start is not None and end is not None:
            seconds = end.clock - chief.start.clock
        seconds = None if seconds is None else round(seconds, 6)
        return seconds if seconds is not None and seconds > 0 else None

    def _speed(self, begin: Mark | None, seconds: float | None) -> float | None:
        """Global steps per second from a mark to the end; `seconds` when they were measured already."""
        if begin is None or self.end is None:
            return None
        seconds = round(self.end.clock - begin.clock, 6) if seconds is None else seconds
        return round((self.end.step - begin.step) / seconds, 6) if seconds > 0 and self.end.step > begin.step else None

    def _since_start(self, event: str) -> float | None:
        """Seconds from the deployment to the chief's first such line; a clock that does not fit gives none."""
        wall = self.chief.walls.get(event)
        if wall is None or self.started_wall is None:
            return None
        seconds = wall - self.started_wall
        total = self._total_seconds()
        return round(seconds, 6) if seconds >= 0 and (total is None or seconds <= total) else None

    def _total_seconds(self) -> float | None:
        if self.started_wall is None or self.ended_wall is None or self.ended_wall < self.started_wall:
            return None
        return round(self.ended_wall - self.started_wall, 6)

    def _sum(self, key: str) -> float | int | None:
        """Over all replicas that tell; None when none does."""
        return total(log.summary.get(key) for log in self.logs.values())
