# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of a cluster who may not do everything: the documented service account, with all of its rights or fewer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.infra.cluster import Cluster

RBAC = Path(__file__).resolve().parents[2] / "docs/examples/rbac.yml"


def make(cluster: Cluster, namespace: str, folder: Path, *without: str, cluster_role: bool = True) -> str:
    """A kubeconfig of the account; `without` takes rights away, as `create jobs`. What is made for the cluster: `remove`."""
    documents = yaml.safe_load(RBAC.read_text().replace("namespace: tfscale", f"namespace: {namespace}"))["items"]
    for document in documents:
        document["metadata"]["name"] += f"-{namespace}" if document["kind"].startswith("Cluster") else ""
        if document["kind"] == "ClusterRoleBinding":
            document["roleRef"]["name"] += f"-{namespace}"
        if "rules" in document:
            document["rules"] = [left for rule in document["rules"] if (left := _less(rule, without))["verbs"]]
    wanted = [one for one in documents if cluster_role or not one["kind"].startswith("Cluster")]
    listed = {"apiVersion": "v1", "kind": "List", "items": wanted}
    cluster.kubectl("--namespace", namespace, "apply", "--filename=-", text=json.dumps(listed))
    token = cluster.kubectl("create", "token", "tfscale", "--namespace", namespace).strip()
    return kubeconfig_with(cluster.kubeconfig, folder, token)


def remove(cluster: Cluster, namespace: str) -> None:
    made = (one for one in yaml.safe_load(RBAC.read_text())["items"] if one["kind"].startswith("Cluster"))
    for one in made:
        name = f"{one['metadata']['name']}-{namespace}"
        cluster.kubectl("delete", one["kind"].lower(), name, "--ignore-not-found")


def _less(rule: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    """A rule without some of its rights; those on other resources of the rule go with them."""
    taken = {verb for verb, resource in map(str.split, without) if resource in rule["resources"]}
    return {**rule, "verbs": [verb for verb in rule["verbs"] if verb not in taken]}


def kubeconfig_with(path: Path, folder: Path, token: str) -> str:
    document = yaml.safe_load(path.read_text())
    document["users"] = [{"name": one["name"], "user": {"token": token}} for one in document["users"]]
    made = folder / "kubeconfig"
    made.touch(mode=0o600)
    made.write_text(json.dumps(document))
    return str(made)
