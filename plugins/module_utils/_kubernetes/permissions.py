# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study must be allowed to do, and whether the API server would let it. PRIVATE, can break at any time.

docs/examples/rbac.yml gives just this; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .._common.errors import InputError
from .._study.design import workloads
from .api import Api, ApiError

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
THREADS = 8
OWN = ("get", "list", "create", "patch", "delete", "deletecollection")
RUNS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): ("get", "list", "watch", "delete", "deletecollection"),
    ("", "pods/log"): ("get",),
    ("", "events"): ("list",),
    ("", "configmaps"): OWN,
    ("", "services"): OWN,
    # Those that prove the image.
    ("apps", "daemonsets"): ("get", "list", "create", "delete", "deletecollection"),
    ("networking.k8s.io", "networkpolicies"): OWN,
}
LEASES = {("coordination.k8s.io", "leases"): ("get", "create", "update", "delete")}
NODES = {("", "nodes"): ("get", "list", "patch")}
# Of Kueue: the queue, and what it says of a run.
QUEUES = {("kueue.x-k8s.io", "localqueues"): ("get", "list"), ("kueue.x-k8s.io", "workloads"): ("list",)}
# What is in no namespace.
CLUSTER_SCOPED = ("nodes", "namespaces", "clustertrainingruntimes")


class Right(NamedTuple):
    """`resource` may have a subresource: pods/log."""

    verb: str
    group: str
    resource: str

    @property
    def target(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def is_for_cluster(self) -> bool:
        return self.resource in CLUSTER_SCOPED

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Right:
        if not given.get("verb") or not given.get("resource") or set(given) - set(cls._fields):
            raise InputError(f"needs has {dict(given)!r}: give verb, resource and, unless it is the core, group")
        return cls(str(given["verb"]), str(given.get("group") or ""), str(given["resource"]))


def needed(
    *,
    nodes: bool,
    leases: bool,
    queues: bool = False,
    backends: Collection[str] | None = None,
    others: Iterable[workloads.Kind] | None = None,
) -> list[Right]:
    """All rights on the workloads of `backends` and what belongs to them; without it, on every workload.

    `others` are the kinds that cleanup lists beside them, in search of remains; default: all.
    """
    asked = [one for one in workloads.WORKLOADS if backends is None or one.name in backends]
    listed = workloads.kinds() if others is None else others
    of_workloads: dict[tuple[str, str], tuple[str, ...]] = {(one.group, one.resource): ("list",) for one in listed}
    of_workloads |= {(kind.group, kind.resource): OWN for one in asked for kind in (one, *one.others)}
    table = {**RUNS, **of_workloads}
    for wanted, rights in ((leases, LEASES), (nodes, NODES), (queues, QUEUES)):
        table |= rights if wanted else {}
    return [Right(verb, group, resource) for (group, resource), verbs in table.items() for verb in verbs]


def is_allowed(api: Api, right: Right, namespace: str) -> bool:
    """Asked of the server itself, which may know more than roles (webhooks of a cloud); nothing is changed by it."""
    resource, _slash, subresource = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": "" if right.is_for_cluster else namespace,
    }
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = api.create(REVIEWS, {**review, "spec": {"resourceAttributes": attributes}})
    return bool(answer["status"].get("allowed"))


def missing(api: Api, rights: Iterable[Right], namespace: str) -> list[Right]:
    wanted = list(rights)
    with ThreadPoolExecutor(THREADS) as pool:
        allowed = list(pool.map(lambda right: is_allowed(api, right, namespace), wanted))
    return [right for right, granted in zip(wanted, allowed, strict=True) if not granted]


def refusal(api: Api, lacking: Iterable[Right], namespace: str) -> str:
    """One sentence for all that is missing."""
    rights = list(lacking)
    parts = list(_parts([right for right in rights if not right.is_for_cluster], f"in namespace {namespace}"))
    parts += _parts([right for right in rights if right.is_for_cluster], "in the cluster")
    return f"{_who(api)} may not {', and not '.join(parts)}: give these rights (docs/examples/rbac.yml has all that are needed)"


def _parts(rights: list[Right], where: str) -> Iterator[str]:
    """`create and patch jobs.batch or list events in namespace tfscale`"""
    verbs: dict[str, list[str]] = {}
    for right in rights:
        verbs.setdefault(right.target, []).append(right.verb)
    told = [f"{', '.join(some)} {target}" for target, some in verbs.items()]
    if told:
        yield f"{'; '.join(told)} {where}"


def _who(api: Api) -> str:
    """Older servers and strict ones do not say."""
    try:
        answer = api.create(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
        return f"user {answer['status']['userInfo']['username']}"
    except (ApiError, KeyError):
        return "the user of this kubeconfig"
