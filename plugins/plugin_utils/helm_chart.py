# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Helm 3 chart of a long-running training: with its default values it renders to the very same objects. PRIVATE, can break at any time.

Values are what a user of a chart changes: numbers of replicas, images, resources, hyperparameters. The rest is written down.
https://helm.sh/docs/topics/charts/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError

Document = Mapping[str, Any]

HYPERPARAMETERS = ("batch_size", "learning_rate", "hidden_units", "train_steps", "preset", "strategy", "threads")
OWNER = "tfscale.study/training"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What the server has chosen for this cluster; another one chooses for itself.
CHOSEN = {
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
    "PersistentVolumeClaim": ("volumeName",),
}
CHOSEN_NOTES = ("pv.kubernetes.io/", "volume.beta.kubernetes.io/", "volume.kubernetes.io/", "deployment.kubernetes.io/")
# The label by which an address finds its only pod.
POD_NAME = "statefulset.kubernetes.io/pod-name"


class Template(str):
    """What Helm fills in; any other text is to come out of Helm as it went in."""

    __slots__ = ()


class Repeated(NamedTuple):
    """A template with one object for each replica of a kind; $index is its number."""

    kind: str
    document: Document


CONFIG_NAME = Template('{{ include "training.config" . }}')


def chart(name: str, objects: Iterable[Document]) -> dict[str, Any]:
    """Files by their path: a text, or the document that one is to be `written` from."""
    cleaned = [_clean(one) for one in objects]
    groups = {one["metadata"]["name"].rpartition("-")[2]: one for one in cleaned if one["kind"] == "StatefulSet"}
    if "worker" not in groups:
        raise InputError(
            f"training_name is {name!r}, but no such training stands there: playbooks/deploy.yml makes one"
        )
    config = _config(groups["worker"], cleaned)
    values = {kind: _group_values(group) for kind, group in sorted(groups.items())}
    values["hyperparams"] = _hyperparameters(groups["worker"])
    templates: dict[str, Any] = {
        f"templates/statefulset-{kind}.yaml": _group(kind, group, values["hyperparams"])
        for kind, group in groups.items()
    }
    others = [one for one in cleaned if one["kind"] not in ("StatefulSet", "ConfigMap") and not _is_address(one)]
    templates |= {f"templates/{one['kind'].lower()}-{one['metadata']['name']}.yaml": one for one in others}
    addresses = {one["metadata"]["name"]: one for one in cleaned if _is_address(one)}
    templates |= {
        f"templates/addresses-{kind}.yaml": Repeated(kind, _address(addresses[first], f"{name}-{kind}"))
        for kind in groups
        if (first := f"{name}-{kind}-0") in addresses
    }
    templates["templates/configmap.yaml"] = _config_template(config, groups)
    about = {
        "apiVersion": "v2",
        "name": name,
        "description": "A distributed TensorFlow training with parameter servers",
        "type": "application",
        "version": "0.1.0",
        # By which the next export knows the folder as its own.
        "annotations": {OWNER: name},
    }
    return {
        "Chart.yaml": about,
        "values.yaml": values,
        "templates/_helpers.tpl": _helpers(name, config, groups),
        **templates,
    }


def repeated(kind: str, text: str) -> str:
    """What is `written` once, for each replica of a kind."""
    return f"{{{{- range $index := until (int .Values.{kind}.number) }}}}\n---\n{text}{{{{- end }}}}\n"


def _clean(live: Document) -> dict[str, Any]:
    document = {key: deepcopy(value) for key, value in live.items() if key != "status"}
    meta = live["metadata"]
    notes = {
        key: value
        for key, value in (meta.get("annotations") or {}).items()
        if key != LAST_APPLIED and not key.startswith(CHOSEN_NOTES)
    }
    document["metadata"] = {
        "name": meta["name"],
        "labels": dict(meta.get("labels") or {}),
        **({"annotations": notes} if notes else {}),
    }
    spec = document.get("spec")
    for key in CHOSEN.get(document["kind"], ()):
        # A Service without an address of its own has asked for that.
        if spec and not (
            document["kind"] == "Service" and live["spec"].get("clusterIP") == "None" and key == "clusterIP"
        ):
            spec.pop(key, None)
    return document


def _is_address(one: Document) -> bool:
    return one["kind"] == "Service" and POD_NAME in (one["spec"].get("selector") or {})


def _address(first: Document, group: str) -> dict[str, Any]:
    marked: dict[str, Any] = deepcopy(dict(first))
    marked["metadata"]["name"] = marked["spec"]["selector"][POD_NAME] = Template(f"{group}-{{{{ $index }}}}")
    return marked


def _container(group: Document) -> dict[str, Any]:
    found: dict[str, Any] = group["spec"]["template"]["spec"]["containers"][0]
    return found


def _config(worker: Document, objects: Iterable[Document]) -> Document:
    wanted = {
        source["configMapRef"]["name"] for source in _container(worker).get("envFrom") or () if "configMapRef" in source
    }
    found = [one for one in objects if one["kind"] == "ConfigMap" and one["metadata"]["name"] in wanted]
    if not found:
        raise InputError(
            f"the ConfigMap {', '.join(sorted(wanted)) or 'of the workers'} is not there: deploy the training anew"
        )
    return found[0]


def _group_values(group: Document) -> dict[str, Any]:
    container = _container(group)
    return {
        "number": group["spec"].get("replicas", 1),
        "image": container["image"],
        "pullPolicy": container.get("imagePullPolicy", "IfNotPresent"),
        "resources": container.get("resources") or {},
    }


def _flag(word: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"--([a-z_]+)=([\w.+-]+)", word, re.ASCII)
    return (found[1], found[2]) if found and found[1] in HYPERPARAMETERS else None


def _hyperparameters(worker: Document) -> dict[str, str]:
    """As text: Helm would read 2000000 as a number and write 2e+06."""
    return dict(flag for word in _container(worker).get("command") or () if (flag := _flag(word)))


def _group(kind: str, group: Document, hyperparams: Mapping[str, str]) -> dict[str, Any]:
    """A value takes the place of those flags that have it: one that is given twice, or to a ps only, may have another."""
    marked: dict[str, Any] = deepcopy(dict(group))
    container = _container(marked)
    marked["spec"]["replicas"] = Template(f"{{{{ .Values.{kind}.number }}}}")
    container["image"] = Template(f"{{{{ .Values.{kind}.image | quote }}}}")
    container["imagePullPolicy"] = Template(f"{{{{ .Values.{kind}.pullPolicy }}}}")
    container["resources"] = Template(f"{{{{ toJson .Values.{kind}.resources }}}}")
    container["command"] = [
        Template(f"--{flag[0]}={{{{ .Values.hyperparams.{flag[0]} }}}}")
        if (flag := _flag(word)) and hyperparams.get(flag[0]) == flag[1]
        else word
        for word in container.get("command") or ()
    ]
    for source in container.get("envFrom") or ():
        if "configMapRef" in source:
            source["configMapRef"]["name"] = CONFIG_NAME
    return marked


def _hosts(config: Document, kind: str) -> str:
    return str(config["data"].get(f"{kind.upper()}_HOSTS") or "")


def _port(config: Document, kind: str) -> str:
    return _hosts(config, kind).partition(",")[0].rpartition(":")[2]


def _helpers(name: str, config: Document, groups: Mapping[str, Document]) -> str:
    """The addresses of all replicas, and a name for them: an immutable ConfigMap of other content needs another one."""
    parts = []
    for kind in sorted(groups):
        port = _port(config, kind).replace("{{", '{{ "{{" }}')
        address = f"{name}-{kind}-{{{{ $index }}}}:{port}"
        parts.append(
            f'{{{{- define "training.{kind}" -}}}}\n'
            f"{{{{- range $index := until (int .Values.{kind}.number) }}}}{{{{ if $index }}}},{{{{ end }}}}{address}{{{{ end -}}}}\n"
            "{{- end -}}\n"
        )
    hosts = " ".join(f'(include "training.{kind}" .)' for kind in sorted(groups))
    layout = " ".join("%s" for _kind in groups)
    present = " ".join(_hosts(config, kind) for kind in sorted(groups))
    parts.append(
        '{{- define "training.config" -}}\n'
        f'{{{{- $hosts := printf "{layout}" {hosts} -}}}}\n'
        f"{{{{- if eq $hosts {json.dumps(present)} -}}}}{config['metadata']['name']}"
        f"{{{{- else -}}}}{name}-{{{{ $hosts | sha256sum | trunc 10 }}}}{{{{- end -}}}}\n"
        "{{- end -}}\n"
    )
    return "\n".join(parts)


def _config_template(config: Document, groups: Mapping[str, Document]) -> dict[str, Any]:
    marked: dict[str, Any] = deepcopy(dict(config))
    marked["metadata"]["name"] = CONFIG_NAME
    for kind in groups:
        marked["data"][f"{kind.upper()}_HOSTS"] = Template(f'{{{{ include "training.{kind}" . | quote }}}}')
    if "TF_CLUSTER" in marked["data"]:
        lists = ", ".join(f'{json.dumps(kind)}: ["%s"]' for kind in sorted(groups))
        layout = json.dumps("{" + lists + "}")
        split = " ".join(f'(include "training.{kind}" . | replace "," "\\", \\"")' for kind in sorted(groups))
        marked["data"]["TF_CLUSTER"] = Template(f"{{{{ printf {layout} {split} | quote }}}}")
    return marked
