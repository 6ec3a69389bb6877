# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GKE cluster as it is asked for, as it is found, and the kubeconfig that reaches it. PRIVATE, can break at any time."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._common.errors import InputError
from . import gke_credential_plugin, kubeconfig

# Who carries it was made here, and may be removed.
OWNER_LABEL = "tfscale-study"
POOL = "study"
POOL_LABEL = f"cloud.google.com/gke-nodepool={POOL}"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A cluster with one pool of `nodes` nodes in all; what is '' or {} is left to Google."""

    name: str
    nodes: int
    machine_type: str
    disk_gb: int
    disk_type: str = ""
    spot: bool = False
    channel: str = "regular"
    zones: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    accelerator: Mapping[str, Any] = field(default_factory=dict)
    private_nodes: bool = False
    workload_pool: str = ""
    network: str = ""
    subnetwork: str = ""


def request(wanted: Wanted, per_zone: int) -> dict[str, Any]:
    """https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#Cluster"""
    labels = {**wanted.labels, OWNER_LABEL: wanted.name}
    config: dict[str, Any] = {
        "machineType": wanted.machine_type,
        "diskSizeGb": wanted.disk_gb,
        "spot": wanted.spot,
        "resourceLabels": labels,
    }
    if wanted.disk_type:
        config["diskType"] = wanted.disk_type
    if wanted.accelerator:
        config["accelerators"] = [_accelerator(wanted.accelerator)]
    if wanted.workload_pool:
        config["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    cluster: dict[str, Any] = {
        "name": wanted.name,
        "resourceLabels": labels,
        "releaseChannel": {"channel": wanted.channel.upper()},
        "ipAllocationPolicy": {"useIpAliases": True},
        "nodePools": [{"name": POOL, "initialNodeCount": per_zone, "config": config}],
    }
    given = {"network": wanted.network, "subnetwork": wanted.subnetwork, "locations": list(wanted.zones)}
    cluster.update({key: value for key, value in given.items() if value})
    if wanted.private_nodes:
        cluster["privateClusterConfig"] = {"enablePrivateNodes": True}
    if wanted.workload_pool:
        cluster["workloadIdentityConfig"] = {"workloadPool": wanted.workload_pool}
    return cluster


def _accelerator(asked: Mapping[str, Any]) -> dict[str, Any]:
    """With the driver that fits, which Google installs."""
    return {
        "acceleratorType": asked["type"],
        "acceleratorCount": str(asked["count"]),
        "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"},
    }


def is_ours(found: Mapping[str, Any]) -> bool:
    """By the cluster's own name: a label of that key may be somebody's for his bills."""
    return bool((found.get("resourceLabels") or {}).get(OWNER_LABEL) == found["name"])


def pool_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((pool for pool in found.get("nodePools") or [] if pool.get("name") == POOL), {})


def zones_of(found: Mapping[str, Any]) -> list[str]:
    """Each has as many of the pool's nodes as the others."""
    return list(pool_of(found).get("locations") or found.get("locations") or [found["location"]])


def differences(found: Mapping[str, Any], wanted: Wanted) -> dict[str, tuple[Any, Any]]:
    """By variable what is and what is asked for, of that which only a new pool could change."""
    config = pool_of(found).get("config") or {}
    cards = {card["acceleratorType"]: int(card["acceleratorCount"]) for card in config.get("accelerators") or []}
    asked = {wanted.accelerator["type"]: int(wanted.accelerator["count"])} if wanted.accelerator else {}
    compared = {
        "machine_type": (config.get("machineType"), wanted.machine_type),
        "disk_gb": (config.get("diskSizeGb"), wanted.disk_gb),
        "disk_type": (config.get("diskType") if wanted.disk_type else "", wanted.disk_type),
        "spot": (bool(config.get("spot")), wanted.spot),
        "accelerator": (cards, asked),
        "zones": (sorted(zones_of(found)) if wanted.zones else [], sorted(wanted.zones)),
    }
    return {name: (have, want) for name, (have, want) in compared.items() if have != want}


def summary(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a person has to know of a cluster that costs money."""
    return {
        "name": found["name"],
        "location": found["location"],
        "status": found.get("status"),
        "created": found.get("createTime"),
        "machine_type": (pool_of(found).get("config") or {}).get("machineType"),
    }


def check_kubeconfig(path: Path, name: str) -> None:
    """All files that are written and removed for it must be its own, those beside it too."""
    kubeconfig.check(path, name)
    plugin, cache = beside(path)
    for file, is_own in ((plugin, _is_plugin), (cache, _is_token)):
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file() or not is_own(file.read_bytes())):
            raise InputError(
                f"cluster_kubeconfig is {str(path)!r}, which needs {file.name} beside it, but that file is not ours: give"
                " another, or delete that file if it is yours"
            )


def _is_plugin(text: bytes) -> bool:
    """Of any version: they begin alike."""
    return text.splitlines()[:4] == inspect.getsource(gke_credential_plugin).encode().splitlines()[:4]


def _is_token(text: bytes) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(found) == {"token", "until"}


def write_kubeconfig(path: Path, found: Mapping[str, Any], service_account_file: str) -> bool:
    """True when something was written. Without Google's own program: a credential plugin lies beside it, and the last token."""
    plugin, cache = beside(path)
    name = found["name"]
    reached = {
        "server": f"https://{found['endpoint']}",
        "certificate-authority-data": found["masterAuth"]["clusterCaCertificate"],
    }
    account = os.path.abspath(service_account_file) if service_account_file else ""
    user = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin.absolute()), account, str(cache.absolute())],
        "interactiveMode": "Never",
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": reached}],
        "users": [{"name": name, "user": {"exec": user}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = kubeconfig.write(path, json.dumps(config, indent=1))
    if is_new:
        # Perhaps another account's.
        cache.unlink(missing_ok=True)
    return kubeconfig.write(plugin, inspect.getsource(gke_credential_plugin)) or is_new


def remove_kubeconfig(path: Path) -> None:
    for file in (path, *beside(path)):
        file.unlink(missing_ok=True)


def beside(path: Path) -> tuple[Path, Path]:
    """The credential plugin, and the last token."""
    return path.with_name(f"{path.name}.credentials.py"), path.with_name(f"{path.name}.token")
