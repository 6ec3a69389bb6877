# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a Kind cluster whose nodes have what they say, or removes it. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._common import quantity
from .._common.context import Context
from .._common.errors import BackendError, InputError, StepError
from .._common.files import why
from .._common.format import counted, gibibytes
from .._kubernetes import api as kubernetes_api
from .._kubernetes import held_studies as held
from .._kubernetes.nodes import name_of, summary
from .._kubernetes.readiness import wait_until_ready
from .._providers import kubeconfig
from .._providers.creation_lock import Making
from .._providers.kind import MARK, Container, Host, Kind, configuration
from .._study.design.inputs import integer, number

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **held.HELD_ARG_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "nodes": {"type": "int", "default": 1},
    "node_image": {"type": "str", "default": ""},
    "node_cpus": {"type": "str", "default": "0"},
    "node_memory": {"type": "str", "default": "0"},
    "recreate": {"type": "bool", "default": False},
    "probe": {"type": "bool", "default": False},
    "engine": {"type": "str", "choices": ["docker", "podman"], "default": "docker"},
    "timeout": {"type": "float", "default": 600.0},
}
# Kind's own rule, and short enough for the host name <name>-control-plane.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,47}[a-z0-9])?", re.ASCII)
ATTEMPTS = 2
# So long a cluster that is to be removed is asked who works with it.
ANSWER_SECONDS = 5.0
ALLOCATABLE = ("cpus", "memory_bytes")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A cluster as asked for; no limit is 0, Kind's own image is ''."""

    nodes: int
    node_image: str
    node_cpus: float
    node_memory: int


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        wanted = _check(params)
        kind = Kind(params["name"], params["engine"])
        thing = f"Kind cluster {kind.name} of {kind.engine}"
        making = Making(f"{params['kubeconfig']}.making", thing, clock=context.clock, sleep=context.sleep)
        step = _Step(kind, making, params, context)
        if context.check_mode:
            # It takes no lock: it may only say what it sees.
            making.check()
        with contextlib.nullcontext() if context.check_mode else making.hold(seconds=params["timeout"]):
            if params["state"] == "absent":
                return step.absent(check_mode=context.check_mode)
            result = step.present(wanted, recreate=params["recreate"], check_mode=context.check_mode)
            return step.probed(result) if params["probe"] and not context.check_mode else result
    except (InputError, BackendError) as error:
        raise StepError(f"{error}.") from error
    except OSError as error:
        reason = why(error, os.path.dirname(os.path.abspath(params["kubeconfig"])))
        raise StepError(f"cluster_kubeconfig {params['kubeconfig']} cannot be written: {reason}.") from error


def _check(params: Mapping[str, Any]) -> Wanted:
    if not NAME.fullmatch(params["name"]):
        raise InputError(
            f"cluster_name is {params['name']!r}: give up to 49 lower-case letters, digits, dots and dashes for a Kind cluster"
        )
    kubeconfig.check(Path(params["kubeconfig"]), f"kind-{params['name']}")
    number("timeout", params["timeout"], minimum=1)
    return Wanted(
        nodes=integer("cluster_nodes", params["nodes"], minimum=1),
        node_image=params["node_image"],
        node_cpus=quantity.cpus("cluster_node_cpus", params["node_cpus"]),
        node_memory=quantity.memory("cluster_node_memory", params["node_memory"]),
    )


@dataclass(frozen=True)
class _Step:
    kind: Kind
    making: Making
    params: Mapping[str, Any]
    context: Context

    @property
    def kubeconfig(self) -> str:
        return str(self.params["kubeconfig"])

    @property
    def seconds(self) -> float:
        return float(self.params["timeout"])

    def present(self, wanted: Wanted, *, recreate: bool, check_mode: bool) -> dict[str, Any]:
        host, version = self.kind.host(), self.kind.version()
        found = self.kind.nodes()
        # What others have made under that name since is no half of ours.
        half = self.making.is_half and is_ours(found)
        wrong = {} if half else differences(found, wanted)
        if found and wrong and not recreate:
            raise InputError(_told_differences(self.kind.name, wrong))
        before = _described(found)
        if found and not wrong and not half:
            changed, nodes = self._keep(found, check_mode=check_mode)
            tail = "" if is_ours(found) else "; it was not made by this collection and stays"
            msg = f"Kind cluster {self.kind.name} is there, with {counted(wanted.nodes, 'node')}{tail}."
            return _result(changed, before, before, self.kubeconfig, found, nodes, version, msg)
        self._check_free(found)
        check_host(wanted, host)
        after = asdict(wanted)
        if check_mode:
            msg = f"Kind cluster {self.kind.name} would be {'recreated' if found else 'created'} with {counted(wanted.nodes, 'node')}."
            return _result(True, before, after, self.kubeconfig, [], [], version, msg)
        nodes = self._make(wanted, host, anew=bool(found) or half)
        found = self.kind.nodes()
        msg = f"Kind cluster {self.kind.name} was {'recreated' if before else 'created'} with {counted(wanted.nodes, 'node')}."
        return _result(True, before, _described(found), self.kubeconfig, found, nodes, version, msg)

    def probed(self, result: dict[str, Any]) -> dict[str, Any]:
        """One node after the other: all at once they would measure each other."""
        workers = (node["name"] for node in result["nodes"] if node["role"] == "worker")
        return {**result, "probed_cpus": {name: self.kind.probe(name) for name in workers}}

    def absent(self, *, check_mode: bool) -> dict[str, Any]:
        self.kind.host()
        version = self.kind.version()
        found = self.kind.nodes()
        self._check_free(found)
        changed = bool(found) or self.making.is_half or os.path.exists(self.kubeconfig)
        if changed and not check_mode:
            self._delete()
        verb = "would be removed" if check_mode else "was removed"
        msg = f"Kind cluster {self.kind.name} {verb if changed else 'does not exist'}."
        return _result(changed, _described(found), {}, self.kubeconfig, [], [], version, msg)

    def _keep(self, found: Sequence[Container], *, check_mode: bool) -> tuple[bool, list[dict[str, Any]]]:
        """After the machine was started its nodes may stand still, and another checkout has no kubeconfig."""
        stopped = [node.name for node in found if not node.running]
        if check_mode:
            return bool(stopped) or not os.path.exists(self.kubeconfig), []
        if stopped:
            self.context.say(f"Kind cluster {self.kind.name}: starting {', '.join(stopped)}")
            self.kind.start(stopped)
        stale = kubeconfig.write(Path(self.kubeconfig), self.kind.kubeconfig())
        nodes = self._wait([node.name for node in found])
        self.making.end()
        return bool(stopped) or stale, nodes

    def _make(self, wanted: Wanted, host: Host, *, anew: bool) -> list[dict[str, Any]]:
        if anew:
            self.making.begin()
            self._delete()
        config = configuration(workers=wanted.nodes, cpus=wanted.node_cpus, memory=wanted.node_memory, host=host)
        self.context.say(f"Kind cluster {self.kind.name}: making {counted(wanted.nodes, 'node')} and a control plane")
        for attempt in range(1, ATTEMPTS + 1):
            self.making.begin()
            try:
                nodes = self._create(config, wanted)
                break
            except BackendError as error:
                # Where this fails as well the mark stays, and the next start begins with it.
                self._delete()
                if attempt == ATTEMPTS:
                    raise BackendError(
                        f"Kind could not make cluster {self.kind.name} in {ATTEMPTS} attempts: {error}"
                    ) from error
                self.context.say(f"Kind cluster {self.kind.name}: failed, one more attempt ({_gist(error)})")
        self.making.end()
        return nodes

    def _create(self, config: Mapping[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
        image, lock = wanted.node_image, self.making.lock
        self.kind.create(config, image=image, kubeconfig=self.kubeconfig, seconds=self.seconds, lock=lock)
        found = self.kind.nodes()
        for node in found:
            if node.role == "worker" and (wanted.node_cpus or wanted.node_memory):
                self.kind.cap(node.name, cpus=wanted.node_cpus, memory=wanted.node_memory)
        return self._wait([node.name for node in found])

    def _wait(self, names: Sequence[str]) -> list[dict[str, Any]]:
        api = kubernetes_api.connect({"kubeconfig": self.kubeconfig})
        return wait_until_ready(api, names, seconds=self.seconds, clock=self.context.clock, sleep=self.context.sleep)

    def _check_free(self, found: Sequence[Container]) -> None:
        """Before it is removed: it must be ours, and no other controller may work with it."""
        self._check_owner(found)
        held.check(self.params, f"Kind cluster {self.kind.name}", self._held(found))

    def _held(self, found: Sequence[Container]) -> Iterator[str]:
        """A cluster that is half made or stands still runs nothing, and one that does not answer is no use to anybody."""
        if not found or self.making.is_half or not all(node.running for node in found):
            return
        yield from held.in_folder(self.params)
        # Nor does one without a kubeconfig, such as the half that another checkout's maker has left.
        with contextlib.suppress(BackendError, ValueError):
            config = kubeconfig.load(self.kind.kubeconfig())
            api = kubernetes_api.connect({"kubeconfig": config}, patience=ANSWER_SECONDS)
            yield from held.in_cluster(api, self.params)
            yield from held.unclaimed(api, self.params)

    def _check_owner(self, found: Sequence[Container]) -> None:
        if not is_ours(found):
            name = self.kind.name
            raise InputError(
                f"cluster_name is {name!r}, but Kind cluster {name} was not made by this collection (its nodes have no mount"
                f" {MARK}) and is left alone: give another name, or remove it yourself (kind delete cluster --name {name})"
            )

    def _delete(self) -> None:
        """Looked at once more: an attempt to make it fails, too, where somebody else was faster."""
        self._check_owner(self.kind.nodes())
        # First, for Kind leaves an empty one, of which nobody knows whose it is.
        Path(self.kubeconfig).unlink(missing_ok=True)
        self.kind.delete(self.kubeconfig)
        self.making.end()


def _gist(error: BackendError) -> str:
    """The line in which Kind says what went wrong, out of all that it tells."""
    first, *more = str(error).splitlines()
    return next((line.removeprefix("ERROR: ") for line in more if line.startswith("ERROR")), first)


def is_ours(found: Sequence[Container]) -> bool:
    return all(node.is_ours for node in found)


def differences(found: Sequence[Container], wanted: Wanted) -> dict[str, tuple[str, Any]]:
    """By variable what is and what is asked for. An image that is not asked for is right as it is."""
    workers = [node for node in found if node.role == "worker"]
    compared: dict[str, tuple[set[Any], Any]] = {
        "cluster_nodes": ({len(workers)}, wanted.nodes),
        "cluster_node_image": ({node.image for node in found if wanted.node_image}, wanted.node_image),
        "cluster_node_cpus": ({f"{node.cpus:.3g}" for node in workers}, f"{wanted.node_cpus:.3g}"),
        "cluster_node_memory": ({gibibytes(node.memory) for node in workers}, gibibytes(wanted.node_memory)),
    }
    return {
        name: (" and ".join(map(str, sorted(have))), want) for name, (have, want) in compared.items() if have - {want}
    }


def check_host(wanted: Wanted, host: Host) -> None:
    """Two nodes that each count on the same processor would be measured as slower than they are."""
    cpus, memory = wanted.nodes * wanted.node_cpus, wanted.nodes * wanted.node_memory
    if cpus > host.cpus:
        raise InputError(
            f"cluster_node_cpus asks for {cpus:g} CPUs ({wanted.nodes} nodes with {wanted.node_cpus:g}), but this host has"
            f" {host.cpus}: give at most {host.cpus / wanted.nodes:.3g}, or fewer cluster_nodes"
        )
    if memory > host.memory:
        raise InputError(
            f"cluster_node_memory asks for {gibibytes(memory)} ({wanted.nodes} nodes with {gibibytes(wanted.node_memory)}),"
            f" but this host has {gibibytes(host.memory)}: give less, or fewer cluster_nodes"
        )


def _told_differences(name: str, wrong: Mapping[str, tuple[str, Any]]) -> str:
    told = ", ".join(f"{variable} {have} instead of {want}" for variable, (have, want) in wrong.items())
    return (
        f"Kind cluster {name} exists with {told}: ask for the same, give another cluster_name, or"
        " cluster_recreate: true, which makes it anew (everything in it is lost)"
    )


def _described(found: Sequence[Container]) -> dict[str, Any]:
    """An existing cluster in the words of its request."""
    workers = [node for node in found if node.role == "worker"]
    if not workers:
        return {"nodes": 0} if found else {}
    one = workers[0]
    return {
        "nodes": len(workers),
        "node_image": one.image,
        "node_cpus": round(one.cpus, 3),
        "node_memory": one.memory,
    }


def _result(
    changed: bool,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    kubeconfig: str,
    found: Sequence[Container],
    nodes: Sequence[Mapping[str, Any]],
    version: str,
    msg: str,
) -> dict[str, Any]:
    seen = {name_of(node): node for node in nodes}
    return {
        "changed": changed,
        "kubeconfig": kubeconfig,
        "nodes": [_node(one, seen.get(one.name)) for one in found],
        "owned": is_ours(found),
        "probed_cpus": {},
        "versions": {"kind": version, "kubernetes": next(map(_version, nodes), None)},
        "diff": {"before": dict(before), "after": dict(after)},
        "msg": msg,
    }


def _node(one: Container, seen: Mapping[str, Any] | None) -> dict[str, Any]:
    allocatable = {key: value for key, value in summary(seen).items() if key in ALLOCATABLE} if seen else None
    return {
        "name": one.name,
        "role": one.role,
        "cpus": round(one.cpus, 3),
        "memory_bytes": one.memory,
        "allocatable": allocatable,
    }


def _version(node: Mapping[str, Any]) -> str:
    return str(node["status"]["nodeInfo"]["kubeletVersion"])
