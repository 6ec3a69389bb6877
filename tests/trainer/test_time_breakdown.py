"""Where a worker's time goes: from traces that are made up, and from one that is real."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import RunCluster

KINDS = ("compute", "ps", "input", "telemetry", "throttled")


def stats(*nodes: tuple[str, str, int, int]) -> Any:
    """Nodes as (device, operation, start, end), in microseconds."""
    from tensorflow.core.framework import step_stats_pb2

    made = step_stats_pb2.StepStats()
    for device, operation, start, end in nodes:
        node = made.dev_stats.add(device=f"/job:{device}/replica:0/task:0/device:CPU:0").node_stats.add()
        # What comes over the network has a label of another form.
        label = "[8B] edge_1_x from /job:ps to /job:worker" if operation == "RecvTensor" else f"x = {operation}(y)"
        node.node_name, node.timeline_label = operation, label
        node.all_start_micros, node.op_start_rel_micros, node.op_end_rel_micros = start, 0, end - start
    return made


def test_operations_are_added_up_by_kind_and_waiting_is_none() -> None:
    from trainer.time_breakdown import seconds_of

    found = seconds_of(
        stats(
            ("worker", "MatMul", 0, 100),
            ("worker", "QueueDequeueManyV2", 100, 150),
            ("worker", "HistogramSummary", 150, 180),
            ("worker", "_Recv", 0, 900),
            ("worker", "RecvTensor", 0, 900),
            ("ps", "ResourceApplyAdam", 200, 800),
        )
    )
    assert found == pytest.approx({"compute": 100e-6, "input": 50e-6, "telemetry": 30e-6})


def test_operations_at_the_same_time_count_once() -> None:
    from trainer.time_breakdown import seconds_of

    found = seconds_of(stats(("worker", "MatMul", 0, 100), ("worker", "Gather", 0, 100)))
    assert sum(found.values()) == pytest.approx(100e-6)
    assert found["compute"] == found["input"]


def test_a_machine_that_became_faster_leaves_no_negative_wait() -> None:
    from trainer.time_breakdown import TimeBreakdown

    now = [0.0]

    def call(options: Any, metadata: Any) -> None:
        now[0] += 0.001
        if options is not None:
            metadata.step_stats.CopyFrom(stats(("worker", "MatMul", 0, 4000)))

    breakdown = TimeBreakdown(lambda: now[0], lambda: 0.0)
    for _number in range(7):
        breakdown.call(call)
    assert breakdown.split() == pytest.approx({**dict.fromkeys(KINDS, 0.0), "compute": 0.007})


def test_traced_calls_stand_for_all_and_the_rest_is_waiting() -> None:
    from trainer.time_breakdown import TimeBreakdown

    now, traced = [0.0], []

    def call(options: Any, metadata: Any) -> int:
        now[0] += 0.010
        if options is not None:
            traced.append(True)
            metadata.step_stats.CopyFrom(stats(("worker", "MatMul", 0, 4000)))
        return 7

    breakdown = TimeBreakdown(lambda: now[0], lambda: 0.0)
    assert [breakdown.call(call, steps=10) for _number in range(3)] == [7, 7, 7]
    assert breakdown.split() == {}
    for _number in range(7):
        breakdown.call(call, steps=10)
    with breakdown.on("input"):
        now[0] += 0.5
    # Of ten calls the fourth and the eighth.
    assert len(traced) == 2
    assert breakdown.split() == pytest.approx({**dict.fromkeys(KINDS, 0.0), "compute": 0.04, "ps": 0.06, "input": 0.5})


@pytest.mark.parametrize(("held", "expected"), [(0.25, 0.25), (3.0, 1.0)], ids=["a part", "more than all"])
def test_what_a_quota_holds_back_is_taken_from_all_in_proportion(held: float, expected: float) -> None:
    from trainer.time_breakdown import TimeBreakdown

    now, throttled = [0.0], [7.0]

    def call(options: Any, metadata: Any) -> None:
        now[0] += 0.125
        if options is not None:
            metadata.step_stats.CopyFrom(stats(("worker", "MatMul", 0, 62500)))

    breakdown = TimeBreakdown(lambda: now[0], lambda: throttled[0])
    for _number in range(8):
        breakdown.call(call)
    throttled[0] += held
    kept = (1 - expected) / 2
    parts = {"compute": kept, "ps": kept, "throttled": expected}
    assert breakdown.split() == pytest.approx({**dict.fromkeys(KINDS, 0.0), **parts})


@pytest.mark.parametrize("preset", ["fast", "thesis"])
def test_the_parts_make_up_the_training_time(run_cluster: RunCluster, preset: str) -> None:
    flags = ["--dataset", "synthetic", "--synthetic_examples", "6000", "--seed", "3", "--threads", "1"]
    outcome = run_cluster(*flags, "--preset", preset, "--train_steps", "300", ps=2)
    assert outcome.succeeded(), outcome
    seconds = outcome.chief.one("summary")["seconds"]
    assert tuple(seconds) == KINDS
    assert all(seconds[kind] > 0 for kind in KINDS[:4]), seconds
    took = outcome.chief.one("target_reached")["mono"] - outcome.chief.one("start_line")["mono"]
    assert 0.5 * took < sum(seconds.values()) <= took
    # Quiet, the thesis' loop takes 50 times as long for summaries as for computing, and `fast` a fortieth of it.
    assert (seconds["telemetry"] > seconds["compute"]) == (preset == "thesis")
