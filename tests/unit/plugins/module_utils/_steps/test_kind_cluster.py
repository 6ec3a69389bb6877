# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and removing Kind clusters with an engine and a server that only remember."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.ledger import prefix
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.readiness import DNS
from ansible_collections.tfscale.study.plugins.module_utils._providers import kind as kind_backend
from ansible_collections.tfscale.study.plugins.module_utils._providers.commands import ProgramError
from ansible_collections.tfscale.study.plugins.module_utils._providers.creation_lock import Making
from ansible_collections.tfscale.study.plugins.module_utils._providers.kind import configuration
from ansible_collections.tfscale.study.plugins.module_utils._steps import kind_cluster
from ansible_collections.tfscale.study.plugins.module_utils._study.records.lock import StudyLock

from tests.fixtures.engine import GIB, Engine, kubeconfig
from tests.fixtures.nodes import Cluster, node

FAILED = "kind create cluster"
THING = "Kind cluster one of docker"
HOST = kind_backend.Host(cpus=4, memory=16 * GIB)


class Working(Engine):
    """An engine whose cluster keeps Leases."""

    def __init__(self) -> None:
        super().__init__()
        self.api = Cluster()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Working:
    """Its containers are the nodes that the server shows, ready at once."""
    made = Working()

    def connect(auth: dict[str, Any], *, patience: float = 0) -> Cluster:
        if patience:
            # Asked who works with it, by what Kind says of the cluster.
            assert auth["kubeconfig"]["current-context"] == "kind-one"
            return made.api
        assert Path(auth["kubeconfig"]).exists()
        shown = [node(name, cpu="1", memory="4Gi", control_plane="control" in name) for name in made.containers]
        api = Cluster(*shown)
        api.objects[DNS] = {"metadata": {}, "status": {"conditions": [{"type": "Available", "status": "True"}]}}
        return api

    def created(path: str) -> None:
        Path(path).write_text(kubeconfig("one"))

    made.on_create = created
    monkeypatch.setattr(kubernetes_api, "connect", connect)
    monkeypatch.setattr(kind_cluster, "Kind", lambda name, program: kind_backend.Kind(name, program, run=made))
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "clusters" / "one"


def run(place: Path, *, check_mode: bool = False, lines: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"name": "one", "kubeconfig": str(place), **arguments}
    checked = ArgumentSpecValidator(kind_cluster.ARGUMENT_SPEC).validate(given)
    assert checked.error_messages == []
    say = (lines if lines is not None else []).append
    return kind_cluster.execute(
        checked.validated_parameters, Context(check_mode=check_mode, say=say, sleep=lambda _s: None)
    )


def failure(place: Path, **arguments: Any) -> str:
    with pytest.raises(StepError) as caught:
        run(place, **arguments)
    return str(caught.value)


def did(engine: Engine, *beginnings: str) -> list[str]:
    """Commands that change something."""
    wanted = ("kind create", "kind delete", "docker update", "docker start", *beginnings)
    return [" ".join(line.split()[:3]) for line in engine.commands if line.startswith(wanted)]


def test_execute_present_makes_a_capped_cluster(engine: Engine, place: Path) -> None:
    lines: list[str] = []
    result = run(place, nodes=2, node_image="node:1", node_cpus="1", node_memory="4Gi", lines=lines)
    assert lines == ["Kind cluster one: making 2 nodes and a control plane"]
    assert (result["changed"], result["msg"]) == (True, "Kind cluster one was created with 2 nodes.")
    assert result["kubeconfig"] == str(place)
    assert result["versions"] == {"kind": "0.33.0", "kubernetes": "v1.34.4"}
    assert [(one["name"], one["role"], one["cpus"], one["memory_bytes"]) for one in result["nodes"]] == [
        ("one-control-plane", "control-plane", 0, 0),
        ("one-worker", "worker", 1, 4 * GIB),
        ("one-worker2", "worker", 1, 4 * GIB),
    ]
    assert result["nodes"][1]["allocatable"] == {"cpus": 1, "memory_bytes": 4 * GIB}
    assert result["diff"] == {
        "before": {},
        "after": {"nodes": 2, "node_image": "node:1", "node_cpus": 1, "node_memory": 4 * GIB},
    }
    assert [path.name for path in place.parent.iterdir()] == ["one"]


def test_execute_present_without_caps_caps_nothing(engine: Engine, place: Path) -> None:
    run(place)
    assert did(engine) == ["kind create cluster"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_present_is_idempotent(engine: Engine, place: Path, check_mode: bool) -> None:
    asked: dict[str, Any] = {"nodes": 2, "node_image": "node:1", "node_cpus": "500m", "node_memory": "4Gi"}
    run(place, **asked)
    engine.commands.clear()
    result = run(place, check_mode=check_mode, **asked)
    assert (result["changed"], did(engine)) == (False, [])
    assert result["diff"]["before"] == result["diff"]["after"]
    assert result["msg"] == "Kind cluster one is there, with 2 nodes."


def test_execute_present_in_check_mode_makes_nothing(engine: Engine, place: Path) -> None:
    result = run(place, nodes=2, check_mode=True)
    assert (result["changed"], result["nodes"], did(engine)) == (True, [], [])
    assert result["diff"]["after"]["nodes"] == 2
    assert result["msg"] == "Kind cluster one would be created with 2 nodes."
    assert not place.parent.exists()


def test_execute_present_writes_a_lost_kubeconfig_again(engine: Engine, place: Path) -> None:
    run(place)
    place.unlink()
    assert run(place, check_mode=True)["changed"] is True
    assert run(place)["changed"] is True
    assert place.read_text().strip() == kubeconfig("one").strip()
    assert place.stat().st_mode & 0o077 == 0
    assert run(place)["changed"] is False


def test_execute_present_starts_nodes_that_stand_still(engine: Engine, place: Path) -> None:
    run(place)
    for one in engine.containers.values():
        one["State"]["Running"] = False
    engine.commands.clear()
    assert run(place, check_mode=True)["changed"] is True
    assert run(place)["changed"] is True
    assert did(engine) == ["docker start one-control-plane", "docker start one-worker"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"nodes": 3}, "cluster_nodes 2 instead of 3"),
        ({"node_image": "node:2"}, "cluster_node_image node:1 instead of node:2"),
        ({"node_cpus": "0.5"}, "cluster_node_cpus 1 instead of 0.5"),
        ({"node_memory": "2Gi"}, "cluster_node_memory 4 GiB instead of 2 GiB"),
        ({"nodes": 1, "node_cpus": "0"}, "cluster_nodes 2 instead of 1, cluster_node_cpus 1 instead of 0"),
    ],
)
def test_execute_present_refuses_another_cluster_and_names_what_differs(
    engine: Engine, place: Path, asked: dict[str, Any], told: str
) -> None:
    first: dict[str, Any] = {"nodes": 2, "node_image": "node:1", "node_cpus": "1", "node_memory": "4Gi"}
    run(place, **first)
    engine.commands.clear()
    sentence = failure(place, **{**first, **asked})
    assert sentence.startswith(f"Kind cluster one exists with {told}: ask for the same, give another cluster_name,")
    assert sentence.endswith("cluster_recreate: true, which makes it anew (everything in it is lost).")
    planned = run(place, recreate=True, check_mode=True, **{**first, **asked})
    assert (planned["changed"], did(engine)) == (True, [])
    result = run(place, recreate=True, **{**first, **asked})
    assert result["changed"] is True
    assert result["diff"]["before"]["nodes"] == 2
    assert result["msg"].startswith("Kind cluster one was recreated")
    assert did(engine)[:2] == ["kind delete cluster", "kind create cluster"]
    assert run(place, recreate=True, **{**first, **asked})["changed"] is False


def test_execute_present_takes_the_image_that_is_there_when_none_is_asked_for(engine: Engine, place: Path) -> None:
    run(place, node_image="node:1")
    assert run(place)["changed"] is False


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"nodes": 3, "node_cpus": "1.5"},
            "cluster_node_cpus asks for 4.5 CPUs (3 nodes with 1.5), but this host has 4: give at most 1.33, or fewer"
            " cluster_nodes.",
        ),
        (
            {"nodes": 2, "node_memory": "10Gi"},
            "cluster_node_memory asks for 20 GiB (2 nodes with 10 GiB), but this host has 16 GiB: give less, or fewer"
            " cluster_nodes.",
        ),
        ({"nodes": 0}, "cluster_nodes is 0: give a whole number from 1."),
        (
            {"node_cpus": "many"},
            "cluster_node_cpus is 'many': give processors such as 2, 0.5 or 500m, or 0 for no limit.",
        ),
        (
            {"node_memory": "2048"},
            "cluster_node_memory is '2048': give memory such as 2Gi or 512Mi, or 0 for no limit.",
        ),
        ({"timeout": 0}, "timeout is 0.0: give a number from 1."),
        ({"name": "My_Cluster"}, "cluster_name is 'My_Cluster': give up to 49 lower-case letters, digits, dots and"),
        ({"name": "x" * 50}, "cluster_name is 'xxxxx"),
    ],
)
def test_execute_present_refuses_what_cannot_work_before_anything_starts(
    engine: Engine, place: Path, asked: dict[str, Any], sentence: str
) -> None:
    for check_mode in (True, False):
        assert failure(place, check_mode=check_mode, **asked).startswith(sentence)
    assert did(engine) == []


def test_execute_leaves_the_kubeconfig_of_others_alone(
    engine: Engine, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.parent.mkdir()
    place.write_text("current-context: production\n")
    for state in ("present", "absent"):
        assert "which holds no kubeconfig: give a file of its own" in failure(place, state=state)
    assert place.read_text() == "current-context: production\n"
    monkeypatch.setenv("HOME", str(place.parent))
    assert "not this cluster's alone" in failure(place.parent / ".kube" / "config")
    assert engine.commands == []


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        ("`kind` ended with 1: kubelet is not healthy", "`kind` ended with 1: kubelet is not healthy"),
        (
            "`kind` ended with 1: Creating ...\nERROR: failed to create cluster: no disk\nmore",
            "failed to create cluster: no disk",
        ),
    ],
)
def test_execute_present_tries_once_more(engine: Engine, place: Path, said: str, gist: str) -> None:
    engine.fails[FAILED] = [ProgramError(said, code=1)]
    lines: list[str] = []
    assert run(place, lines=lines)["changed"] is True
    assert lines[1] == f"Kind cluster one: failed, one more attempt ({gist})"
    assert did(engine) == ["kind create cluster", "kind delete cluster", "kind create cluster"]


def test_execute_present_that_fails_leaves_nothing(engine: Engine, place: Path) -> None:
    engine.fails[FAILED] = [
        ProgramError("`kind create` ended with 1: line\nlast line", code=1) for _attempt in range(2)
    ]
    sentence = failure(place)
    assert sentence == "Kind could not make cluster one in 2 attempts: `kind create` ended with 1: line\nlast line."
    assert did(engine) == ["kind create cluster", "kind delete cluster"] * 2
    assert list(place.parent.iterdir()) == []


def test_execute_present_removes_the_half_that_a_killed_controller_left(engine: Engine, place: Path) -> None:
    place.parent.mkdir()
    own = configuration(workers=1, cpus=0, memory=0, host=HOST)["nodes"][0]["extraMounts"]
    engine.add("one-control-plane", "control-plane", image="node:1", mounts=own)
    engine.add("one-worker", "worker", image="node:1", mounts=own)
    mark = Making(f"{place}.making", THING)
    with mark.hold(seconds=1):
        mark.begin()
    assert run(place, check_mode=True)["changed"] is True
    assert mark.is_half
    assert run(place)["changed"] is True
    assert did(engine) == ["kind delete cluster", "kind create cluster"]
    assert not mark.is_half


def test_execute_present_keeps_the_mark_when_not_even_removing_works(engine: Engine, place: Path) -> None:
    engine.fails[FAILED] = [ProgramError("no", code=1)]
    engine.fails["kind delete"] = [ProgramError("the engine went away", code=1)]
    assert failure(place) == "the engine went away."
    assert Making(f"{place}.making", THING).is_half
    assert run(place)["changed"] is True


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_absent_removes_cluster_and_kubeconfig(engine: Engine, place: Path, check_mode: bool) -> None:
    run(place, nodes=2)
    engine.commands.clear()
    result = run(place, state="absent", check_mode=check_mode)
    assert result["changed"] is True
    assert result["diff"]["before"]["nodes"] == 2
    assert result["diff"]["after"] == {}
    assert did(engine) == ([] if check_mode else ["kind delete cluster"])
    assert place.exists() is check_mode


def test_execute_absent_finds_nothing_to_do(engine: Engine, place: Path) -> None:
    result = run(place, state="absent")
    assert (result["changed"], result["msg"], did(engine)) == (False, "Kind cluster one does not exist.", [])


@pytest.mark.parametrize("program", ["docker info", "kind version"])
def test_execute_names_a_missing_program(engine: Engine, place: Path, program: str) -> None:
    engine.fails[program] = [ProgramError("the program x is not on PATH: install it") for _attempt in range(2)]
    assert failure(place) == "the program x is not on PATH: install it."
    assert failure(place, state="absent") == "the program x is not on PATH: install it."


def test_execute_names_a_folder_that_cannot_be_written(engine: Engine) -> None:
    assert failure(Path("/proc/no/kubeconfig")).startswith("cluster_kubeconfig is '/proc/no', which cannot be written")


def test_execute_probes_each_worker_where_that_is_asked(engine: Engine, place: Path) -> None:
    engine.said = "0m0.0s 0m0.0s\n0m0.9s 0m0.0s\n1.00 2.00\n"
    assert run(place, nodes=2, probe=True)["probed_cpus"] == {"one-worker": 0.9, "one-worker2": 0.9}
    assert run(place, nodes=2)["probed_cpus"] == {}
    assert run(place, nodes=2, probe=True, check_mode=True)["probed_cpus"] == {}


def foreign(engine: Engine) -> None:
    """A cluster of the same name, made by somebody else's `kind create cluster`."""
    engine.add("one-control-plane", "control-plane", image="node:1")
    engine.add("one-worker", "worker", image="node:1")


NOT_OURS = "cluster_name is 'one', but Kind cluster one was not made by this collection (its nodes have no mount"


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_absent_leaves_a_cluster_of_others(engine: Engine, place: Path, check_mode: bool) -> None:
    foreign(engine)
    sentence = failure(place, state="absent", check_mode=check_mode)
    assert sentence.startswith(NOT_OURS)
    assert sentence.endswith("or remove it yourself (kind delete cluster --name one).")
    assert (did(engine), len(engine.containers)) == ([], 2)


def test_execute_present_uses_a_cluster_of_others_as_it_is(engine: Engine, place: Path) -> None:
    foreign(engine)
    result = run(place)
    assert (result["changed"], result["owned"], did(engine)) == (True, False, [])
    assert result["msg"].endswith("with 1 node; it was not made by this collection and stays.")
    again = run(place, recreate=True, node_image="node:1")
    assert (again["changed"], again["owned"], did(engine)) == (False, False, [])
    assert failure(place, state="absent").startswith(NOT_OURS)
    assert place.exists()


@pytest.mark.parametrize("asked", [{"nodes": 2}, {"node_image": "node:2"}, {"node_cpus": "1"}])
@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_present_makes_no_cluster_of_others_anew(
    engine: Engine, place: Path, asked: dict[str, Any], check_mode: bool
) -> None:
    foreign(engine)
    assert failure(place, recreate=True, check_mode=check_mode, **asked).startswith(NOT_OURS)
    assert (did(engine), len(engine.containers)) == ([], 2)


def test_execute_with_one_foreign_node_leaves_all(engine: Engine, place: Path) -> None:
    run(place)
    engine.add("one-worker2", "worker", image="node:1")
    engine.commands.clear()
    assert failure(place, state="absent").startswith(NOT_OURS)
    assert did(engine) == []


def test_execute_takes_no_cluster_of_others_for_its_own_half(engine: Engine, place: Path) -> None:
    """A maker was killed, its half was removed by hand, and then somebody has made one of the same name."""
    place.parent.mkdir()
    mark = Making(f"{place}.making", THING)
    with mark.hold(seconds=1):
        mark.begin()
    foreign(engine)
    assert failure(place, state="absent").startswith(NOT_OURS)
    assert mark.is_half
    result = run(place)
    assert (result["owned"], did(engine), mark.is_half) == (False, [], False)


def test_execute_present_leaves_the_cluster_of_one_who_was_faster(engine: Engine, place: Path) -> None:
    said = ProgramError("node(s) already exist for a cluster with the name", code=1)

    class Faster(list[ProgramError]):
        def pop(self, _index: Any = 0) -> ProgramError:
            foreign(engine)
            return super().pop()

    engine.fails[FAILED] = Faster([said])
    assert failure(place).startswith(NOT_OURS)
    assert (did(engine), len(engine.containers)) == (["kind create cluster"], 2)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_execute_leaves_a_file_in_the_place_of_its_mark(
    engine: Engine, place: Path, state: str, check_mode: bool
) -> None:
    place.parent.mkdir()
    mark = place.with_name("one.making")
    mark.write_text("notes of mine\n")
    assert "one.making is needed as a mark, but it is not ours" in failure(place, state=state, check_mode=check_mode)
    assert (mark.read_text(), did(engine)) == ("notes of mine\n", [])


def held_lease(api: Cluster) -> None:
    LeaseLock(api, "tfscale", "mnist", 7, host="far").acquire()
    found = api.objects[f"{LEASES}/namespaces/tfscale/leases/{prefix('mnist')}"]
    found["metadata"]["namespace"] = "tfscale"
    api.objects[f"{LEASES}/leases/{prefix('mnist')}"] = found


HELD = "Kind cluster one is left as it is, because others work with it: study "
LEASES = "/apis/coordination.k8s.io/v1"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("asked", [{"state": "absent"}, {"nodes": 2, "recreate": True}])
def test_execute_names_a_study_that_somebody_runs_there(
    engine: Working, place: Path, asked: dict[str, Any], check_mode: bool
) -> None:
    run(place)
    held_lease(engine.api)
    engine.commands.clear()
    sentence = failure(place, check_mode=check_mode, **asked)
    assert sentence.startswith(f"{HELD}mnist in namespace tfscale is held by process 7 on host far since 2")
    assert (did(engine), place.exists()) == ([], True)
    assert run(place)["changed"] is False
    assert run(place, end_held=True, **asked)["changed"] is True


def test_execute_names_a_study_that_is_kept_in_files(engine: Working, place: Path, tmp_path: Path) -> None:
    run(place)
    StudyLock(tmp_path / "mnist", os.getppid(), part="one").acquire()
    given: dict[str, Any] = {"state": "absent", "results_dir": str(tmp_path)}
    assert failure(place, **given, part="one").startswith(f"{HELD}{tmp_path}/mnist is held by process {os.getppid()}")
    assert run(place, **given, part="two")["changed"] is True


def test_execute_names_a_study_of_a_controller_that_is_not_known(engine: Working, place: Path, tmp_path: Path) -> None:
    run(place)
    labels = {"app.kubernetes.io/managed-by": "tfscale.study", "tfscale.study/study": "mnist", "tfscale.study/run": "r"}
    engine.api.objects["/api/v1/pods/tf-x"] = {"metadata": {"name": "tf-x", "namespace": "tfscale", "labels": labels}}
    given: dict[str, Any] = {"state": "absent", "results_dir": str(tmp_path)}
    assert failure(place, **given).startswith(f"{HELD}mnist in namespace tfscale has pods since")
    assert len(engine.containers) == 2
    assert run(place, **given, end_held=True)["changed"] is True


@pytest.mark.parametrize("trouble", ["stopped", "half", "half of another checkout", "silent"])
def test_execute_absent_does_not_ask_a_cluster_that_runs_nothing(engine: Working, place: Path, trouble: str) -> None:
    run(place)
    held_lease(engine.api)
    if trouble == "stopped":
        engine.containers["one-worker"]["State"]["Running"] = False
    elif trouble == "half":
        with (mark := Making(f"{place}.making", THING)).hold(seconds=1):
            mark.begin()
    elif trouble == "silent":
        engine.api.refuse("LIST", f"{LEASES}/leases", 503)
    else:
        engine.fails["kind get kubeconfig"] = [ProgramError("failed to get cluster internal kubeconfig", code=1)]
    assert run(place, state="absent")["changed"] is True
    assert engine.containers == {}
