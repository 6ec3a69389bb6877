# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that Kind and the engine are given, and what is understood of their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError
from ansible_collections.tfscale.study.plugins.module_utils._providers import kind
from ansible_collections.tfscale.study.plugins.module_utils._providers.commands import ProgramError
from ansible_collections.tfscale.study.plugins.module_utils._providers.kind import (
    Container,
    Host,
    Kind,
    configuration,
    reservation,
)

from tests.fixtures.engine import GIB, Engine

MARKED = {"extraMounts": [{"hostPath": "/dev/null", "containerPath": "/kind/made-by-tfscale.study", "readOnly": True}]}
HOST = Host(cpus=4, memory=16 * GIB)


def test_version_of_kind() -> None:
    assert Kind("one", "docker", run=Engine()).version() == "0.33.0"


def test_host_of_docker_and_podman() -> None:
    engine = Engine(cpus=8, memory=GIB)
    assert Kind("one", "docker", run=engine).host() == Host(cpus=8, memory=GIB)
    engine.host = {"host": {"cpus": 2, "memTotal": 5}}
    assert Kind("one", "podman", run=engine).host() == Host(cpus=2, memory=5)
    assert engine.commands[-1].startswith("podman info")


@pytest.mark.parametrize("answer", [{"ServerErrors": ["cannot connect"]}, {"host": {}}, {"NCPU": None, "MemTotal": 1}])
def test_host_that_does_not_answer_is_a_sentence(answer: dict[str, Any]) -> None:
    engine = Engine()
    engine.host = answer
    with pytest.raises(BackendError, match="the container engine docker does not answer: start it, or name yours in"):
        Kind("one", "docker", run=engine).host()


def test_host_tells_what_the_engine_said_and_which_program_is_missing() -> None:
    engine = Engine()
    said = ProgramError("ended with 1", code=1, said="x\nCannot connect to the daemon")
    engine.fails["docker info"] = [said, ProgramError("the program docker is not on PATH")]
    with pytest.raises(BackendError, match=r"docker does not answer \(Cannot connect to the daemon\): start it"):
        Kind("one", "docker", run=engine).host()
    with pytest.raises(BackendError, match=r"^the program docker is not on PATH$"):
        Kind("one", "docker", run=engine).host()


@pytest.mark.parametrize(
    ("said", "cpus"),
    [
        ("0m0.000000s 0m0.010000s\n0m0.880000s 0m0.020000s\n4534.70 4535.70\n", 0.9),
        ("0m0.00s 0m0.00s\n1m1.5s 0m0.5s\n10.00 41.00\n", 2.0),
        ("sh: times: not found\n4534.70 4535.70\n", None),
        ("0m0.0s 0m0.0s\n0m0.0s 0m0.0s\n5.00 5.00\n", None),
        ("", None),
    ],
)
def test_probe_is_what_the_loops_got_in_the_time_they_had(said: str, cpus: float | None) -> None:
    engine = Engine()
    engine.said = said
    assert Kind("one", "docker", run=engine).probe("one-worker") == cpus
    assert engine.commands[-1].startswith("docker exec one-worker sh -c")


def test_nodes_by_role_and_name() -> None:
    engine = Engine()
    assert Kind("one", "docker", run=engine).nodes() == []
    engine.add("one-worker10", "worker", image="i", cpus=0.5, memory=GIB)
    engine.add("one-worker2", "worker", image="i", running=False)
    engine.add("one-worker", "worker", image="i")
    engine.add("one-control-plane", "control-plane", image="i")
    nodes = Kind("one", "docker", run=engine).nodes()
    assert [node.name for node in nodes] == ["one-control-plane", "one-worker", "one-worker2", "one-worker10"]
    assert nodes[3] == Container(
        name="one-worker10", role="worker", image="i", cpus=0.5, memory=GIB, running=True, is_ours=False
    )
    assert not nodes[2].running
    assert "--filter label=io.x-k8s.kind.cluster=one" in engine.commands[-2]


def test_nodes_that_were_made_here_are_known_by_a_mount() -> None:
    engine = Engine()
    kind_of_one = Kind("one", "docker", run=engine)
    kind_of_one.create(
        configuration(workers=1, cpus=0, memory=0, host=HOST), image="", kubeconfig="/k", seconds=1, lock=3
    )
    foreign = [{"hostPath": "/dev/null", "containerPath": "/kind/other"}]
    engine.add("one-worker2", "worker", image="i", mounts=foreign)
    del engine.containers["one-worker"]["Mounts"]
    ours = {node.name: node.is_ours for node in kind_of_one.nodes()}
    assert ours == {"one-control-plane": True, "one-worker": False, "one-worker2": False}


@pytest.mark.parametrize(("image", "words"), [("", ""), ("node:1", " --image node:1")])
def test_create_hands_over_configuration_and_kubeconfig(image: str, words: str) -> None:
    engine = Engine()
    config = configuration(workers=1, cpus=0, memory=0, host=HOST)
    Kind("one", "docker", run=engine).create(config, image=image, kubeconfig="/k", seconds=1, lock=3)
    assert engine.commands == [f"kind create cluster --name one --config - --kubeconfig /k{words}"]
    assert engine.configs == [config]


@pytest.mark.parametrize(
    ("cpus", "memory", "words"),
    [
        (0.5, 0, "--cpus 0.5"),
        (0, GIB, f"--memory {GIB} --memory-swap {GIB}"),
        (2, GIB, f"--cpus 2 --memory {GIB} --memory-swap {GIB}"),
    ],
)
def test_cap_allows_no_swap(cpus: float, memory: int, words: str) -> None:
    engine = Engine()
    engine.add("w", "worker", image="i")
    Kind("one", "podman", run=engine).cap("w", cpus=cpus, memory=memory)
    assert engine.commands == [f"podman update {words} w"]


def test_configuration_without_caps_reserves_nothing() -> None:
    config = configuration(workers=2, cpus=0, memory=0, host=HOST)
    assert config["networking"] == {"ipFamily": "ipv4"}
    assert config["nodes"] == [{"role": "control-plane", **MARKED}, *[{"role": "worker", **MARKED}] * 2]


def test_configuration_caps_workers_alone() -> None:
    first, *workers = configuration(workers=2, cpus=1, memory=4 * GIB, host=HOST)["nodes"]
    assert first == {"role": "control-plane", **MARKED}
    assert all(worker["kubeadmConfigPatchesJSON6902"] for worker in workers)


@pytest.mark.parametrize(
    ("cpus", "memory", "reserved"),
    [
        (1, 4 * GIB, f"cpu=3000m,memory={12 * GIB}"),
        (0.5, 0, "cpu=3500m"),
        (0.333, 0, "cpu=3667m"),
        (0, GIB, f"memory={15 * GIB}"),
        (4, 16 * GIB, "cpu=0m,memory=0"),
    ],
)
def test_reservation_is_what_the_cap_takes_away(cpus: float, memory: int, reserved: str) -> None:
    old, new = reservation(cpus=cpus, memory=memory, host=HOST)
    assert {(one["group"], one["kind"]) for one in (old, new)} == {("kubeadm.k8s.io", "JoinConfiguration")}
    assert (old["version"], new["version"]) == ("v1beta3", "v1beta4")
    path = "/nodeRegistration/kubeletExtraArgs"
    assert json.loads(old["patch"]) == [{"op": "add", "path": f"{path}/system-reserved", "value": reserved}]
    assert json.loads(new["patch"]) == [
        {"op": "add", "path": f"{path}/-", "value": {"name": "system-reserved", "value": reserved}}
    ]


def test_start_keeps_the_order() -> None:
    engine = Engine()
    for name in ("cp", "w"):
        engine.add(name, "worker", image="i", running=False)
    Kind("one", "docker", run=engine).start(["cp", "w"])
    assert engine.commands == ["docker start cp", "docker start w"]


def frozen(folder: Path, state: str = "FROZEN\n") -> Path:
    file = folder / "4f2a" / "kubelet.slice" / "pod.slice" / "cri-1.scope" / "freezer.state"
    file.parent.mkdir(parents=True)
    file.write_text(state)
    return file


def test_delete_thaws_what_a_killed_node_left_frozen_and_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, state = Engine(), frozen(tmp_path)
    monkeypatch.setattr(kind.thaw, "__defaults__", (tmp_path,))
    engine.fails["kind delete"] = [ProgramError("did not receive an exit event", code=1)]
    Kind("one", "docker", run=engine).delete("config")
    assert state.read_text() == "THAWED"
    assert [line.startswith("kind delete") for line in engine.commands] == [True, True]


@pytest.mark.parametrize("state", ["THAWED\n", ""])
def test_delete_that_fails_for_another_cause_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    engine = Engine()
    frozen(tmp_path, state)
    monkeypatch.setattr(kind.thaw, "__defaults__", (tmp_path,))
    engine.fails["kind delete"] = [ProgramError("no", code=1)]
    with pytest.raises(ProgramError, match="no"):
        Kind("one", "docker", run=engine).delete("config")
    assert len(engine.commands) == 1


def test_thaw_where_there_is_no_such_thing(tmp_path: Path) -> None:
    assert kind.thaw(tmp_path / "nowhere") == 0
