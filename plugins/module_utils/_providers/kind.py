# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Kind cluster: the programs kind and docker (or podman) that make it, and its nodes as containers. PRIVATE, can break at any time."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._common.errors import BackendError
from .commands import Call, ProgramError, call

LOOK_SECONDS = 60.0
DELETE_SECONDS = 300.0
LABEL = "io.x-k8s.kind"
# By this mount, of nothing, a container is known as a node of a cluster that was made here: it comes with the container, half
# made or not, and goes with it. Kind lets nobody give a container a label.
MARK = "/kind/made-by-tfscale.study"
# Where docker keeps the groups of its containers with cgroup v1; there is no such thing with v2, and no need for it.
FREEZER = Path("/sys/fs/cgroup/freezer/docker")

# `times` tells the shell's own time, then that of its children.
PROBE = """read start rest </proc/uptime
for loop in $(seq "$(nproc)"); do timeout 1 sh -c 'while :; do :; done' & done; wait
times
read end rest </proc/uptime
echo "$start $end"
"""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the engine's machine has."""

    cpus: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Container:
    """A node as the engine knows it; no limit is 0."""

    name: str
    role: str
    image: str
    cpus: float
    memory: int
    running: bool
    is_ours: bool


class Kind:
    """A cluster by its name, whether or not it exists."""

    def __init__(self, name: str, engine: str, *, run: Call = call) -> None:
        self.name = name
        self.engine = engine
        self._run = run
        self._env = {} if engine == "docker" else {"KIND_EXPERIMENTAL_PROVIDER": engine}

    def version(self) -> str:
        found = re.search(r"v?([0-9]+\.[0-9]+\.[0-9]\S*)", self._run(["kind", "version"], timeout=LOOK_SECONDS))
        return found[1] if found else "unknown"

    def host(self) -> Host:
        """Asked first of all: it is also how an engine that does not answer is found out."""
        try:
            text = self._run([self.engine, "info", "--format", "{{json .}}"], timeout=LOOK_SECONDS)
            facts = json.loads(text)
            known = facts["host"] if "host" in facts else {"cpus": facts["NCPU"], "memTotal": facts["MemTotal"]}
            return Host(cpus=int(known["cpus"]), memory=int(known["memTotal"]))
        except ProgramError as error:
            if error.code is None:
                raise
            raise BackendError(_silent(self.engine, error.said)) from error
        except (ValueError, KeyError, TypeError) as error:
            # docker info answers also when its engine does not, and then has none of this.
            raise BackendError(_silent(self.engine, "")) from error

    def nodes(self) -> list[Container]:
        """By role and name, the control plane first; a start in this order finds its etcd."""
        words = [self.engine, "ps", "--all", "--quiet", "--filter", f"label={LABEL}.cluster={self.name}"]
        ids = self._run(words, timeout=LOOK_SECONDS).split()
        if not ids:
            return []
        found = json.loads(self._run([self.engine, "inspect", "--type", "container", *ids], timeout=LOOK_SECONDS))
        containers = map(_container, found)
        return sorted(containers, key=lambda node: (node.role, len(node.name), node.name))

    def create(self, config: Mapping[str, Any], *, image: str, kubeconfig: str, seconds: float, lock: int) -> None:
        """Kind removes what it made when it fails; when it is killed, somebody else must."""
        words = ["kind", "create", "cluster", "--name", self.name, "--config", "-", "--kubeconfig", kubeconfig]
        words += ["--image", image] if image else []
        # JSON is YAML.
        self._run(words, timeout=seconds, env=self._env, text=json.dumps(config), keep=[lock])

    def cap(self, node: str, *, cpus: float, memory: int) -> None:
        limits = ["--cpus", f"{cpus:g}"] if cpus else []
        # Without the same number for both, what is over the memory goes to swap.
        limits += ["--memory", str(memory), "--memory-swap", str(memory)] if memory else []
        self._run([self.engine, "update", *limits, node], timeout=LOOK_SECONDS)

    def probe(self, node: str) -> float | None:
        """Processors that the node really got just now: busy loops on all it shows, for a second."""
        said = self._run([self.engine, "exec", node, "sh", "-c", PROBE], timeout=LOOK_SECONDS)
        found = re.search(r"^([0-9]+)m([0-9.]+)s ([0-9]+)m([0-9.]+)s\n([0-9.]+) ([0-9.]+)$", said, re.MULTILINE)
        if found is None:
            return None
        minutes, seconds, system_minutes, system, start, end = map(float, found.groups())
        busy = 60 * (minutes + system_minutes) + seconds + system
        return round(busy / (end - start), 2) if end > start else None

    def start(self, names: Sequence[str]) -> None:
        for name in names:
            self._run([self.engine, "start", name], timeout=LOOK_SECONDS)

    def kubeconfig(self) -> str:
        return self._run(["kind", "get", "kubeconfig", "--name", self.name], timeout=LOOK_SECONDS, env=self._env)

    def delete(self, kubeconfig: str) -> None:
        """Kind says nothing about a cluster that is not there."""
        words = ["kind", "delete", "cluster", "--name", self.name, "--kubeconfig", kubeconfig]
        try:
            self._run(words, timeout=DELETE_SECONDS, env=self._env)
        except ProgramError:
            if not thaw():
                raise
            self._run(words, timeout=DELETE_SECONDS, env=self._env)


def thaw(freezer: Path = FREEZER) -> int:
    """Let frozen groups of processes in nodes go on, so that they can die; how many there were.

    A runtime inside of a node freezes a container for a moment, and when the node is killed in that moment, the container
    stays frozen: with cgroup v1 such processes outlive SIGKILL, and the engine cannot remove the node.
    """
    frozen = [state for state in freezer.glob("**/kubelet*/**/freezer.state") if _is_frozen(state)]
    for state in frozen:
        state.write_text("THAWED")
    return len(frozen)


def _is_frozen(state: Path) -> bool:
    try:
        return state.read_text().strip() in ("FROZEN", "FREEZING") and os.access(state, os.W_OK)
    except OSError:
        return False


def configuration(*, workers: int, cpus: float, memory: int, host: Host) -> dict[str, Any]:
    """https://kind.sigs.k8s.io/docs/user/configuration/"""
    marked = {"extraMounts": [{"hostPath": os.devnull, "containerPath": MARK, "readOnly": True}]}
    worker: dict[str, Any] = {"role": "worker", **marked}
    reserved = reservation(cpus=cpus, memory=memory, host=host)
    if reserved:
        worker["kubeadmConfigPatchesJSON6902"] = reserved
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"ipFamily": "ipv4"},
        "nodes": [{"role": "control-plane", **marked}, *[worker] * workers],
    }


def reservation(*, cpus: float, memory: int, host: Host) -> list[dict[str, str]]:
    """Tell a worker's kubelet to keep what the node's cap takes away, so that allocatable is what the node has.

    A kubelet sees the whole host (https://github.com/kubernetes-sigs/kind/issues/877). As a flag for workers alone: kubeadm gives its
    KubeletConfiguration to all nodes, and a control plane with half a processor would not start its own pods. Kind sets
    the kubelet's eviction reserve to nothing, so this is all there is between capacity and allocatable. Kubeadm's two
    formats differ in how they hold flags; Kind takes the patch that fits.
    """
    parts = [f"cpu={math.floor((host.cpus - cpus) * 1000)}m"] if cpus else []
    parts += [f"memory={host.memory - memory}"] if memory else []
    if not parts:
        return []
    flags = "/nodeRegistration/kubeletExtraArgs"
    value = ",".join(parts)
    named = {"name": "system-reserved", "value": value}
    common = {"group": "kubeadm.k8s.io", "kind": "JoinConfiguration"}
    adds: dict[str, list[dict[str, Any]]] = {
        "v1beta3": [{"op": "add", "path": f"{flags}/system-reserved", "value": value}],
        "v1beta4": [{"op": "add", "path": f"{flags}/-", "value": named}],
    }
    return [{**common, "version": version, "patch": json.dumps(patch)} for version, patch in adds.items()]


def _container(found: Mapping[str, Any]) -> Container:
    limits = found["HostConfig"]
    return Container(
        name=found["Name"].lstrip("/"),
        role=found["Config"]["Labels"].get(f"{LABEL}.role", ""),
        image=found["Config"]["Image"],
        cpus=limits.get("NanoCpus", 0) / 1e9,
        memory=limits.get("Memory", 0),
        running=bool(found["State"]["Running"]),
        is_ours=any(mount.get("Destination") == MARK for mount in found.get("Mounts") or []),
    )


def _silent(engine: str, said: str) -> str:
    reason = f" ({said.splitlines()[-1]})" if said else ""
    return f"the container engine {engine} does not answer{reason}: start it, or name yours in cluster_engine or DOCKER_HOST"
