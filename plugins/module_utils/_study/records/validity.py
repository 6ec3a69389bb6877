# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run may enter a figure: one table from evidence to verdict and reason. PRIVATE, can break at any time.

docs/validity.md shows the same table, with a remedy for each reason; a test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..._common.fields import count, finite, mapping, texts
from ..._common.format import counted, duration, figure, percent
from ..logs.replica_log import RunLog
from . import checks, log_clock

VALID, SUSPECT, VOID = "valid", "suspect", "void"
# Lines are timed in one thread and written by another: this much disorder is no clock that was set back.
CLOCK_TOLERANCE_SECONDS = 0.1
# A process may be held up between its looks at two clocks, and a time server moves a clock by no more than this share.
JUMP_SECONDS, JUMP_SHARE = 0.5, 0.001
# Clocks of nodes that a time server sets differ by milliseconds; those of pods and API server are in whole seconds.
GAP_SECONDS, OUTSIDE_SECONDS = 1.0, 3.0


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run, and the reasons of any other than valid."""

    verdict: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Shares (0 to 1) above which a run is suspect."""

    # Of the machine's processor time.
    max_steal_share: float = 0.10
    max_foreign_share: float = 0.25
    # Of a replica's training time.
    max_throttled_share: float = 0.10
    # Of the training time: the distance of the workers' start lines.
    max_skew_share: float = 0.05
    # Of the speed: its rise from one quarter of the steps to the next, up to the last.
    max_rise_share: float = 0.10
    # Of the median of the study's calibration kernels.
    max_drift_share: float = 0.15


def no_kernels(_told: Mapping[str, Any]) -> Sequence[float]:
    """Of a study without earlier runs on this machine."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that is known of a run: how it ended (training_wait), its logs, its spec, and the study's earlier kernels (s)."""

    wait: Mapping[str, Any]
    log: RunLog
    workers: int
    spec: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    kernels: Callable[[Mapping[str, Any]], Sequence[float]] = no_kernels

    @cached_property
    def timings(self) -> Mapping[str, Any]:
        return self.log.timings()

    @cached_property
    def evidence(self) -> Mapping[str, Any]:
        return mapping(self.wait.get("evidence"))

    @property
    def queue_seconds(self) -> float | None:
        """Until a queue admitted the run, before any other of its times began."""
        return finite(mapping(self.evidence.get("queue")).get("seconds"))

    @cached_property
    def failed(self) -> Mapping[str, Any]:
        """The replica with which a failed run ended."""
        return mapping(self.wait.get("failed_replica"))

    @property
    def after(self) -> str:
        steps = self.timings["global_steps"]
        return f" after step {steps}" if steps is not None else ""

    @property
    def ended_well(self) -> bool:
        """At its target, or at the deadline of a training without end."""
        outcome = self.wait.get("outcome")
        return outcome == "succeeded" or (outcome == "deadline" and self.log.train_steps == 0)

    @property
    def is_told(self) -> bool:
        """Whether it ended well and its log can be read: the consequences of another end are not reported beside it."""
        return self.ended_well and not self.log.trouble()

    @property
    def reached_step(self) -> int | None:
        """At which the target accuracy was reached."""
        return self.log.reached.global_step if self.log.reached else None

    @cached_property
    def drift(self) -> float | None:
        return checks.drift(self.wait, self.kernels)

    @cached_property
    def throttled(self) -> tuple[str, float] | None:
        return checks.throttled(self.log, self.wait)

    @cached_property
    def counted(self) -> tuple[int, int] | None:
        return checks.counted(self.log, self.spec)

    def measures(self) -> dict[str, Any]:
        """For a record's evidence: the figures that were held against a threshold, None where one is not known."""
        gap, jump = checks.gap(self.log), checks.jump(self.log)
        figures = {
            "throttled_share": self.throttled and self.throttled[1],
            "start_skew_seconds": checks.skew(self.log),
            "speed_rise_share": checks.rise(self.log),
            "local_steps": self.counted and self.counted[0],
            "clock_gap_seconds": gap and gap[1],
            "clock_jump_seconds": jump and jump[1],
            "accuracy_floor": checks.floor(self.spec, self.reached_step),
            "calibration_drift_share": self.drift,
        }
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


# Words for the places in a row's reason; a finder yields nothing where the row does not hold.
Found = Iterator[Mapping[str, str]]


# Endings of which the replica itself may know the cause.
BY_ITSELF = ("exited with", "was killed by")


def _failed_replica(case: Case) -> Found:
    if case.ended_well or case.wait.get("outcome") == "deadline" or not case.failed:
        return
    failed, signal = case.failed, case.failed.get("signal")
    replica, index = str(failed.get("replica")), str(failed.get("index"))
    ending = str(failed.get("ending") or "").removeprefix(f"{replica} {index} ") or (
        f"exited with code {failed.get('exit_code')}" if signal is None else f"was killed by signal {signal}"
    )
    reason = str(failed.get("reason") or "").removeprefix(f"{replica} {index} {ending}").strip(" :.;")
    own = next((log for name, log in case.log.logs.items() if name == (replica, failed.get("index") or 0)), None)
    said = own.error if own else ""
    # What a replica says that is taken away follows from that.
    why = said or reason if ending.startswith(BY_ITSELF) else reason or said
    told = {"replica": replica, "index": index, "ending": ending}
    yield {**told, "after": case.after, "why": f": {why}" if why else ""}


def _failed_run(case: Case) -> Found:
    if not (case.ended_well or case.failed or case.wait.get("outcome") == "deadline"):
        yield {"msg": str(case.wait.get("msg") or "the run failed")}


def _deadline(case: Case) -> Found:
    if case.wait.get("outcome") == "deadline" and not case.ended_well:
        waited = finite(case.wait.get("duration"))
        seconds = None if waited is None else max(0.0, waited - (case.queue_seconds or 0.0))
        later = "" if seconds is None else f", {duration(seconds)} after the start"
        yield {"after": case.after, "later": later}


def _restarts(case: Case) -> Found:
    restarts = count(case.evidence.get("restarts"))
    if restarts:
        yield {"restarts": counted(restarts, "restart")}


def _foreign_nodes(case: Case) -> Found:
    active, used = (texts(case.evidence.get(key)) for key in ("active_nodes", "nodes"))
    strange = [node for node in used if node not in active] if active else []
    if strange:
        yield {"nodes": ", ".join(strange), "active": ", ".join(active)}


def _images(case: Case) -> Found:
    images = texts(case.evidence.get("images"))
    if len(images) > 1:
        yield {"count": str(len(images)), "images": ", ".join(images)}


def _non_finite(case: Case) -> Found:
    said = case.log.non_finite
    if said and not any(said in found["why"] for found in _failed_replica(case)):
        yield {"said": said}


def _old_checkpoint(case: Case) -> Found:
    if case.ended_well and case.timings["start_global_step"]:
        yield {"step": str(case.timings["start_global_step"])}


def _trouble(case: Case) -> Found:
    if case.ended_well and (trouble := case.log.trouble()):
        yield {"trouble": trouble}


def _start_lines(case: Case) -> Found:
    if case.is_told and case.log.fmt.is_ours and case.log.start_lines < case.workers:
        yield {"told": str(case.log.start_lines), "workers": counted(case.workers, "worker")}


def _is_short(case: Case) -> bool:
    steps = case.log.train_steps
    return bool(steps) and case.log.reached is None and (case.timings["global_steps"] or 0) < steps


def _short(case: Case) -> Found:
    if case.is_told and _is_short(case):
        why = case.log.shortfall()
        steps = case.timings["global_steps"] or 0
        yield {"steps": str(steps), "wanted": str(case.log.train_steps), "why": f": {why}" if why else ""}


def _no_evaluation(case: Case) -> Found:
    target = case.log.target_accuracy
    if target is not None and case.is_told and not _is_short(case) and not case.log.evaluations:
        yield {"target": f"{target:g}"}


def _no_time(case: Case) -> Found:
    if case.is_told and not _is_short(case) and case.timings["train_seconds"] is None:
        yield {"why": case.log.shortfall() or "no step at the target was seen"}


def _miscounted(case: Case) -> Found:
    if case.is_told and not _is_short(case) and case.counted:
        own, wanted = case.counted
        if checks.miscounted(own, wanted, len(case.log.workers)):
            fault = "counted twice" if own < wanted else "lost"
            yield {"own": str(own), "wanted": str(wanted), "fault": fault}


def _host_share(case: Case, key: str, most: float) -> Found:
    share = finite(mapping(case.evidence.get("host")).get(key))
    if share is not None and share > most:
        yield {"share": percent(share), "most": percent(most)}


def _steal(case: Case) -> Found:
    yield from _host_share(case, "steal_share", case.thresholds.max_steal_share)


def _foreign_load(case: Case) -> Found:
    yield from _host_share(case, "foreign_share", case.thresholds.max_foreign_share)


def _throttled(case: Case) -> Found:
    if case.throttled and case.throttled[1] > (most := case.thresholds.max_throttled_share):
        who, share = case.throttled
        yield {"who": who, "share": percent(share), "most": percent(most)}


def _drift(case: Case) -> Found:
    most, drift = case.thresholds.max_drift_share, case.drift
    # Twice as slow and twice as fast are the same distance.
    if drift is not None and max(1.0 + drift, 1.0 / (1.0 + drift)) > 1.0 + most:
        yield {"times": figure(1.0 + drift), "most": percent(most)}


def _skew(case: Case) -> Found:
    skew, seconds = checks.skew(case.log), case.timings["train_seconds"]
    if skew is not None and seconds and skew > (most := case.thresholds.max_skew_share) * seconds:
        yield {"skew": duration(skew), "share": percent(skew / seconds), "most": percent(most)}


def _rise(case: Case) -> Found:
    rise = checks.rise(case.log)
    # Other programs that end during a training make it faster as well: that is their reason, not one of the training.
    is_disturbed = any(True for disturbance in (_steal, _foreign_load) for _found in disturbance(case))
    if not is_disturbed and rise is not None and rise > (most := case.thresholds.max_rise_share):
        yield {"share": percent(rise), "most": percent(most)}


def _log_clock(case: Case) -> Found:
    if found := log_clock.misfit(case.log):
        seconds, whole, unit = found
        told = "its times" if case.log.fmt.is_ours else "the times that training_log_format finds"
        counts = f", so it counts {unit}" if unit else ""
        yield {"seconds": figure(seconds), "whole": figure(whole), "counts": counts, "told": told}


def _clock_back(case: Case) -> Found:
    if case.log.chief.clock_back > CLOCK_TOLERANCE_SECONDS:
        yield {"seconds": duration(case.log.chief.clock_back)}


def _clock_jump(case: Case) -> Found:
    found, seconds = checks.jump(case.log), case.timings["total_seconds"] or 0.0
    if found and found[1] > JUMP_SECONDS + JUMP_SHARE * seconds:
        yield {"who": found[0], "seconds": duration(found[1])}


def _clock_gap(case: Case) -> Found:
    found = checks.gap(case.log)
    if found and abs(found[1]) > GAP_SECONDS:
        yield {
            "index": str(found[0]),
            "seconds": duration(abs(found[1])),
            "side": "before" if found[1] > 0 else "behind",
        }


def _clock_outside(case: Case) -> Found:
    found = checks.outside(case.log)
    if found and found[1] > OUTSIDE_SECONDS:
        yield {"who": found[0], "seconds": duration(found[1])}


def _accuracy(case: Case) -> Found:
    floor, accuracy = checks.floor(case.spec, case.reached_step), finite(case.timings["accuracy"])
    if floor is not None and accuracy is not None and accuracy < floor:
        of = f"{case.spec.get('model')} on {case.spec.get('dataset')}"
        yield {
            "accuracy": f"{accuracy:.3f}",
            "floor": f"{floor:.2f}",
            "of": of,
            "steps": str(case.reached_step or case.log.train_steps),
        }


@dataclass(frozen=True)
class Row:
    """One row of the table: the evidence as docs/validity.md names it, the verdict, and the words of the reason."""

    evidence: str
    verdict: str
    # A finder gives the words in braces.
    reason: str
    find: Callable[[Case], Found]

    def reasons(self, case: Case) -> Iterator[str]:
        return (self.reason.format_map(found) for found in self.find(case))


ROWS = (
    Row("a replica failed, was killed or evicted", VOID, "{replica} {index} {ending}{after}{why}", _failed_replica),
    Row("the run ended without a replica to blame", VOID, "{msg}", _failed_run),
    Row("the deadline passed before the last step", VOID, "the deadline passed{after}{later}", _deadline),
    Row("a replica was started again", VOID, "{restarts} of replicas", _restarts),
    Row(
        "a pod ran on a node that is not active",
        VOID,
        "pods ran on {nodes}, which is not among the active nodes {active}",
        _foreign_nodes,
    ),
    Row("the replicas' images differ", VOID, "the replicas ran {count} different images: {images}", _images),
    Row("the loss or the accuracy became NaN or infinite", VOID, "{said}", _non_finite),
    Row(
        "the training began at another step than 0",
        VOID,
        "training began at step {step}, not at 0: an old checkpoint was found",
        _old_checkpoint,
    ),
    Row("the chief's log has no steps or no times", VOID, "{trouble}", _trouble),
    Row(
        "a worker did not report the start line", VOID, "only {told} of {workers} reported the start line", _start_lines
    ),
    Row("the training ended before its last step", VOID, "training ended at step {steps} of {wanted}{why}", _short),
    Row(
        "the chief's log has no evaluation, although the run had a target accuracy",
        VOID,
        "worker-0.log tells no evaluation (accuracy, step and time), so that nobody knows whether the accuracy reached {target}",
        _no_evaluation,
    ),
    Row("the chief's log has no time at the target", VOID, "the chief's log gives no training time: {why}", _no_time),
    Row(
        "the workers' steps do not add up to the global steps",
        VOID,
        "the workers made {own} steps, but the global steps ask for {wanted}: steps were {fault}",
        _miscounted,
    ),
    Row("stolen processor time", SUSPECT, "CPU steal was {share} of the machine, more than {most}", _steal),
    Row("load of other programs", SUSPECT, "foreign load took {share} of the machine, more than {most}", _foreign_load),
    Row(
        "a replica was throttled",
        SUSPECT,
        "{who} was held back by its CPU limit for {share} of its training, more than {most}",
        _throttled,
    ),
    Row(
        "the calibration kernel drifted",
        SUSPECT,
        "the calibration kernel took {times} times the median of the study, which is more than {most} away",
        _drift,
    ),
    Row(
        "the workers started apart",
        SUSPECT,
        "the workers' start lines lie {skew} apart, {share} of the training, more than {most}",
        _skew,
    ),
    Row(
        "no steady state",
        SUSPECT,
        "the speed rose by {share} or more from each quarter of the steps to the next, more than {most}: no steady state",
        _rise,
    ),
    Row(
        "the log's time does not fit the run's",
        SUSPECT,
        "the log's clock says {seconds} s, but the run took {whole} s{counts}: {told} must be in seconds",
        _log_clock,
    ),
    Row("the chief's clock went back", SUSPECT, "the clock of worker 0 went back by {seconds}", _clock_back),
    Row(
        "a replica's clocks disagree",
        SUSPECT,
        "the clocks of {who} disagree: its time of day moved by {seconds} against the clock that never jumps",
        _clock_jump,
    ),
    Row(
        "two workers' clocks disagree",
        SUSPECT,
        "the clock of worker {index} is {seconds} {side} that of worker 0",
        _clock_gap,
    ),
    Row(
        "a replica's clock does not fit the run's",
        SUSPECT,
        "the clock of {who} is {seconds} off that of the run",
        _clock_outside,
    ),
    Row(
        "the accuracy is under the floor",
        SUSPECT,
        "the accuracy is {accuracy}, but every sound training of {of} reaches {floor} in {steps} steps",
        _accuracy,
    ),
)


def judge(case: Case) -> Verdict:
    """The verdict of the first kind that any row gives, with the reasons of all rows of that kind. Never raises."""
    for verdict in (VOID, SUSPECT):
        reasons = tuple(reason for row in ROWS if row.verdict == verdict for reason in row.reasons(case))
        if reasons:
            return Verdict(verdict, reasons)
    return Verdict(VALID)
