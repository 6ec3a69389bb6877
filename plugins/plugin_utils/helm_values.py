# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the values file of the old distributed-tensorflow chart (0.1.x) to variables of role training. PRIVATE, can break at any time.

https://github.com/helm/charts/tree/master/stable/distributed-tensorflow (deprecated in 2020 as 1.2.2, whose values are the same),
https://github.com/Dysproz/distributed-tensorflow-helm (0.1.4, with `limit`), Listings 5.14 to 5.17.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.format import unshown
from ansible_collections.tfscale.study.plugins.module_utils._common.quantity import amount
from ansible_collections.tfscale.study.plugins.module_utils._common.words import helm_word, word

# The chart's own images: the trainer of the thesis, whose place ours takes.
OWN = "distributed-tf"
PROGRAM = ("python", "train_distributed.py")
DEFAULT_PORTS = {"ps": 8000, "worker": 9000}
POLICIES = ("Parallel", "OrderedReady")
GROUP = ("number", "podManagementPolicy", "image", "port", "env", "gpuCount", "limit")
KEYS: dict[str, tuple[str, ...]] = {
    "": ("worker", "ps", "hyperparams", "volumes", "volumeMounts"),
    "worker": GROUP,
    "ps": (*GROUP, "resources", "privileged"),
    "hyperparams": ("batchsize", "learningrate", "trainsteps", "hiddenunits", "datadir", "logdir"),
    "image": ("repository", "tag", "pullPolicy"),
    "limit": ("memory", "cpu"),
}
RENAMING = ("nameOverride", "fullnameOverride")


def role_variables(values: Any) -> dict[str, Any]:
    """Variables of the deployment that the chart would make; what is not given has the chart's defaults."""
    top = _mapping("", values if values is not None else {}, KEYS[""])
    worker, ps = (_mapping(kind, top.get(kind, {}), KEYS[kind]) for kind in ("worker", "ps"))
    hyper = _mapping("hyperparams", top.get("hyperparams", {}), KEYS["hyperparams"])
    if ps.get("privileged"):
        raise InputError(
            "ps.privileged is true: pods of the standard `restricted` are never privileged, and a ps needs no such right;"
            " leave it out"
        )
    if _whole("ps.gpuCount", ps.get("gpuCount", 0)):
        raise InputError(f"ps.gpuCount is {ps['gpuCount']!r}: workers alone train on GPUs; give 0")
    gpus = _whole("worker.gpuCount", worker.get("gpuCount", 0))
    images = {kind: _image(kind, group.get("image")) for kind, group in (("worker", worker), ("ps", ps))}
    return {
        "training_ps": _whole("ps.number", ps.get("number", 2), minimum=1),
        "training_workers": _whole("worker.number", worker.get("number", 2), minimum=1),
        "training_ports": {kind: _port(kind, group) for kind, group in (("ps", ps), ("worker", worker))},
        "training_pod_management": {kind: _policy(kind, group) for kind, group in (("ps", ps), ("worker", worker))},
        "training_ps_env": _env("ps.env", ps.get("env")),
        "training_worker_env": _env("worker.env", worker.get("env")),
        "training_volumes": _list("volumes", top.get("volumes")),
        "training_volume_mounts": _list("volumeMounts", top.get("volumeMounts")),
        **_hyperparameters(hyper),
        **_program(images, hyper, gpus),
        **_resources("ps", ps),
        **_resources("worker", worker),
        **({"training_gpus": gpus} if gpus else {}),
    }


def _mapping(name: str, value: Any, allowed: Sequence[str]) -> Mapping[str, Any]:
    """Of what has a value: a key without one is no key to Helm."""
    whole = name or "the values file"
    if not isinstance(value, Mapping):
        raise InputError(f"{whole} is {unshown(value)}: give {', '.join(allowed)}")
    for key in value:
        if key in RENAMING and value[key]:
            raise InputError(f"{key} is {value[key]!r}: objects are named after training_name; leave it out")
        if key not in (*allowed, *RENAMING):
            raise InputError(f"{whole} has {key!r}, which chart 0.1.x does not know: give {', '.join(allowed)}")
    return {key: one for key, one in value.items() if one is not None}


def _whole(name: str, value: Any, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    """The chart's templates take numbers written as text, too, and 2.0 is 2 to Helm."""
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    if isinstance(value, bool) or not text.isdecimal() or not minimum <= int(text) <= maximum:
        upper = f" to {maximum}" if maximum < 2**31 - 1 else ""
        raise InputError(f"{name} is {value!r}: give a whole number from {minimum}{upper}")
    return int(text)


def _port(kind: str, group: Mapping[str, Any]) -> int:
    return _whole(f"{kind}.port", group.get("port", DEFAULT_PORTS[kind]), minimum=1024, maximum=65535)


def _policy(kind: str, group: Mapping[str, Any]) -> str:
    policy = group.get("podManagementPolicy", POLICIES[0])
    if policy not in POLICIES:
        raise InputError(f"{kind}.podManagementPolicy is {policy!r}: give {' or '.join(POLICIES)}")
    return str(policy)


def _image(kind: str, value: Any) -> tuple[str, str] | None:
    """Its name and how it is pulled; None for the chart's own."""
    image = _mapping(f"{kind}.image", {} if value is None else value, KEYS["image"])
    repository = image.get("repository") or OWN
    if not isinstance(repository, str):
        raise InputError(f"{kind}.image.repository is {repository!r}: give the name of an image")
    policy = image.get("pullPolicy", "IfNotPresent")
    if policy not in ("Never", "IfNotPresent", "Always"):
        raise InputError(f"{kind}.image.pullPolicy is {policy!r}: give Never, IfNotPresent or Always")
    if repository.rpartition("/")[2] == OWN:
        return None
    return f"{repository}:{helm_word(image['tag'])}" if image.get("tag") not in (None, "") else repository, policy


def _env(name: str, value: Any) -> dict[str, str]:
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {unshown(value)}: give names and their values")
    for key, one in value.items():
        if isinstance(one, (Mapping, list)):
            raise InputError(f"{name}.{key} is {unshown(one)}: give a text or number")
        if isinstance(one, float) and not math.isfinite(one):
            raise InputError(f"{name}.{key} is {word(one)}, which Helm cannot write: give it in quotes")
    return {word(key): helm_word(one) for key, one in value.items()}


def _list(name: str, value: Any) -> list[Any]:
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise InputError(f"{name} is {unshown(value)}: give a list as in a pod")
    for position, one in enumerate(value):
        if not isinstance(one, Mapping):
            raise InputError(f"{name}[{position}] is {unshown(one)}: give a mapping as in a pod")
    return list(value)


def _hyperparameters(hyper: Mapping[str, Any]) -> dict[str, Any]:
    rate = hyper.get("learningrate", 0.001)
    try:
        number = math.nan if isinstance(rate, bool) else float(rate)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(f"hyperparams.learningrate is {rate!r}: give a number above 0")
    return {
        "training_batch_size": _whole("hyperparams.batchsize", hyper.get("batchsize", 20), minimum=1),
        "training_learning_rate": number,
        # 0 trains without end.
        "training_steps": _whole("hyperparams.trainsteps", hyper.get("trainsteps", 0)),
        **_given(hyper),
    }


def _given(hyper: Mapping[str, Any]) -> dict[str, Any]:
    """Flags of the chart's program, only where the file has them."""
    units = hyper.get("hiddenunits", "")
    given = {"training_hidden_units": "" if units == "" else _whole("hyperparams.hiddenunits", units, minimum=1)}
    for key, variable in (("datadir", "training_data_dir"), ("logdir", "training_log_dir")):
        given[variable] = hyper.get(key, "")
        if not isinstance(given[variable], str):
            raise InputError(f"hyperparams.{key} is {given[variable]!r}: give a folder")
    return {variable: value for variable, value in given.items() if value != ""}


def _program(images: Mapping[str, tuple[str, str] | None], hyper: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """The chart's own images become our trainer; others keep their program, with the flags that the chart gave it."""
    worker, ps = images["worker"], images["ps"]
    if worker is None and ps is None:
        if gpus:
            raise InputError(
                f"worker.gpuCount is {gpus}, but our image, which takes the place of the chart's, has TensorFlow for processors"
                " only: give 0, or worker.image.repository of an image of yours"
            )
        return {}
    if worker is None or ps is None:
        odd = "worker" if worker is None else "ps"
        raise InputError(
            f"{odd}.image is the chart's own, whose place our trainer takes, but the other one is yours: give the image of both"
        )
    if worker[1] != ps[1]:
        raise InputError(
            f"worker.image.pullPolicy is {worker[1]} and ps.image.pullPolicy {ps[1]}: give the same for both"
        )
    numbers = _hyperparameters(hyper)
    flags = [
        *(["--num_gpus", str(gpus)] if gpus else []),
        *("--learning_rate", helm_word(numbers["training_learning_rate"])),
        *("--batch_size", str(numbers["training_batch_size"])),
        *(["--train_steps", str(numbers["training_steps"])] if "trainsteps" in hyper else []),
        *(
            word
            for name in ("data_dir", "log_dir", "hidden_units")
            if f"training_{name}" in numbers
            for word in (f"--{name}", str(numbers[f"training_{name}"]))
        ),
    ]
    return {
        "training_image": worker[0],
        "training_ps_image": ps[0],
        "training_image_pull_policy": worker[1],
        "training_command": [*PROGRAM, *flags],
    }


def _resources(kind: str, group: Mapping[str, Any]) -> dict[str, Any]:
    """`resources` are a ps' until 0.1.3; the `limit` of 0.1.4 is what is asked for, too."""
    resources, limit = group.get("resources") or None, group.get("limit") or None
    if resources and limit:
        raise InputError(f"{kind} has limit and resources, which are of two versions of the chart: give one of them")
    if resources and (not isinstance(resources, Mapping) or not set(resources) <= {"requests", "limits"}):
        raise InputError(f"{kind}.resources is {resources!r}: give requests and limits as in a pod")
    if limit:
        amounts = _limit(f"{kind}.limit", limit)
        resources = {"requests": amounts, "limits": amounts} if amounts else None
    return {f"training_{kind}_resources": dict(resources)} if resources else {}


def _limit(name: str, value: Any) -> dict[str, Any]:
    limit = _mapping(name, value, KEYS["limit"])
    for key, one in limit.items():
        if amount(one) is None:
            raise InputError(
                f"{name}.{key} is {one!r}: give an amount such as {'512Mi' if key == 'memory' else '250m'}"
            )
    return dict(limit)
