# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Utilisations, ceilings and the named cause, from records whose use is known."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import causes
from ansible_collections.tfscale.study.plugins.module_utils._study.records.record import Record

from tests.fixtures.ledgers import SPEC, record, with_usage


def made(seconds: float = 4.0, *, spec: dict[str, Any] | None = None, block: int = 1, **used: Any) -> dict[str, Any]:
    whole = {**SPEC, "ps": 1, "workers": 4, **(spec or {})}
    return with_usage(record(whole, block, seconds=seconds), **used)


def cause(*documents: dict[str, Any]) -> causes.Cause:
    return causes.cause_of([Record.of(document) for document in documents])


def stations(document: dict[str, Any]) -> dict[str, causes.Station]:
    return {one.kind: one for one in causes.stations_of(Record.of(document))}


def changed(document: dict[str, Any], replica: str, index: int, **facts: Any) -> dict[str, Any]:
    document = deepcopy(document)
    for one in document["evidence"]["replicas"]:
        if (one["replica"], one["index"]) == (replica, index):
            one["trained"].update(facts)
    return document


def pace(found: causes.Cause) -> Any:
    return found.straggler and (found.straggler.index, found.straggler.times)


def share(found: causes.Cause) -> tuple[str, str, float]:
    """The kind of the cause, the name of its station, and how full that is."""
    assert found.station
    return found.kind, found.station.name, round(found.station.utilisation, 2)


def test_full_processors_are_named_with_number_and_share() -> None:
    found = cause(made(busy=0.98, ps=0.4, worker=0.39))
    assert share(found) == (causes.PROCESSORS, "", 0.98)
    assert found.station
    assert (found.station.capacity, found.is_local, found.is_in_step, found.has_ps) == (2, True, False, True)


def test_utilisation_is_speed_times_demand_and_the_ceiling_one_over_it() -> None:
    """The utilisation law and the bottleneck bound, by hand: 2000 steps in 4 s, 6 of 8 processor seconds by the run itself."""
    station = stations(made(busy=0.80, own=0.75))[causes.PROCESSORS]
    assert station.utilisation == pytest.approx(0.80)
    assert station.demand(500.0) == pytest.approx(0.80 / 500)
    assert station.ceiling == pytest.approx(500 / 0.75)
    assert station.foreign == pytest.approx(0.05)


def test_ticks_do_not_make_more_than_all() -> None:
    found = stations(made(busy=1.02, ps=0.5, worker=0.39))
    assert found[causes.PROCESSORS].utilisation == 1.0


def test_load_of_other_programs_is_named_as_such() -> None:
    found = cause(made(busy=0.97, own=0.5))
    assert found.kind == causes.PROCESSORS
    assert found.station
    assert found.station.foreign == pytest.approx(0.47)
    # What others take may go away, so it does not bound the speed.
    assert found.ceiling == pytest.approx(1000)


def test_limit_of_the_run_is_named_before_processors_that_others_fill() -> None:
    document = changed(made(busy=1.0, own=0.6), "ps", 0, cpu_limit=1.0, cpu_seconds=3.6, allowed_cpus="0")
    assert cause(document).kind == causes.PS


def test_ps_at_its_limit() -> None:
    document = changed(made(busy=0.7), "ps", 0, cpu_limit=1.0, cpu_seconds=3.84, allowed_cpus="0")
    found = cause(document)
    assert share(found) == (causes.PS, "ps 0", 0.96)
    assert found.station
    assert (found.station.capacity, found.station.held) == (1.0, 0.0)
    assert found.station.ceiling == pytest.approx(500 / 0.96)


def test_workers_throttled_by_the_limits_of_their_pods() -> None:
    pods = made(spec={"backend": "job"}, busy=0.5, node="n1", cpus=4)
    for index in range(4):
        pods = changed(pods, "worker", index, cpu_limit=0.5, cpu_seconds=1.96, throttled_seconds=2.0)
    found = cause(pods)
    assert share(found) == (causes.WORKERS, "", 0.98)
    assert found.station
    assert (found.station.capacity, found.is_local) == (0.5, False)
    assert found.station.held == pytest.approx(0.5)


def test_a_limit_that_holds_back_below_its_average_is_named() -> None:
    pods = made(spec={"backend": "job"}, busy=0.5, node="n1", cpus=4)
    pods = changed(pods, "ps", 0, cpu_limit=1.0, cpu_seconds=2.0, throttled_seconds=1.6)
    found = cause(pods)
    assert (found.kind, found.station and found.station.name) == (causes.HELD_BACK, "ps 0")
    assert found.station
    assert found.station.held == pytest.approx(0.4)


def test_one_worker_of_many_at_its_limit_is_no_cause_unless_they_go_in_step() -> None:
    async_run = changed(made(busy=0.5), "worker", 2, cpu_limit=1.0, cpu_seconds=3.9, allowed_cpus="1")
    for index in (0, 1, 3):
        async_run = changed(async_run, "worker", index, cpu_limit=1.0, allowed_cpus=f"{index + 4}")
    assert cause(async_run).kind == causes.LATENCY
    in_step = {**async_run, "spec": {**async_run["spec"], "strategy": "sync_ps"}}
    assert share(cause(in_step)) == (causes.WORKERS, "worker 2", 0.97)


def test_processes_that_share_a_processor() -> None:
    document = made(busy=0.6, ps=0.5, worker=0.2)
    for replica, index, cpus in (("ps", 0, "0"), ("worker", 0, "1"), ("worker", 1, "0"), ("worker", 2, "1")):
        used = 2.0 if cpus == "0" else 0.8
        document = changed(document, replica, index, cpu_limit=1.0, allowed_cpus=cpus, cpu_seconds=used)
    found = cause(document)
    assert share(found) == (causes.SHARED, "ps 0 and worker 1", 1.0)


def test_link_to_the_ps() -> None:
    document = changed(made(busy=0.4), "ps", 0, link_bytes=470_000_000)
    document["provenance"]["link_mbit"] = 1000.0
    found = cause(document)
    assert share(found) == (causes.LINK, "ps 0", 0.94)
    assert found.ceiling == pytest.approx(500 / 0.94)


def test_ps_of_one_node_share_its_link() -> None:
    document = made(busy=0.4, spec={"ps": 2}, node="n1")
    for index in range(2):
        document = changed(document, "ps", index, link_bytes=240_000_000)
    document["provenance"]["link_mbit"] = 1000.0
    assert stations(document)[causes.LINK].utilisation == pytest.approx(0.96)
    document["evidence"]["replicas"][0]["node"] = "n2"
    assert stations(document)[causes.LINK].utilisation == pytest.approx(0.48)


def test_without_a_bandwidth_nothing_is_said_of_links() -> None:
    document = changed(made(busy=0.4), "ps", 0, link_bytes=470_000_000)
    assert causes.LINK not in stations(document)
    assert cause(document).kind == causes.LATENCY


def test_nothing_full_is_latency_with_what_is_known() -> None:
    found = cause(made(busy=0.61, ps=0.3, worker=0.2))
    assert (found.kind, found.station) == (causes.LATENCY, None)
    assert found.stations[0].utilisation == pytest.approx(0.61)
    assert found.ceiling == pytest.approx(909, abs=1)


@pytest.mark.parametrize(("index", "times"), [(2, 3.0), (0, 1.6)], ids=["clearly", "the chief"])
def test_straggler_among_workers_in_step_by_its_time_for_a_step(index: int, times: float) -> None:
    document = changed(made(busy=0.5, spec={"strategy": "sync_ps"}), "worker", index, working_seconds=2.0 * times)
    found = cause(document)
    assert (found.kind, found.straggler and found.straggler.index) == (causes.STRAGGLER, index)
    assert (pace(found), found.is_in_step) == ((index, pytest.approx(times)), True)


def test_straggler_among_asynchronous_workers_by_its_steps() -> None:
    document = changed(made(busy=0.5), "worker", 1, local_steps=200)
    assert pace(cause(document)) == (1, pytest.approx(2.5))


def test_workers_that_differ_a_little_have_no_straggler() -> None:
    document = changed(made(busy=0.5), "worker", 1, local_steps=400)
    assert cause(document).straggler is None


def test_a_straggler_is_named_if_it_is_the_same_worker_in_most_runs() -> None:
    documents = [
        changed(made(busy=0.5, spec={"strategy": "sync_ps"}, block=block), "worker", block, working_seconds=8.0)
        for block in (1, 2, 3)
    ]
    assert cause(*documents).kind == causes.LATENCY
    documents[2] = changed(made(busy=0.5, spec={"strategy": "sync_ps"}, block=3), "worker", 2, working_seconds=8.0)
    assert pace(cause(*documents)) == (2, pytest.approx(4.0))


def test_a_full_station_is_named_before_a_straggler() -> None:
    document = changed(made(busy=0.95, spec={"strategy": "sync_ps"}), "worker", 1, working_seconds=8.0)
    assert cause(document).kind == causes.PROCESSORS


def without_ps(document: dict[str, Any]) -> dict[str, Any]:
    document["evidence"]["replicas"] = [one for one in document["evidence"]["replicas"] if one["replica"] != "ps"]
    return document


def with_gpus(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "spec": {**document["spec"], "gpus": 1}}


def without_processors(document: dict[str, Any]) -> dict[str, Any]:
    del document["evidence"]["processors"]
    return document


@pytest.mark.parametrize("lacking", [without_ps, with_gpus, without_processors])
def test_latency_is_not_claimed_where_a_part_was_not_measured(lacking: Any) -> None:
    found = cause(lacking(made(busy=0.5)))
    assert (found.kind, found.station) == (causes.UNKNOWN, None)


def test_what_is_full_is_named_even_where_a_part_was_not_measured() -> None:
    assert cause(without_ps(made(busy=0.95))).kind == causes.PROCESSORS


def test_record_of_an_older_version_has_no_cause() -> None:
    assert cause(record(SPEC, 1, seconds=4.0)) == causes.Cause(kind=causes.UNKNOWN)
    assert causes.cause_of([]) == causes.Cause(kind=causes.UNKNOWN)


def whole_run(*, own: float, foreign: float = 0.0, train: float = 30.0, total: float = 40.0) -> dict[str, Any]:
    """A program of the user's own on two processors: of the training alone nothing is known."""
    made = record({**SPEC, "command": "train"}, 1, seconds=train)
    made["timings"] |= {"total_seconds": total, "cpu_seconds": own * 2 * total}
    made["evidence"]["host"] = {"cpus": 2, "foreign_share": foreign, "steal_share": 0.0}
    return made


def test_whole_run_of_another_program_shows_the_least_use_of_the_processors() -> None:
    """Of 40 s one second is idle. Had that been in the 30 s of training, they would still be busy for 29 s."""
    found = cause(whole_run(own=0.975))
    assert share(found) == (causes.PROCESSORS, "", 0.97)
    assert found.station
    assert found.station.is_bound
    assert found.ceiling is None


@pytest.mark.parametrize(
    "document",
    [whole_run(own=0.85), whole_run(own=0.95, train=4.0), whole_run(own=0.99, train=41.0)],
    ids=["idle enough to be half of it", "a short training", "longer than the run"],
)
def test_whole_run_that_may_have_been_idle_in_its_training_tells_nothing(document: dict[str, Any]) -> None:
    assert cause(document) == causes.Cause(kind=causes.UNKNOWN)


def test_whole_run_tells_of_other_programs() -> None:
    found = cause(whole_run(own=0.69, foreign=0.3))
    assert found.station
    assert found.station.foreign == pytest.approx(0.3)


def test_cause_of_a_cell_is_that_of_its_medians() -> None:
    documents = [made(busy=busy, ps=0.3, worker=0.35, block=block) for block, busy in ((1, 0.5), (2, 0.9), (3, 0.96))]
    found = cause(*documents)
    assert share(found) == (causes.PROCESSORS, "", 0.90)


def test_one_run_that_tells_does_not_speak_for_the_others() -> None:
    old = [record({**SPEC, "workers": 4}, block, seconds=4.0) for block in (1, 2)]
    assert cause(made(busy=0.95, block=3), *old).kind == causes.UNKNOWN


def test_the_fullest_of_several_nodes_is_named() -> None:
    pods = made(spec={"backend": "job", "nodes": 2}, busy=0.95, node="n1", own=0.9)
    there = deepcopy(pods["evidence"]["processors"][0]) | {"node": "n2", "busy_seconds": 4.0, "own_seconds": 4.0}
    pods["evidence"]["processors"].append(there)
    found = cause(pods)
    assert share(found) == (causes.PROCESSORS, "n1", 0.95)
    assert found.station
    assert (found.station.full, found.station.of) == (1, 2)
    there["busy_seconds"] = 7.2
    found = cause(pods)
    assert found.station
    assert (found.station.full, found.station.of) == (2, 2)


@pytest.mark.parametrize(
    ("provider", "boots"), [("kind", [None, None]), ("existing", ["b1", "b1"]), ("existing", ["b1", "b2"])]
)
def test_nodes_of_one_machine_are_one_station(provider: str, boots: list[str | None]) -> None:
    """Each node of Kind counts the whole machine: the replicas of the other nodes looked like other programs there."""
    pods = made(spec={"backend": "job", "provider": provider, "nodes": 2}, busy=0.96, node="n1", own=0.45, worker=0.36)
    there = deepcopy(pods["evidence"]["processors"][0]) | {"node": "n2"}
    pods["evidence"]["processors"].append(there)
    pods["evidence"]["replicas"][0]["node"] = "n2"
    pods["provenance"]["nodes"] = [{"name": f"n{n}", "boot_id": boot} for n, boot in enumerate(boots, start=1)]
    for index in range(4):
        pods = changed(pods, "worker", index, cpu_limit=0.4)
    found, station = cause(pods), stations(pods)[causes.PROCESSORS]
    if boots == ["b1", "b2"]:
        assert (share(found)[0], found.is_one_machine, station.of) == (causes.WORKERS, False, 2)
        assert station.foreign == pytest.approx(0.51)
        return
    assert share(found) == (causes.PROCESSORS, "", 0.96)
    assert (found.is_one_machine, found.is_local, station.of) == (True, False, 1)
    assert station.foreign == pytest.approx(0.06)
    assert station.ceiling == pytest.approx(500 / 0.9)
    # A ps without a limit has the processors of its node, whichever that is.
    assert stations(pods)[causes.PS].capacity == 2


@pytest.mark.parametrize(
    "evidence",
    [
        {"replicas": "no", "processors": 7},
        {"replicas": [{"replica": "ps", "index": None, "trained": {"cpu_seconds": "x", "cpu_limit": -1}}]},
        {
            "replicas": [{"trained": {"local_steps": 0}}],
            "processors": [{"cpus": 0, "seconds": 0, "busy_seconds": None}],
        },
        {"processors": [{"node": ["n"], "cpus": 2, "seconds": 4.0, "busy_seconds": 4.0}] * 2},
        {"processors": [{"cpus": 2, "seconds": 1e-99, "busy_seconds": 1e99, "own_seconds": float("inf")}]},
    ],
)
def test_any_evidence_is_read(evidence: dict[str, Any]) -> None:
    document = {**record(SPEC, 1, seconds=4.0), "evidence": evidence}
    found = cause(document)
    assert all(0 <= one.utilisation <= 1 for one in found.stations)
