# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of pods behind an API server that breaks, forgets and refuses; no test takes any time and none starts a thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.base import Observation, outcome
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes import backend as kubernetes
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.backend import KubernetesBackend, Run
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import GARBLED, ApiError
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import USAGE

from tests.fixtures import clusters, kueue
from tests.fixtures.clusters import FakeApi, condition, event, pod, refusal, running, terminated

NAMES = {kind: f"tf-{clusters.RUN_ID}-1-{kind}" for kind in ("ps", "worker")}


class World:
    """A run on a cluster and a clock that moves only when somebody sleeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api = FakeApi()
        self.api.lists["jobs"] = [clusters.workload("ps", 1), clusters.workload("worker", 2)]
        self.api.lists["pods"] = [
            pod("ps", state=running()),
            *(pod("worker", index, state=running()) for index in (0, 1)),
        ]
        self.now = 0.0
        self.threads: list[Callable[[], None]] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def backend(self, workload: str = "job", **more: Any) -> KubernetesBackend:
        run = Run(namespace="tfscale", run_id=clusters.RUN_ID, attempt=1, workload=workload)
        backend = KubernetesBackend(
            self.api,  # type: ignore[arg-type]
            run,
            run_dir=self.folder,
            clock=lambda: self.now,
            wall=lambda: clusters.CREATED_WALL + 100 + self.now,
            sleep=self.sleep,
            start=self.threads.append,
            **more,
        )
        self.api.on_exhausted = backend._watcher.stop
        return backend

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()

    def watch(self) -> None:
        """What the first thread does until the script is at its end."""
        self.threads[0]()

    def asked(self, verb: str, resource: str = "") -> list[dict[str, Any]]:
        return [query for what, path, query in self.api.asked if what == verb and path.endswith(resource)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "logs")


def ended(*codes: int) -> list[Any]:
    return [event("MODIFIED", pod("worker", index, state=terminated(code))) for index, code in enumerate(codes)]


def states(seen: Observation) -> list[str]:
    return [one.state for one in seen.replicas]


def test_observe_of_a_run_that_ends_well(world: World) -> None:
    backend = world.backend()
    before = backend.observe()
    assert (states(before), outcome(before)) == (["pending"] * 3, None)
    assert before.started_wall == clusters.CREATED_WALL
    world.api.watches = [[*ended(0, 0)]]
    world.watch()
    seen = backend.observe()
    assert (states(seen), outcome(seen)) == (["running", "succeeded", "succeeded"], "succeeded")
    assert seen.ended_wall == clusters.CREATED_WALL + 41
    assert len(world.threads) == 2
    assert world.folder.is_dir()


@pytest.mark.parametrize(("index", "expected"), [(0, "succeeded"), (1, None)])
def test_observe_of_a_run_that_ends_with_its_chief(world: World, index: int, expected: str | None) -> None:
    for one in world.api.lists["jobs"]:
        one["metadata"].setdefault("labels", {})["tfscale.study/ends"] = "chief"
    backend = world.backend()
    world.api.watches = [[event("MODIFIED", pod("worker", index, state=terminated(0)))]]
    world.watch()
    assert outcome(backend.observe()) == expected


def test_observe_asks_nothing_while_nothing_happens(world: World) -> None:
    backend = world.backend()
    world.watch()
    before = world.api.requests
    for _look in range(1000):
        world.now += 0.02
        backend.observe()
    assert world.api.requests == before


def test_observe_of_a_failure_ends_the_run_at_once(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[*ended(3)]]
    world.watch()
    seen = backend.observe()
    assert (outcome(seen), states(seen)) == ("failed", ["running", "failed", "running"])
    assert seen.first_failure is not None
    assert seen.first_failure.ending == "worker 0 exited with code 3"
    assert seen.ended_wall == clusters.CREATED_WALL + 41


def test_requests_name_the_run_and_where_to_go_on(world: World) -> None:
    world.backend()
    world.api.watches = [[event("MODIFIED", pod("ps", state=running()), "41")], []]
    world.watch()
    selector = f"tfscale.study/run={clusters.RUN_ID},tfscale.study/attempt=1"
    assert {query["labelSelector"] for _verb, _path, query in world.api.asked} == {selector}
    assert [query["since"] for query in world.asked("watch")] == ["5", "41", "41"]
    assert world.asked("list", "pods") == [{"labelSelector": selector}]


@pytest.mark.parametrize(("workload", "size"), [("job", "completions"), ("statefulset", "replicas")])
def test_workloads_tell_how_many_replicas_there_are(world: World, workload: str, size: str) -> None:
    worker = clusters.workload("worker", 3, size)
    del worker["spec"][size]
    world.api.lists |= {"jobs": [], "statefulsets": []}
    world.api.lists[f"{workload}s"] = [worker, clusters.workload("ps", 2, size)]
    seen = world.backend(workload).observe()
    # Kubernetes' default is one.
    assert [(one.replica, one.index) for one in seen.replicas] == [("ps", 0), ("ps", 1), ("worker", 0)]


@pytest.mark.parametrize("found", [[], [clusters.workload("ps", 1)]])
def test_backend_of_a_run_that_is_not_there(world: World, found: list[Any]) -> None:
    world.api.lists["jobs"] = found
    with pytest.raises(BackendError) as caught:
        world.backend()
    assert str(caught.value) == (
        f"run {clusters.RUN_ID} (attempt 1) has no job of workers in namespace tfscale: deploy it first"
    )
    assert world.threads == []


def test_watch_that_is_told_that_its_version_is_too_old_lists_again(world: World) -> None:
    backend = world.backend()
    world.api.lists["pods"] = iterated(
        [pod("ps", state=running())], [pod("ps", state=running()), pod("worker", 0, state=terminated(0))]
    )
    world.api.watches = [[refusal(410)], [event("BOOKMARK", pod("ps"), "77")], [*ended(0, 0)]]
    world.watch()
    assert [query["since"] for query in world.asked("watch")] == ["5", "5", "77", "8"]
    assert len(world.asked("list", "pods")) == 2
    assert outcome(backend.observe()) == "succeeded"
    # What was asked for was told: nothing broke.
    assert backend._watcher.breaks == 0


def iterated(*answers: Any) -> Callable[[], Any]:
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_watch_goes_on_after_a_server_that_was_away(world: World) -> None:
    backend = world.backend()
    world.api.watches = [
        [event("MODIFIED", pod("worker", 0, state=terminated(0)), "9"), refusal(0)],
        *[[refusal(status)] for status in (0, 503, 429, 500) for _time in range(20)],
        [*ended(0, 0)],
    ]
    world.watch()
    seen = backend.observe()
    assert (outcome(seen), seen.lost) == ("succeeded", "")
    assert {query["since"] for query in world.asked("watch")[1:-1]} == {"9"}
    assert world.now < kubernetes.LOST_SECONDS


def test_watch_gives_up_a_server_that_stays_away(world: World) -> None:
    backend = world.backend()
    world.api.lists["pods"] = refusal(0, "cluster x does not answer")
    world.watch()
    seen = backend.observe()
    assert outcome(seen) == "failed"
    assert seen.lost == "nothing was heard of the run for 2 min: cluster x does not answer"
    assert world.now == pytest.approx(kubernetes.LOST_SECONDS, abs=1)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_watch_gives_up_at_once_where_it_was_never_let_in(world: World, status: int) -> None:
    backend = world.backend()
    world.api.watches = [[refusal(status, "user x may not watch pods")]]
    world.watch()
    assert (backend.observe().lost, world.now) == ("user x may not watch pods", 0.0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_watch_gives_up_where_it_is_not_let_in_any_more(world: World, status: int) -> None:
    backend = world.backend()
    world.api.watches = [[event("BOOKMARK", pod("ps")), refusal(0)]]
    world.api.watches += [[refusal(status, "user x may not watch pods")] for _time in range(100)]
    world.watch()
    assert (backend.observe().lost, world.now) == ("user x may not watch pods", kubernetes.REFUSED_SECONDS)


def test_watch_counts_only_the_time_in_which_the_server_was_away(world: World) -> None:
    backend = world.backend()

    def late() -> Any:
        world.now += 1000.0
        return refusal(0)

    world.api.watches = [[event("BOOKMARK", pod("ps")), late], [refusal(403)], [event("BOOKMARK", pod("ps")), late]]
    world.watch()
    assert (backend.observe().lost, backend._watcher.breaks) == ("", 3)


def test_watch_bears_a_server_that_does_not_know_its_roles_yet(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[event("BOOKMARK", pod("ps")), refusal(0)], [refusal(403)], [refusal(403)], [*ended(0, 0)]]
    world.watch()
    assert outcome(backend.observe()) == "succeeded"


STRANGE = {"metadata": {"resourceVersion": "9"}}


@pytest.mark.parametrize(
    "told",
    [
        {"type": "MODIFIED", "object": STRANGE},
        {
            "type": "MODIFIED",
            "object": {**pod("ps"), "status": "Running", "metadata": {**pod("ps")["metadata"], **STRANGE["metadata"]}},
        },
        ApiError("cluster x does not answer as Kubernetes does", reason=GARBLED),
    ],
    ids=["no pod", "a status of another type", "no event"],
)
def test_watch_of_something_unheard_of_begins_anew(world: World, told: Any) -> None:
    backend = world.backend()
    world.api.watches = [[told], [*ended(0, 0)]]
    world.watch()
    assert (outcome(backend.observe()), backend.observe().lost) == ("succeeded", "")
    # What came meanwhile is told by a list only.
    assert len(world.asked("list", "pods")) == 2
    assert [query["since"] for query in world.asked("watch")[:2]] == ["5", "5"]
    assert backend._watcher.breaks == 1


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        ([STRANGE], "the pods cannot be watched: KeyError: 'spec'"),
        (ApiError("cluster x answers with a page of HTML", reason=GARBLED), "cluster x answers with a page of HTML"),
    ],
)
def test_watch_gives_up_a_server_that_never_answers_as_one(world: World, pods: Any, told: str) -> None:
    backend = world.backend()
    world.api.lists["pods"] = pods
    world.watch()
    assert backend.observe().lost == f"nothing was heard of the run for 2 min: {told}"
    assert world.now == pytest.approx(kubernetes.LOST_SECONDS, abs=1)


def test_watch_that_is_never_to_be_trusted_lives_by_lists(world: World) -> None:
    backend = world.backend()
    garbled = ApiError("cluster x does not answer as Kubernetes does", reason=GARBLED)
    world.api.watches = [[garbled] for _time in range(1000)]
    lists = [[pod("ps", state=running()), pod("worker", 0, state=running())]] * 999
    world.api.lists["pods"] = iterated(
        *lists, [pod("ps", state=running()), *(pod("worker", index, state=terminated(0)) for index in (0, 1))]
    )
    world.watch()
    assert (outcome(backend.observe()), backend.observe().lost) == ("succeeded", "")


def test_watch_does_not_spin_on_a_server_that_ends_each_watch_at_once(world: World) -> None:
    world.backend()
    world.api.watches = [[], [], []]
    world.watch()
    assert world.now == pytest.approx(4 * kubernetes.PAUSE_SECONDS)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2", "exceeded quota: pods"),
        ('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', "violates PodSecurity"),
        ('error looking up service account tfscale/x: serviceaccount "x" not found', 'serviceaccount "x" not found'),
    ],
)
def test_observe_names_why_pods_do_not_come(world: World, message: str, told: str) -> None:
    world.api.lists["pods"] = [pod("ps", state=running()), pod("worker", 0, state=running())]
    refused = f'Error creating: pods "{NAMES["worker"]}-1-x" is forbidden: {message}'
    world.api.lists["events"] = [clusters.warning(NAMES["worker"], "FailedCreate", refused)]
    backend = world.backend()
    world.watch()
    world.now = kubernetes.MISSING_SECONDS - 0.1
    assert outcome(backend.observe()) is None
    world.now = kubernetes.MISSING_SECONDS
    seen = backend.observe()
    assert outcome(seen) == "failed"
    assert seen.first_failure is not None
    assert seen.first_failure.ending == "worker 1 was not created"
    assert seen.first_failure.reason.startswith("the cluster refuses its pod: ")
    assert told in seen.first_failure.reason


def test_observe_looks_for_missing_pods_more_and_more_seldom(world: World) -> None:
    world.api.lists["pods"] = [pod("ps")]
    backend = world.backend()
    world.watch()
    while world.now < 300:
        world.now += 0.5
        assert outcome(backend.observe()) is None
    assert len(world.asked("list", "events")) == 7


def test_observe_does_not_need_the_right_to_read_events(world: World) -> None:
    world.api.lists |= {"pods": [pod("ps")], "events": refusal(403)}
    backend = world.backend()
    world.watch()
    world.now = 10.0
    assert outcome(backend.observe()) is None


def test_observe_gives_up_a_run_whose_pods_never_come(world: World) -> None:
    world.api.lists["pods"] = []
    backend = world.backend()
    world.watch()
    for world.now in (3.0, 60.0, kubernetes.ABSENT_SECONDS):
        seen = backend.observe()
    assert seen.lost == f"no pod of run {clusters.RUN_ID} came within 2 min"


def test_observe_of_a_chief_that_says_nothing_any_more(world: World) -> None:
    backend = world.backend(stall_seconds=30.0)
    world.api.documents["node-a"] = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    world.watch()
    log = world.folder / "worker-0.log"
    for world.now in (20.0, 40.0, 60.0):
        log.write_text(f"line at {world.now}\n" * int(world.now))
        assert outcome(backend.observe()) is None
    world.now = 89.0
    assert outcome(backend.observe()) is None
    world.now = 90.0
    seen = backend.observe()
    assert seen.lost == "worker 0 has said nothing for 30 s and node node-a is not ready"


def test_observe_of_a_silent_chief_whose_pod_prints_its_counters(world: World) -> None:
    world.api.documents["node-a"] = refusal(403)
    backend = world.backend(stall_seconds=30.0)
    world.watch()
    log = world.folder / "worker-0.log"
    log.write_bytes(b"step 1\n")
    assert outcome(backend.observe()) is None
    half = len(USAGE) // 2
    for world.now, said in ((10.0, b"\n" + USAGE + b"1}\n\n"), (20.0, USAGE[:half]), (29.0, USAGE[half:] + b"2}\n")):
        with log.open("ab") as file:
            file.write(said)
        assert outcome(backend.observe()) is None
    world.now = 31.0
    assert backend.observe().lost.startswith("worker 0 has said nothing for 3")


@pytest.mark.parametrize("answer", [refusal(403), {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}])
def test_observe_of_a_silent_chief_does_not_need_the_right_to_see_nodes(world: World, answer: Any) -> None:
    backend = world.backend(stall_seconds=30.0)
    world.api.documents["node-a"] = answer
    world.watch()
    world.now = 30.0
    assert backend.observe().lost == "worker 0 has said nothing for 30 s"


def test_finish_saves_all_logs_and_tells_the_evidence(world: World) -> None:
    backend = world.backend(nodes=["node-a", "node-b"])
    world.api.watches = [[*ended(0, 0)]]
    world.watch()
    for kind, index in (("ps", 0), ("worker", 0), ("worker", 1)):
        world.api.logs[f"{NAMES[kind]}-{index}", False] = [b"line\n"]
    world.threads[1]()
    seen = backend.finish(backend.observe())
    assert outcome(seen) == "succeeded"
    assert sorted(path.name for path in world.folder.glob("*.log")) == ["ps-0.log", "worker-0.log", "worker-1.log"]
    # Jobs, pods, the watch twice, three logs, pods of others: each log once.
    assert sorted(pod for pod, _way in world.api.opened()) == [
        f"{NAMES['ps']}-0",
        f"{NAMES['worker']}-0",
        f"{NAMES['worker']}-1",
    ]
    assert seen.evidence == {
        "restarts": 0,
        "nodes": ["node-a"],
        "active_nodes": ["node-a", "node-b"],
        "images": ["sha256:aa"],
        "foreign_pods": 3,
        "api_requests": world.api.requests,
        "notes": [],
    }
    assert world.api.requests == 8
    assert world.now == kubernetes.PAUSE_SECONDS * 2


MARK = {"version": 1, "namespace": "tfscale", "run_id": clusters.RUN_ID, "attempt": 1}


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ({"worker-0.log": "mine"}, "worker-0.log"),
        ({"ps-3.restarted.log": "mine"}, "ps-3.restarted.log"),
        ({".worker-1.log": "mine"}, ".worker-1.log"),
        ({"pods.json": "mine", "worker-0.log": "mine"}, "pods.json"),
        ({"pods.json": "[" * 10**5, "worker-0.log": "mine"}, "pods.json"),
        ({"pods.json": json.dumps({**MARK, "attempt": 2}), "worker-0.log": "mine"}, "pods.json"),
        ({"pods.json": json.dumps({**MARK, "namespace": "theirs"}), "worker-0.log": "mine"}, "pods.json"),
    ],
)
def test_backend_refuses_a_folder_with_logs_of_others(world: World, planted: dict[str, str], named: str) -> None:
    world.folder.mkdir()
    for name, text in planted.items():
        (world.folder / name).write_text(text)
    with pytest.raises(BackendError) as caught:
        world.backend()
    assert f"{world.folder} (run_dir) holds {named}, which is not of this run" in str(caught.value)
    assert {path.name: path.read_text() for path in world.folder.iterdir()} == planted
    assert world.threads == []


def test_backend_writes_through_no_link(world: World, tmp_path: Path) -> None:
    world.backend()
    (tmp_path / "notes").write_text("mine")
    (world.folder / "worker-0.log").symlink_to(tmp_path / "notes")
    with pytest.raises(BackendError, match=r"worker-0\.log, which is no plain file"):
        world.backend()
    assert (tmp_path / "notes").read_text() == "mine"


def test_backend_goes_on_in_a_folder_of_its_own_attempt(world: World) -> None:
    world.folder.mkdir()
    (world.folder / "notes.txt").write_text("mine")
    world.backend()
    (world.folder / "worker-0.log").write_text("of an earlier wait")
    world.backend()
    world.api.watches = [[*ended(0, 0)]]
    world.threads[2]()
    world.api.logs = {(f"{NAMES[kind]}-{index}", False): [b"line\n"] for kind in NAMES for index in (0, 1)}
    world.threads[3]()
    assert (world.folder / "worker-0.log").read_text() == "line\n"
    assert (world.folder / "notes.txt").read_text() == "mine"


def test_finish_saves_the_chiefs_log_again_when_a_connection_broke(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[refusal(0)], [*ended(0, 0)]]
    world.watch()
    world.api.logs = {(f"{NAMES[kind]}-{index}", False): [b"x"] for kind in NAMES for index in (0, 1)}
    world.threads[1]()
    seen = backend.finish(backend.observe())
    assert [name for name, _way in world.api.opened()].count(f"{NAMES['worker']}-0") == 2
    assert seen.evidence["notes"] == ["the watch of the pods broke 1 time"]


def test_finish_of_a_failed_run_waits_for_the_cause(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[*ended(1)]]
    world.watch()
    killed = pod("ps", state=terminated(137, reason="OOMKilled"), memory="64Mi")
    world.on_sleep = lambda: backend._pods.take("MODIFIED", killed)
    seen = backend.finish(backend.observe())
    assert seen.first_failure is not None
    assert seen.first_failure.replica == "ps"
    assert world.now == kubernetes.PAUSE_SECONDS * 2 + kubernetes.SETTLE_SECONDS


def test_finish_of_a_failure_with_a_cause_does_not_wait(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[event("MODIFIED", pod("ps", state=running(), deleting=True))]]
    world.watch()
    before = world.now
    seen = backend.finish(backend.observe())
    assert seen.first_failure is not None
    assert (seen.first_failure.ending, world.now) == ("ps 0 was deleted", before)


def test_finish_without_logs_is_a_note_and_no_failure(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[*ended(0, 0)]]
    world.watch()
    world.api.logs = {(f"{NAMES[kind]}-{index}", False): refusal(500) for kind in NAMES for index in (0, 1)}
    seen = backend.finish(backend.observe())
    assert outcome(seen) == "succeeded"
    assert seen.evidence["notes"][0].startswith("3 logs, the first that of ")


def test_finish_at_the_deadline_names_what_is_waited_for(world: World) -> None:
    world.api.lists["pods"] = [pod("worker", 0, state=running()), pod("worker", 1)]
    world.api.lists["events"] = [clusters.warning(f"{NAMES['worker']}-1", "FailedMount", 'configmap "x" not found.')]
    backend = world.backend()
    world.watch()
    seen = backend.finish(backend.observe())
    assert outcome(seen) is None
    assert [one.reason for one in seen.replicas] == ["", "", 'configmap "x" not found']


@pytest.mark.parametrize(
    ("found", "count"),
    [
        ([], 0),
        (refusal(403), None),
        ([pod("worker", 5), {"metadata": {}, "spec": {"nodeName": "elsewhere"}}], 1),
        (
            [
                {"metadata": {"ownerReferences": [{"kind": kind}]}, "spec": {"nodeName": "node-a"}}
                for kind in ("DaemonSet", "Node", "Job")
            ],
            1,
        ),
    ],
)
def test_finish_counts_foreign_pods_where_it_may(world: World, found: Any, count: int | None) -> None:
    backend = world.backend()
    world.watch()
    world.api.lists["pods"] = found
    assert backend.finish(backend.observe()).evidence["foreign_pods"] == count
    query = world.api.asked[-1]
    assert query[1] == "/api/v1/pods"
    assert query[2] == {
        "labelSelector": f"tfscale.study/run!={clusters.RUN_ID}",
        "fieldSelector": "status.phase=Running,spec.nodeName=node-a",
        "resourceVersion": "0",
    }


def test_finish_does_not_look_for_foreign_pods_without_a_node(world: World) -> None:
    world.api.lists["pods"] = [pod("ps", status=condition("PodScheduled", "False", "SchedulingGated"))]
    del world.api.lists["pods"][0]["spec"]["nodeName"]
    backend = world.backend()
    world.watch()
    evidence = backend.finish(backend.observe()).evidence
    assert (evidence["foreign_pods"], evidence["nodes"], evidence["images"]) == (None, [], [])


def test_log_of_is_where_the_logs_are_saved(world: World) -> None:
    assert world.backend().log_of("ps", 3) == world.folder / "ps-3.log"


# --- a queue of Kueue ---------------------------------------------------------------------------------------------------


@pytest.fixture
def queued(world: World) -> World:
    """Kueue has the Jobs and has admitted neither."""
    for kind, one in zip(("ps", "worker"), world.api.lists["jobs"], strict=True):
        one["metadata"] |= {"uid": f"uid-{kind}", "labels": {"kueue.x-k8s.io/queue-name": "team"}}
    world.api.lists["pods"] = []
    world.api.lists["workloads"] = [kueue.pending("uid-ps"), kueue.pending("uid-worker")]
    return world


def admit(world: World, *more: Any) -> None:
    world.api.lists["workloads"] = [kueue.admitted("uid-ps", 5), kueue.admitted("uid-worker", 9)]
    world.now += 1.0


def test_observe_of_a_run_in_a_queue_counts_nothing_before_its_admission(queued: World) -> None:
    backend = queued.backend(stall_seconds=5.0, start_seconds=5.0)
    queued.now = 500.0
    seen = backend.observe()
    assert (seen.waits_for, seen.because) == ("quota in queue team (ps, worker)", kueue.NO_QUOTA)
    assert (seen.started_wall, seen.lost, outcome(seen)) == (None, "", None)
    admit(queued)
    seen = backend.observe()
    assert (seen.waits_for, seen.started_wall) == ("", clusters.CREATED_WALL + 39)
    assert queued.asked("list", "events") == []


def test_observe_gives_a_run_up_that_its_queue_does_not_admit(queued: World) -> None:
    backend = queued.backend(queue_deadline=10.0)
    queued.now = 10.0
    seen = backend.observe()
    assert outcome(seen) == "failed"
    assert "training_queue_deadline" in seen.lost
    assert backend.finish(seen).evidence["queue"] == {"name": "team", "cluster_queue": None, "seconds": None}


def test_finish_tells_how_long_a_queue_let_the_run_wait(queued: World) -> None:
    backend = queued.backend()
    backend.observe()
    admit(queued)
    found = backend.finish(backend.observe())
    assert found.evidence["queue"] == {"name": "team", "cluster_queue": "team-cq", "seconds": 39.0}


def test_finish_of_a_run_without_a_queue_tells_of_none(world: World) -> None:
    backend = world.backend()
    assert "queue" not in backend.finish(backend.observe()).evidence
    assert world.asked("list", "workloads") == []


def test_finish_names_kueue_where_it_took_the_pods_away(queued: World) -> None:
    """Kueue suspends the Job, and its controller deletes the pods as anybody would; a ps that is gone takes the workers with it."""
    backend = queued.backend()
    admit(queued)
    backend.observe()
    queued.api.lists["pods"] = [pod("ps", state=running()), *(pod("worker", one, state=running()) for one in (0, 1))]
    gone = pod("ps", state=running(), deleting=True)
    queued.api.watches = [[*ended(1), event("MODIFIED", gone), event("DELETED", gone)]]
    queued.api.lists["workloads"] = [kueue.preempted("uid-ps"), kueue.admitted("uid-worker", 9)]
    queued.watch()
    seen = backend.finish(backend.observe())
    assert outcome(seen) == "failed"
    assert seen.first_failure is not None
    assert seen.first_failure.ending == "ps 0 was preempted by Kueue"
    assert seen.first_failure.reason == kueue.PREEMPTED


def test_observe_ends_a_run_whose_pods_kueue_took_away_before_they_came(queued: World) -> None:
    backend = queued.backend()
    admit(queued)
    backend.observe()
    queued.api.lists["workloads"] = [kueue.admitted("uid-ps", 5), kueue.preempted("uid-worker")]
    queued.watch()
    queued.now += 3.0
    assert backend.observe().lost == f"the run was preempted by Kueue: {kueue.PREEMPTED}"


def test_observe_ends_a_run_that_kueue_admits_but_does_not_start(queued: World) -> None:
    """Kueue 0.17 with a TrainJob of Kubeflow Trainer 2.0: it does not find the field that it starts it by."""
    name = NAMES["worker"]
    queued.api.documents[name] = {"metadata": {"name": name}, "spec": {"suspend": True}}
    backend = queued.backend()
    admit(queued)
    backend.observe()
    queued.now += 19.0
    assert backend.observe().lost == ""
    queued.now += 19.0
    lost = backend.observe().lost
    assert f"Job {name} is suspended" in lost
    assert "Kueue's manager" in lost


def test_observe_ends_a_run_that_somebody_suspends(world: World) -> None:
    """Kueue does, where it manages jobs without a queue."""
    name = NAMES["worker"]
    world.api.documents[name] = {"metadata": {"name": name}, "spec": {"suspend": True}}
    world.api.lists["pods"] = []
    backend = world.backend()
    world.watch()
    world.now = 30.0
    lost = backend.observe().lost
    assert f"Job {name} is suspended" in lost
    assert "training_queue" in lost


# --- the first start ----------------------------------------------------------------------------------------------------


def unschedulable(index: int) -> dict[str, Any]:
    return pod("worker", index, status=condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available"))


def test_observe_gives_a_run_up_of_which_a_part_has_not_started(world: World) -> None:
    world.api.lists["pods"] = [pod("ps", state=running()), unschedulable(0), unschedulable(1)]
    backend = world.backend(start_seconds=120.0)
    world.watch()
    world.now = 119.0
    assert outcome(backend.observe()) is None
    world.now = 120.0
    seen = backend.observe()
    assert outcome(seen) == "failed"
    for told in ("worker 0 and worker 1", "2 min", "training_start_seconds", "0/2 nodes are available"):
        assert told in seen.lost
    assert "ps 0" not in seen.lost


def test_observe_without_that_deadline_gives_up_what_no_node_can_take(world: World) -> None:
    world.api.lists["pods"] = [pod("ps", state=running()), unschedulable(0), pod("worker", 1, state=running())]
    backend = world.backend()
    world.watch()
    world.now = 30.0
    seen = backend.observe()
    assert seen.first_failure is not None
    assert seen.first_failure.ending == "worker 0 was not scheduled"


def test_observe_of_a_run_that_has_started_in_time_goes_on(world: World) -> None:
    backend = world.backend(start_seconds=60.0)
    world.watch()
    world.now = 61.0
    assert backend.observe().lost == ""


# --- JobSets and TrainJobs ------------------------------------------------------------------------------------------

NAME = f"tf-{clusters.RUN_ID}-1"


def jobset(**more: Any) -> dict[str, Any]:
    jobs = [{"name": name, "template": {"spec": {"completions": count}}} for name, count in (("ps", 1), ("worker", 2))]
    return {"metadata": {"name": NAME, "creationTimestamp": clusters.CREATED}, "spec": {"replicatedJobs": jobs}, **more}


def train_job() -> dict[str, Any]:
    meta = {"name": NAME, "creationTimestamp": clusters.CREATED}
    return {"metadata": meta, "spec": {"trainer": {"numNodes": 2}}}


def of_runtime(index: int) -> dict[str, Any]:
    """A pod of a runtime of the cluster: none of our labels, and another name of its container."""
    made = pod("worker", index, state=running())
    made["metadata"]["labels"] = {
        "jobset.sigs.k8s.io/jobset-name": NAME,
        "jobset.sigs.k8s.io/replicatedjob-name": "node",
        "batch.kubernetes.io/job-completion-index": str(index),
    }
    made["spec"]["containers"][0]["name"] = made["status"]["containerStatuses"][0]["name"] = "node"
    return made


def test_observe_of_a_jobset(world: World) -> None:
    world.api.lists["jobsets"] = [jobset()]
    backend = world.backend("jobset")
    world.watch()
    assert [(one.replica, one.index, one.state) for one in backend.observe().replicas] == [
        ("ps", 0, "running"),
        ("worker", 0, "running"),
        ("worker", 1, "running"),
    ]


def test_observe_finds_the_pods_of_a_runtime_of_the_cluster_by_their_train_job(world: World) -> None:
    sidecar = {"name": "mesh", "image": "mesh:1"}
    world.api.lists |= {"trainjobs": [train_job()], "pods": [of_runtime(0), of_runtime(1)]}
    for one in world.api.lists["pods"]:
        one["spec"]["containers"].insert(0, sidecar)
    backend = world.backend("trainjob")
    world.watch()
    seen = backend.observe()
    assert [(one.replica, one.index, one.state) for one in seen.replicas] == [
        ("worker", 0, "running"),
        ("worker", 1, "running"),
    ]
    assert {query["labelSelector"] for query in world.asked("list", "/namespaces/tfscale/pods")} == {
        f"jobset.sigs.k8s.io/jobset-name={NAME}"
    }
    backend.finish(seen)
    assert {query["container"] for query in world.asked("open", "/log")} == {"node"}
    [foreign] = world.asked("list", "/v1/pods")
    assert foreign["labelSelector"] == f"jobset.sigs.k8s.io/jobset-name!={NAME}"


def absence(world: World, workload: str, *, seconds: float = 24.0) -> str:
    world.api.lists["pods"] = []
    backend = world.backend(workload)
    world.watch()
    for _look in range(4):
        world.now = min(seconds, backend._missing_at)
        backend.observe()
    return backend.observe().lost


@pytest.mark.parametrize(
    ("workload", "jobsets", "warnings", "told"),
    [
        ("jobset", [jobset()], [], ["nothing was made of JobSet", "jobset-controller-manager"]),
        # The TrainJob's own controller is away, or JobSet's.
        ("trainjob", [], [], ["of TrainJob", "kubeflow-trainer-controller-manager"]),
        ("trainjob", [jobset()], [], ["of JobSet", "jobset-controller-manager"]),
        (
            "trainjob",
            [],
            [clusters.warning(NAME, "TrainJobResourcesCreationFailed", "the quota of jobsets is used up")],
            ["of TrainJob", "the quota of jobsets is used up"],
        ),
    ],
)
def test_wait_ends_where_an_extension_makes_nothing_of_its_object(
    world: World, workload: str, jobsets: list[Any], warnings: list[Any], told: list[str]
) -> None:
    world.api.lists |= {"jobsets": jobsets, "trainjobs": [train_job()], "events": warnings}
    lost = absence(world, workload)
    assert f"no pod of run {clusters.RUN_ID} came within 24 s" in lost
    assert [part for part in (*told, NAME) if part not in lost] == []
    assert world.asked("list", "/jobsets")[-1] == {"fieldSelector": f"metadata.name={NAME}"}


@pytest.mark.parametrize("jobsets", [[jobset(status={"restarts": 0})], refusal(403)])
def test_wait_goes_on_where_the_extension_has_taken_up_its_object(world: World, jobsets: Any) -> None:
    """Or where nobody may look: pods may still come."""
    world.api.lists |= {"jobsets": jobsets, "trainjobs": [train_job()]}
    assert absence(world, "trainjob") == ""


def test_observe_of_a_jobset_that_takes_its_ps_away_in_the_end(world: World) -> None:
    """Its controller deletes the ps once the workers have succeeded, which may be seen before we look."""
    world.api.lists["jobsets"] = [jobset()]
    backend = world.backend("jobset")
    gone = pod("ps", state=running(), deleting=True)
    world.api.watches = [[*ended(0, 0), event("MODIFIED", gone), event("DELETED", gone)]]
    world.watch()
    seen = backend.observe()
    assert (outcome(seen), seen.first_failure) == ("succeeded", None)
    assert states(seen) == ["stopped", "succeeded", "succeeded"]
    assert seen.ended_wall == clusters.CREATED_WALL + 41
    assert outcome(backend.finish(seen)) == "succeeded"


def test_observe_of_a_ps_that_failed_before_the_workers_ended(world: World) -> None:
    backend = world.backend()
    world.api.watches = [[event("MODIFIED", pod("ps", state=terminated(1, second=3))), *ended(0, 0)]]
    world.watch()
    assert outcome(backend.observe()) == "failed"
