# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the replicas of a training are started: hosts, flags, environments and the rest of their pods. PRIVATE, can break at any time.

A pod template that differs restarts the pods of a long-running training, so the order of flags and variables is kept.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.tfscale.study.plugins.module_utils._common.words import flags, word, words
from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import structure
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.labels import (
    ATTEMPT,
    ENDS,
    MANAGED,
    REPLICA,
    RUN,
    STUDY,
    TRAINING,
)
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.queues import QUEUE
from ansible_collections.tfscale.study.plugins.module_utils._study.design import frameworks, workloads
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import UNTOLD
from ansible_collections.tfscale.study.plugins.module_utils._study.design.inputs import (
    EVENLY,
    TOGETHER,
    integer,
    is_reference,
)
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.samples import LOOP
from ansible_collections.tfscale.study.plugins.plugin_utils.train_job import train_job
from ansible_collections.tfscale.study.plugins.plugin_utils.volume import MOUNT, Volume

Values = dict[str, Any]

KINDS = ("ps", "worker")
# What varies within a study; of a long-running training the variables say it.
HYPERPARAMETERS = (
    *("strategy", "preset", "model", "dataset", "batch_size", "hidden_units", "learning_rate"),
    *("train_steps", "telemetry_every"),
)
# Only of a run with a target accuracy.
OF_TARGET = ("target_accuracy", "eval_every")
PROGRAM = ("python3", "-m", "trainer")
INTEROP = "TF_NUM_INTEROP_THREADS"
HOSTNAME = "kubernetes.io/hostname"
READY = "/tmp/ready"  # noqa: S108 - a pod's own folder
SOURCES = {"secret": "secret", "configmap": "configMap"}

VERBS = ("get", "list", "create", "patch", "delete", "deletecollection")
CLAIMS = {"resource": "persistentvolumeclaims"}
DEPLOYMENTS = {"group": "apps", "resource": "deployments"}
# An upgrade replaces objects as wholes.
REPLACED: tuple[dict[str, str], ...] = (
    *({"resource": "configmaps"}, {"resource": "services"}, CLAIMS),
    *({"group": "apps", "resource": "statefulsets"}, DEPLOYMENTS),
    {"group": "networking.k8s.io", "resource": "networkpolicies"},
)


def replicas(given: Mapping[str, Any], run: Mapping[str, Any]) -> Values:
    """Those of a run, of a long-running training, or without either what all runs of a study share."""
    if given["backend"] == "processes":
        return _Program(given, run).of_processes()
    volume = Volume(given)
    is_long_running = _flag(given, "long_running")
    shared = {
        "claim": volume.claim,
        "has_own_claim": volume.is_ours,
        "is_of_one_node": volume.is_of_one_node,
        "references": _references(given),
        "resources": {kind: _resources(given, {}, kind) for kind in KINDS},
        "permissions": list(_permissions(volume, is_long_running=is_long_running)),
    }
    if is_long_running:
        return shared | _LongRunning(given, volume).pods()
    return shared | _Run(given, volume, run).pods() if run else shared


def pod_env(given: Any) -> list[Values]:
    """An environment as a container has it, or sources of all their keys."""
    if isinstance(given, Mapping):
        return [_entry(word(name), value) for name, value in given.items()]
    return [{f"{SOURCES[kind]}Ref": {"name": name}} for one in given for kind, name in one.items()]


def _entry(name: str, value: Any) -> Values:
    if not is_reference(value):
        return {"name": name, "value": word(value)}
    kind = "secret" if "secret" in value else "configmap"
    return {"name": name, "valueFrom": {f"{SOURCES[kind]}KeyRef": {"name": value[kind], "key": value["key"]}}}


def _flag(given: Mapping[str, Any], name: str) -> bool:
    return bool(boolean(given[name], strict=False))


def _number(given: Mapping[str, Any], name: str) -> int:
    return integer(f"training_{name}", given[name])


def _references(given: Mapping[str, Any]) -> list[Values]:
    """What environments take from Secrets and ConfigMaps, without any value."""
    variants = [one["env"] for one in given["variants"].values() if "env" in one]
    environments = [given["env"], given["ps_env"], given["worker_env"], *variants]
    entries = [entry for environment in environments for entry in pod_env(structure(environment))]
    return [entry for entry in entries if "valueFrom" in entry] + pod_env(structure(given["env_from"]))


def _resources(given: Mapping[str, Any], spec: Mapping[str, Any], kind: str) -> Values:
    """A variant may have its own; records of former versions hold them as text."""
    name = f"{kind}_resources"
    asked: Values = dict(structure(spec[name] if name in spec else given[name]))
    gpus = _number(given, "gpus") if kind == "worker" else 0
    return {**asked, "limits": {**asked.get("limits", {}), "nvidia.com/gpu": gpus}} if gpus else asked


def _permissions(volume: Volume, *, is_long_running: bool) -> Iterable[dict[str, str]]:
    if is_long_running:
        yield from ({**what, "verb": verb} for what, verb in product((CLAIMS, DEPLOYMENTS), VERBS))
        yield from ({**what, "verb": "update"} for what in REPLACED)
    elif volume.is_ours:
        yield from ({**CLAIMS, "verb": verb} for verb in VERBS)


class _Program:
    """What a replica executes. A run is recorded and shown, so its spec holds no values of an environment, and of a program no secrets."""

    def __init__(self, given: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        self.given, self.run = given, run
        self.spec: Mapping[str, Any] = run["spec"]
        self.variant: Mapping[str, Any] = given["variants"].get(self.spec.get("variant", ""), {})
        self.threads = integer("training_threads", self.spec.get("threads", given["threads"]))

    @cached_property
    def _given(self) -> Any:
        return self.variant.get("command", self.given["command"])

    @property
    def is_line(self) -> bool:
        """Whether it is the user's own, and a line for the shell."""
        return bool(self._given) and isinstance(self._given, str)

    @cached_property
    def own(self) -> list[str]:
        given = ["/bin/sh", "-c", self._given] if self.is_line else [word(one) for one in self._given or ()]
        return self._program(given).started if given else []

    def _program(self, command: Sequence[str]) -> frameworks.Program:
        return frameworks.Program(spec=self.spec, command=command)

    @property
    def has_chief(self) -> bool:
        return bool(self.spec.get("chief"))

    @property
    def framework(self) -> frameworks.Framework:
        return frameworks.framework_of(self.spec)

    @property
    def limits(self) -> dict[str, str]:
        found = self.framework.limits(self.threads)
        # Servers of a chief wait for each other in these threads: with one of them they wait for ever.
        return {name: limit for name, limit in found.items() if not (self.has_chief and name == INTEROP)}

    def environment(self, **carried: str) -> dict[str, str]:
        """Of a worker's program that is not our trainer."""
        return self._program(self.own).environment(**carried) if self.own else {}

    @property
    def env(self) -> Values:
        return dict(structure(self.variant.get("env", self.given["env"])))

    @property
    def arguments(self) -> Values:
        """The trainer's flags, as far as processes, pods and long-running trainings agree."""
        optional = {
            "data_dir": self.given["data_dir"],
            "num_gpus": integer("training_gpus", self.spec.get("gpus", 0)),
            **{name: self.spec.get(name) for name in OF_TARGET},
        }
        return {
            **{name: self.spec[name] for name in HYPERPARAMETERS},
            "seed": self.run["seed"],
            **{name: value for name, value in optional.items() if value},
        }

    @property
    def export(self) -> Values:
        is_exported = _flag(self.given, "export") and _flag(self.given, "uses_volume")
        return {"export_dir": f"{self.run['log_dir']}/model"} if is_exported else {}

    def of_processes(self) -> Values:
        named = {name: f"{{{name}}}" for name in ("chief_host", "chief_port", "index")}
        return {
            "command": self.own,
            "trainer_args": {} if self.own else self.arguments | self.export,
            "env": {**self.limits, **self.env} if self.own else self.env,
            "environment": self.environment(**named),
            "chief": self.has_chief,
            "arrivals": bool(self.own) and LogFormat.of(self.spec.get("log_format", "tfscale")).takes_arrivals,
            # Our trainer's own flag; a program has variables.
            "threads": 0 if self.own else self.threads,
        }


class _Pods(ABC):
    """What manifests are filled with."""

    grace_seconds: ClassVar[int]
    # Put before the command of pods that are always started again.
    once: ClassVar[list[str]]
    name: str
    labels: dict[str, str]
    node_selector: dict[str, str]
    spread: str

    def __init__(self, given: Mapping[str, Any], volume: Volume, run: Mapping[str, Any]) -> None:
        self.given, self.volume, self.run = given, volume, run
        self.program = _Program(given, run)
        self.workload = workloads.workload(given["backend"])
        self.counts = {"ps": integer("ps", run["spec"]["ps"]), "worker": integer("workers", run["spec"]["workers"])}
        ports = structure(given["ports"])
        self.ports = {kind: integer(f"training_ports.{kind}", ports[kind]) for kind in KINDS}

    @property
    def config_name(self) -> str:
        return self.name

    @abstractmethod
    def address(self, kind: str, index: int) -> str: ...

    @abstractmethod
    def command(self, kind: str) -> list[str]: ...

    @abstractmethod
    def readiness(self, kind: str) -> Values | None: ...

    @cached_property
    def config(self) -> dict[str, str]:
        """Who is who."""
        hosts = {
            kind: [f"{self.address(kind, index)}:{self.ports[kind]}" for index in range(count)]
            for kind, count in self.counts.items()
        }
        there = {kind: some for kind, some in hosts.items() if some}
        cluster = frameworks.with_chief(there) if self.program.has_chief else there
        return {
            "PS_HOSTS": ",".join(hosts["ps"]),
            "WORKER_HOSTS": ",".join(hosts["worker"]),
            "TF_CLUSTER": json.dumps(cluster, sort_keys=True),
        }

    @property
    def selector(self) -> Values:
        if self.workload.name_label:
            return {"matchLabels": {self.workload.name_label: self.name}}
        return {"matchLabels": self.labels, "matchExpressions": [{"key": REPLICA, "operator": "Exists"}]}

    def pods(self) -> Values:
        return {
            "name": self.name,
            "labels": self.labels,
            # Kueue takes up objects that have its label; one that can be suspended has no pods before that.
            "workload_labels": {**self.labels, **({QUEUE: self.given["queue"]} if self.given["queue"] else {})},
            "suspend": bool(self.given["queue"]),
            "selector": self.selector,
            # An object that holds all groups makes one of its own.
            "has_services": not self.workload.is_whole,
            # Of no port at all a NetworkPolicy means every one: collective operations choose their own.
            "ports": list(dict.fromkeys(self.ports.values())) if self.program.framework.has_ps else [],
            "config": {"name": self.config_name, "data": self.config},
            "groups": [self.group(kind, count) for kind, count in self.counts.items() if count],
            "grace_seconds": self.grace_seconds,
            "once": self.once,
            "env_from": pod_env(structure(self.given["env_from"])),
            "node_selector": self.node_selector,
            "placement": {"topologySpreadConstraints": self.constraints, **self.affinity},
            "security": self.security,
            "mount": MOUNT,
            "volumes": self.volume.volumes,
            "volume_mounts": self.volume.mounts,
        }

    def group(self, kind: str, count: int) -> Values:
        name = f"{self.name}-{kind}"
        ends = {"successPolicy": {"rules": [{"succeededIndexes": "0"}]}}
        image = self.program.spec.get("image", self.given["image"])
        return {
            "kind": kind,
            "name": name,
            "labels": {**self.labels, REPLICA: kind},
            "count": count,
            "subdomain": self.workload.object_of(self.name, kind),
            "job": self.workload.job_of(kind),
            "container": self.workload.container,
            "job_labels": self.workload.job_labels.get(kind, {}),
            # Of a Job that ends with the chief.
            "end": ends if kind == "worker" and self.program.has_chief else {},
            "addresses": [f"{name}-{index}" for index in range(count)],
            "port": self.ports[kind],
            "image": (self.given["ps_image"] or image) if kind == "ps" else image,
            # Kubernetes would replace a reference such as $(NAME) in an argument, which is the program's.
            "command": [one.replace("$(", "$$(") for one in self.command(kind)],
            "identity": self.identity(kind),
            "environment": pod_env(self.place(kind)),
            "env": pod_env(self.env(kind)),
            "resources": _resources(self.given, self.program.spec, kind),
            "readiness": self.readiness(kind),
        }

    def identity(self, kind: str) -> list[Values]:
        """Which replica this is. Kubernetes puts in only what stands before."""
        task = f'{{"type": "{kind}", "index": $(JOB_COMPLETION_INDEX)}}'
        fields = {"POD_NAME": "metadata.name", "JOB_COMPLETION_INDEX": self.workload.index_field}
        return [
            {"name": "JOB_NAME", "value": kind},
            *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
            {"name": "TASK_INDEX", "value": "$(JOB_COMPLETION_INDEX)"},
            {"name": "TF_CONFIG", "value": f'{{"cluster": $(TF_CLUSTER), "task": {task}}}'},
        ]

    def place(self, kind: str) -> dict[str, str]:
        """The table of frameworks, without what the user gives; `identity` defines TASK_INDEX before it."""
        if kind != "worker":
            return {}
        chief = {"chief_host": self.address("worker", 0), "chief_port": str(self.ports["worker"])}
        given = self.env(kind)
        table = self.program.environment(**chief, index="$(TASK_INDEX)")
        return {name: value for name, value in table.items() if name not in given}

    def env(self, kind: str) -> Values:
        return {"HOME": "/tmp", **self.program.limits, **self.program.env, **structure(self.given[f"{kind}_env"])}  # noqa: S108 - a pod's own

    @property
    def constraints(self) -> list[Values]:
        """Pods that are to be together have one that always holds: without any the scheduler would spread the pods of a Service.

        https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#internal-default-constraints
        """
        if not self.spread:
            return []
        together = self.spread == TOGETHER
        evenly = {
            "maxSkew": sum(self.counts.values()) if together else 1,
            "topologyKey": HOSTNAME,
            "nodeTaintsPolicy": "Honor",
        }
        selector = {"labelSelector": {"matchLabels": self.labels}}
        return [{**evenly, "whenUnsatisfiable": EVENLY if together else self.spread, **selector}]

    @property
    def affinity(self) -> Values:
        if self.spread != TOGETHER:
            return {}
        term = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": self.labels}}
        preferred = [{"weight": 100, "podAffinityTerm": term}]
        return {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}

    @property
    def security(self) -> Values:
        """Pod Security Standard `restricted`, and whatever user a cluster chooses."""
        found: Values = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        if str(self.given["run_as_user"]):
            found["runAsUser"] = _number(self.given, "run_as_user")
        if self.volume.given and str(self.given["fs_group"]):
            found |= {"fsGroup": _number(self.given, "fs_group"), "fsGroupChangePolicy": "OnRootMismatch"}
        return found


class _Run(_Pods):
    """Each replica once: a run with a replica that was started again is no measurement."""

    grace_seconds = 1
    # The mark lies in the pod's own folder: a container that is started again there finds it and sleeps.
    once: ClassVar[list[str]] = [
        *("/bin/sh", "-c"),
        'if mkdir /tmp/.tfscale-began 2>/dev/null; then exec "$0" "$@"; else exec sleep 2147483647; fi',
    ]

    def __init__(self, given: Mapping[str, Any], volume: Volume, run: Mapping[str, Any]) -> None:
        super().__init__(given, volume, run)
        self.name = f"tf-{run['run_id']}-{run['attempt']}"
        about = {STUDY: "study", "tfscale.study/cell": "cell_id", RUN: "run_id", ATTEMPT: "attempt"}
        self.labels = {**MANAGED, **{label: str(run[key]) for label, key in about.items()}}
        self.labels |= {ENDS: "chief"} if self.program.has_chief else {}
        self.spread = run["spec"].get("spread", UNTOLD["spread"])
        active = {"tfscale.study/active": "true"} if given["nodes_method"] == "label" else {}
        self.node_selector = {**words(structure(given["node_selector"])), **active}

    def address(self, kind: str, index: int) -> str:
        return self.workload.address(self.name, kind, index)

    @property
    def folder(self) -> Values:
        """A folder for each attempt: nothing that a run writes meets what another one wrote."""
        if not self.volume.is_used:
            return {}
        folder = f"{MOUNT}/{self.run['study']}/{self.run['run_id']}/attempt-{self.run['attempt']}"
        export = {"export_dir": f"{folder}/model"} if _flag(self.given, "export") else {}
        return {"log_dir": f"{folder}/events", **export}

    def command(self, kind: str) -> list[str]:
        program = self.program
        # A line for the shell needs one, and a list may be all that there is in an image.
        looked_at = ["/bin/sh", "-c", LOOP] if program.is_line else []
        own = frameworks.behind_chief(program.own) if program.has_chief and kind == "worker" else program.own
        if own:
            return [*looked_at, *own]
        # Only a cell of our trainer has all of these.
        return [*PROGRAM, *flags({**program.arguments, **program.export, "threads": program.threads, **self.folder})]

    def readiness(self, kind: str) -> Values | None:  # noqa: ARG002 - all replicas of a run meet at the start line
        return None

    def pods(self) -> Values:
        named = {"backend": self.workload.name, "deciding": [self.workload.job_of("worker")], "parts": []}
        pods = {**super().pods(), **named}
        return pods | train_job(pods, self.given, self.program.spec) if self.workload.through else pods


class _LongRunning(_Pods):
    """It outlives its pods and goes on from checkpoints."""

    grace_seconds = 60
    once: ClassVar[list[str]] = []

    def __init__(self, given: Mapping[str, Any], volume: Volume) -> None:
        hyperparameters = {name: given["steps" if name == "train_steps" else name] for name in HYPERPARAMETERS}
        spec = {**hyperparameters, "ps": given["ps"], "workers": given["workers"], "gpus": given["gpus"]}
        super().__init__(given, volume, {"spec": spec, "seed": given["seed"]})
        self.name = given["name"]
        self.labels = {**MANAGED, TRAINING: self.name}
        self.node_selector = words(structure(given["node_selector"]))
        # A volume of one node holds all pods on it.
        self.spread = "ScheduleAnyway" if given["spread"] == EVENLY and volume.is_of_one_node else given["spread"]

    def place(self, kind: str) -> dict[str, str]:  # noqa: ARG002 - a template that differs would restart its pods
        return {}

    @property
    def config_name(self) -> str:
        """Named after its content, so that a former template of its pods finds the former one."""
        return f"{self.name}-{hashlib.sha256(json.dumps(self.config, sort_keys=True).encode()).hexdigest()[:10]}"

    def address(self, kind: str, index: int) -> str:
        return f"{self.name}-{kind}-{index}"

    @property
    def folder(self) -> Values:
        if not self.volume.given:
            return {}
        folder = f"{MOUNT}/{self.name}"
        return {
            "checkpoint_dir": f"{folder}/checkpoints",
            "checkpoint_seconds": self.given["checkpoint_seconds"],
            "log_dir": f"{folder}/events",
            **({"export_dir": f"{folder}/model"} if _flag(self.given, "export") else {}),
        }

    def command(self, kind: str) -> list[str]:
        """A ps gets no flag that concerns workers only: their hyperparameters change without it."""
        command = [*PROGRAM, *flags({"threads": self.program.threads, "long_running": True})]
        if kind == "worker":
            given = {"log_dir": self.given["log_dir"]} if self.given["log_dir"] else {}
            command += flags({"ready_file": READY, **self.program.arguments, **self.folder, **given})
        return self.program.own or command

    def readiness(self, kind: str) -> Values | None:
        often: Values = {"periodSeconds": 2 if kind == "ps" else 3, "failureThreshold": 1}
        if kind == "ps":
            return {"tcpSocket": {"port": self.ports["ps"]}, **often}
        ours = None if self.program.own else {"exec": {"command": ["/bin/sh", "-c", f"test -e {READY}"]}, **often}
        return structure(self.given["readiness_probe"]) or ours

    def pods(self) -> Values:
        parts = {"claim": self.volume.is_ours, "tensorboard": _flag(self.given, "tensorboard")}
        return {
            **super().pods(),
            "parts": [part for part, is_there in parts.items() if is_there],
            "tensorboard_labels": {**MANAGED, "tfscale.study/tensorboard": self.name},
        }
