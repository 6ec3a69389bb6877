# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a GKE cluster, gives it a number of nodes, or removes it. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._common.context import Context
from .._common.errors import BackendError, InputError, StepError
from .._common.files import why
from .._common.format import counted
from .._common.words import words
from .._kubernetes import api as kubernetes_api
from .._kubernetes import held_studies as held
from .._kubernetes import nodes
from .._kubernetes.api import ApiError
from .._kubernetes.readiness import wait_for_count
from .._providers import gke, gke_api
from .._providers.gke_api import Container, GkeError
from .._study.design.inputs import integer, number

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **held.HELD_ARG_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "project": {"type": "str", "required": True},
    "location": {"type": "str", "required": True},
    "service_account_file": {"type": "path", "default": ""},
    "endpoint": {"type": "str", "default": ""},
    "nodes": {"type": "int", "default": 1},
    "resize": {"type": "bool", "default": True},
    "machine_type": {"type": "str", "default": "e2-standard-4"},
    "disk_gb": {"type": "int", "default": 50},
    "disk_type": {"type": "str", "default": ""},
    "spot": {"type": "bool", "default": False},
    "channel": {"type": "str", "choices": ["rapid", "regular", "stable", "extended"], "default": "regular"},
    "zones": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "accelerator": {"type": "dict", "default": {}},
    "private_nodes": {"type": "bool", "default": False},
    "workload_identity": {"type": "bool", "default": False},
    "network": {"type": "str", "default": ""},
    "subnetwork": {"type": "str", "default": ""},
    "leftovers": {"type": "str", "choices": ["tell", "remove"], "default": "tell"},
    "timeout": {"type": "float", "default": 1800.0},
}
# So long a cluster that is to be removed is asked who works with it.
ANSWER_SECONDS = 5.0
# Google's own rules: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#Cluster
NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", re.ASCII)
LOCATION = re.compile(r"[a-z]+(?:-[a-z]+)+[0-9]+(?:-[a-z])?", re.ASCII)
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
VALUE = re.compile(r"[a-z0-9_-]{0,63}", re.ASCII)
# Which parameter it is about when Google's sentence has this word; the first one counts.
ABOUT = {
    "machine type": "machine_type",
    "machinetype": "machine_type",
    "accelerator": "accelerator",
    "subnetwork": "subnetwork",
    "network": "network",
    "disk": "disk_type",
    "zone": "location",
    "region": "location",
    "location": "location",
    "project": "project",
}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        wanted = _check(params)
        api = gke_api.connect(
            params["project"],
            params["service_account_file"],
            endpoint=params["endpoint"],
            clock=context.clock,
            sleep=context.sleep,
        )
        step = _Step(api, params, wanted, context, context.clock() + params["timeout"])
        if params["state"] == "absent":
            return step.absent(check_mode=context.check_mode)
        return step.present(check_mode=context.check_mode)
    except GkeError as error:
        raise StepError(f"{error}{_advice(error, params)}.") from error
    except (InputError, BackendError) as error:
        raise StepError(f"{error}.") from error
    except OSError as error:
        reason = why(error, os.path.dirname(os.path.abspath(params["kubeconfig"])))
        raise StepError(f"cluster_kubeconfig {params['kubeconfig']} cannot be written: {reason}.") from error


def _check(params: Mapping[str, Any]) -> gke.Wanted:
    _matches("cluster_name", params["name"], NAME, "up to 40 lower-case letters, digits and dashes, a letter first")
    _matches("cluster_gke_project", params["project"], PROJECT, "the ID of a project, such as my-project-123")
    _matches("cluster_gke_location", params["location"], LOCATION, "a zone or region, such as europe-west1-b")
    for zone in params["zones"]:
        _matches("cluster_gke_zones", zone, LOCATION, "zones, such as [europe-west1-b]")
    if params["state"] == "present":
        _check_zones(params)
    for key, value in words(params["labels"]).items():
        _matches("cluster_gke_labels", key, LABEL, "keys of lower-case letters, digits, dashes and underscores")
        _matches("cluster_gke_labels", value, VALUE, "values of lower-case letters, digits, dashes and underscores")
    gke.check_kubeconfig(Path(params["kubeconfig"]), params["name"])
    number("cluster_timeout", params["timeout"], minimum=1)
    return gke.Wanted(
        name=params["name"],
        nodes=integer("cluster_nodes", params["nodes"], minimum=1),
        machine_type=params["machine_type"],
        disk_gb=integer("cluster_gke_disk_gb", params["disk_gb"], minimum=10),
        disk_type=params["disk_type"],
        spot=params["spot"],
        channel=params["channel"],
        zones=tuple(params["zones"]),
        labels=words(params["labels"]),
        accelerator=_accelerator(params["accelerator"]),
        private_nodes=params["private_nodes"],
        workload_pool=f"{params['project']}.svc.id.goog" if params["workload_identity"] else "",
        network=params["network"],
        subnetwork=params["subnetwork"],
    )


def _check_zones(params: Mapping[str, Any]) -> None:
    if params["location"].count("-") == 1 and not params["zones"]:
        raise InputError(
            f"cluster_gke_location is the region {params['location']!r}: give the zones for the nodes in cluster_gke_zones, or a zone here"
        )
    if params["nodes"] % (len(params["zones"]) or 1):
        raise InputError(_uneven(params["nodes"], params["zones"]))


def _matches(name: str, value: str, pattern: re.Pattern[str], allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise InputError(f"{name} is {value!r}: give {allowed}")


def _accelerator(given: Mapping[str, Any]) -> dict[str, Any]:
    if not given:
        return {}
    if set(given) != {"type", "count"}:
        raise InputError(
            f"cluster_gke_accelerator is {dict(given)!r}: give its type and count, such as {{type: nvidia-l4, count: 1}}"
        )
    return {"type": str(given["type"]), "count": integer("cluster_gke_accelerator.count", given["count"], minimum=1)}


def _advice(error: GkeError, params: Mapping[str, Any]) -> str:
    """Google names the value that it does not like, but not where it came from."""
    text = str(error).lower()
    if error.status not in (400, 404) or "cluster_" in text:
        return ""
    name = next((name for word, name in ABOUT.items() if word in text), "")
    return f"; cluster_gke_{name} is {params[name]!r}: give another" if name else ""


@dataclass
class _Step:
    api: Container
    params: Mapping[str, Any]
    wanted: gke.Wanted
    context: Context
    end: float

    @property
    def kubeconfig(self) -> Path:
        return Path(self.params["kubeconfig"])

    def present(self, *, check_mode: bool) -> dict[str, Any]:
        found = self._find(check_mode=check_mode)
        made = found is None
        if check_mode and found is None:
            return self._result(True, {}, [], f"{self._cluster} would be created with {self._count}.")
        if found is None:
            found = self._create()
        elif wrong := gke.differences(found, self.wanted):
            raise InputError(_told_differences(self.wanted.name, wrong))
        if check_mode:
            return self._would(found)
        written = gke.write_kubeconfig(self.kubeconfig, found, self.params["service_account_file"])
        before, after = self._nodes(found)
        resized = not made and len(before) != self.wanted.nodes
        verb = "was created" if made else f"was resized from {len(before)} to {self._count}" if resized else "exists"
        tail = "" if resized else f", with {self._count}"
        return self._result(
            made or resized or written, found, after, f"{self._cluster} {verb}{tail}.", before=None if made else before
        )

    def absent(self, *, check_mode: bool) -> dict[str, Any]:
        name, location = self.wanted.name, self.params["location"]
        owned = [one for one in self.api.clusters() if gke.is_ours(one)]
        found = self.api.cluster(location, name)
        self._check_owner(found)
        others = [one for one in owned if (one["name"], one["location"]) != (name, location)]
        doomed = ([found] if found else []) + (others if self.params["leftovers"] == "remove" else [])
        kept = [] if self.params["leftovers"] == "remove" else others
        for one in doomed:
            whose = held.in_folder(self.params) if one is found else iter(())
            held.check(self.params, f"GKE cluster {one['name']} in {one['location']}", whose, self._held(one))
        if not check_mode:
            self._delete(doomed)
            gke.remove_kubeconfig(self.kubeconfig)
        verb = "would be removed" if check_mode else "was removed"
        told = [f"{self._cluster} {verb if found else 'does not exist'}"]
        if len(doomed) > bool(found):
            told.append(f"so {verb.replace('was', 'were')} {_listed(others)}")
        if kept:
            told.append(
                f"other clusters of this collection still run and cost money: {_listed(kept)} (cluster_gke_leftovers: remove deletes them)"
            )
        result = self._result(bool(doomed), {}, [], f"{'; '.join(told)}.")
        return {
            **result,
            "leftovers": [gke.summary(one) for one in kept],
            "removed": [gke.summary(one) for one in doomed],
        }

    @property
    def _cluster(self) -> str:
        return f"GKE cluster {self.wanted.name} in {self.params['location']}"

    @property
    def _count(self) -> str:
        return counted(self.wanted.nodes, "node")

    def _check_owner(self, found: Mapping[str, Any] | None) -> None:
        if found is not None and not gke.is_ours(found):
            raise InputError(
                f"cluster_name is {self.wanted.name!r}, but {self._cluster} was not made by this collection (it has no label"
                f" {gke.OWNER_LABEL}={found['name']}) and is left alone: give another name, or cluster_provider existing"
            )

    def _check_free(self, found: Mapping[str, Any], count: int) -> None:
        """Before it gets another number of nodes: pods of others run on them, and more nodes are more places for these."""
        what = f"The pool of {self._cluster} ({counted(count, 'node')})"
        held.check(self.params, what, held.in_folder(self.params), self._held(found), verb="is resized")

    def _held(self, one: Mapping[str, Any]) -> Iterator[str]:
        """A cluster that is not reached from here is removed: it costs."""
        if one.get("status") == "RUNNING":
            with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ApiError):
                path = Path(folder, "kubeconfig")
                gke.write_kubeconfig(path, one, self.params["service_account_file"])
                api = kubernetes_api.connect({"kubeconfig": str(path)}, patience=ANSWER_SECONDS)
                yield from held.in_cluster(api, self.params)
                yield from held.unclaimed(api, self.params)

    def _find(self, *, check_mode: bool) -> dict[str, Any] | None:
        """As it is once nobody works on it; what could not be made or is being removed is taken out of the way first."""
        while True:
            found = self.api.cluster(self.params["location"], self.wanted.name)
            self._check_owner(found)
            status = (found or {}).get("status", "RUNNING")
            if found is None or check_mode or status == "RUNNING":
                return found
            if status == "ERROR":
                self.context.say(
                    f"{self._cluster}: an earlier call could not create it ({found.get('statusMessage', status)}), is removed"
                )
                self._delete([found])
                continue
            if status == "DEGRADED":
                raise InputError(f"{self._cluster} is degraded: {found.get('statusMessage') or 'Google says no more'}")
            self._pause(f"{self._cluster} is {status}")

    def _create(self) -> dict[str, Any]:
        location, zones = self.params["location"], len(self.wanted.zones) or 1
        self.context.say(f"{self._cluster}: making it with {self._count} of type {self.wanted.machine_type}")
        document = gke.request(self.wanted, self.wanted.nodes // zones)
        operation = self._insist(lambda: self.api.create(location, document))
        self.api.finish(location, operation, f"make {self._cluster}", seconds=self._left())
        found = self.api.cluster(location, self.wanted.name)
        if found is None:
            raise GkeError(f"{self._cluster} does not exist although Google created it: somebody else deletes it")
        return found

    def _nodes(self, found: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Those before and after; Google's own figure of a pool is that of its first day, so Kubernetes is asked."""
        kubernetes = kubernetes_api.connect({"kubeconfig": str(self.kubeconfig)})
        before, _version = kubernetes.list(nodes.NODES, labelSelector=gke.POOL_LABEL)
        zones = gke.zones_of(found)
        if not self.params["resize"] and before:
            self.wanted = replace(self.wanted, nodes=len(before))
        if len(before) != self.wanted.nodes:
            if self.wanted.nodes % len(zones):
                raise InputError(_uneven(self.wanted.nodes, zones))
            self._check_free(found, len(before))
            self.context.say(f"{self._cluster}: {self._count} instead of {len(before)}")
            location, per_zone = self.params["location"], self.wanted.nodes // len(zones)
            operation = self._insist(lambda: self.api.resize(location, self.wanted.name, gke.POOL, per_zone))
            self.api.finish(location, operation, f"give {self._cluster} {self._count}", seconds=self._left())
        after = wait_for_count(
            kubernetes,
            gke.POOL_LABEL,
            self.wanted.nodes,
            seconds=self._left(),
            clock=self.context.clock,
            sleep=self.context.sleep,
        )
        return before, after

    def _delete(self, doomed: Sequence[Mapping[str, Any]]) -> None:
        """All are asked first and then waited for: each takes minutes."""
        asked = []
        for one in doomed:
            if one.get("status") == "STOPPING":
                continue
            self.context.say(f"GKE cluster {one['name']} in {one['location']}: removing it")
            asked.append((one, self._insist(lambda one=one: self.api.delete(one["location"], one["name"]))))  # type: ignore[misc]
        for one, operation in asked:
            what = f"remove GKE cluster {one['name']} in {one['location']}"
            self.api.finish(one["location"], operation, what, seconds=self._left())
        for one in doomed:
            while self.api.cluster(one["location"], one["name"]) is not None:
                self._pause(f"GKE cluster {one['name']} in {one['location']} is still being removed")

    def _insist(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Google does one thing at a time with a cluster, and now and then one of its own (repairs, upgrades)."""
        while True:
            try:
                return call()
            except GkeError as error:
                if "incompatible operation" not in str(error) or self.context.clock() >= self.end:
                    raise
            self.context.sleep(gke_api.PAUSE_SECONDS)

    def _pause(self, why: str) -> None:
        if self.context.clock() >= self.end:
            raise GkeError(f"{why}, for longer than cluster_timeout ({self.params['timeout']:.0f} s)")
        self.context.sleep(gke_api.PAUSE_SECONDS)

    def _left(self) -> float:
        return max(1.0, self.end - self.context.clock())

    def _would(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """A check writes no kubeconfig, so it sees the nodes only where there is one."""
        if not self.kubeconfig.exists():
            return self._result(True, found, [], f"{self._cluster} exists; its kubeconfig would be written.")
        kubernetes = kubernetes_api.connect({"kubeconfig": str(self.kubeconfig)})
        before, _version = kubernetes.list(nodes.NODES, labelSelector=gke.POOL_LABEL)
        if not self.params["resize"] and before:
            self.wanted = replace(self.wanted, nodes=len(before))
        resized = len(before) != self.wanted.nodes
        if resized:
            self._check_free(found, len(before))
        verb = f"would be resized from {len(before)} to {self._count}" if resized else f"exists, with {self._count}"
        return self._result(resized, found, before, f"{self._cluster} {verb}.", before=before)

    def _result(
        self,
        changed: bool,
        found: Mapping[str, Any],
        after: Sequence[Mapping[str, Any]],
        msg: str,
        *,
        before: Sequence[Mapping[str, Any]] | None = None,
    ) -> dict[str, Any]:
        return {
            "changed": changed,
            "kubeconfig": str(self.kubeconfig),
            "nodes": [nodes.summary(node) for node in after],
            "versions": {"kubernetes": found.get("currentMasterVersion")},
            "leftovers": [],
            "removed": [],
            "diff": {
                "before": {} if before is None else {"nodes": len(before)},
                "after": {"nodes": self.wanted.nodes} if self.params["state"] == "present" else {},
            },
            "msg": msg,
        }


def _uneven(count: int, zones: Sequence[str]) -> str:
    return (
        f"cluster_nodes is {count}, but the pool has as many nodes in each of its {len(zones)} zones ({', '.join(zones)}): give a"
        f" multiple of {len(zones)}, or one zone in cluster_gke_zones"
    )


def _told_differences(name: str, wrong: Mapping[str, tuple[Any, Any]]) -> str:
    told = ", ".join(f"cluster_gke_{key} {have!r} instead of {want!r}" for key, (have, want) in wrong.items())
    return f"GKE cluster {name} exists with {told}: ask for the same, give another cluster_name, or remove it first (playbooks/teardown.yml)"


def _listed(found: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} in {one['location']} (since {one.get('createTime', 'unknown')})" for one in found)
