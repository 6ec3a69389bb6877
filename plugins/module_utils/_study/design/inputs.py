# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may ask for, and the sentence that bad input gets. PRIVATE, can break at any time."""

from __future__ import annotations

import errno
import math
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..._common.errors import InputError
from ..._common.files import why
from ..._common.format import gibibytes, shown, unshown
from ..._common.quantity import LEAST_MEMORY, Replica
from ..._common.quantity import MOST as MOST_AMOUNT
from ..._common.words import word
from ..._common.yaml_text import structure
from ..logs.formats import LogFormat
from ..statistics.adaptive import AUTO
from . import frameworks, workloads
from .cell import NESTED, nested
from .target import check_target

STRATEGIES = ("async_ps", "sync_ps", "tf2_ps", "mirrored")
# With a loop of their own, which is neither of the presets.
TF2_STRATEGIES = ("tf2_ps", "mirrored")
PRESETS = ("thesis", "fast")
MODELS = ("mlp", "cnn")
DATASETS = ("mnist", "fashion_mnist", "synthetic")
PROVIDERS = ("local", "kind", "gke", "existing")

# The names that users know; a specification's keys are the records' names.
VARIABLES = {
    "cluster": "cluster_name",
    "provider": "cluster_provider",
    "train_steps": "training_steps",
    "nodes": "sweep_nodes",
    "ps": "sweep_ps",
    "workers": "sweep_workers",
}
# In the place of a number of workers: as many as find room now.
FIT = "fit"
# In the place of numbers of ps: none where the framework has none, else one.
AUTO_PS = "auto"
# Where a run's pods go: two ways of spreading them over the nodes, beside each other, or left to the scheduler.
SPREADS = EVENLY, _IF_POSSIBLE, TOGETHER, _ = ("DoNotSchedule", "ScheduleAnyway", "PodAffinity", "")
# Also the value of a Kubernetes label.
STUDY_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?\Z")
# More of anything than anybody asks for: a larger number is a slip. It is also short enough to print.
MOST = 1_000_000
MOST_STEPS = 10**12
MOST_THREADS = 1024
A_YEAR = 365 * 24 * 3600


def variable(key: str) -> str:
    return VARIABLES.get(key, f"training_{key}")


def _whole(value: Any) -> int | None:
    """A number that is whole beyond doubt, as YAML, a survey or the command line may give it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    return None


# What people put tokens into, or the content of the file that is meant; of a variant all but what has no room for one.
_MAY_BE_SECRET = re.compile(
    r"(?:training_(?:(?:ps_|worker_)?env|env_from|command|volumes|readiness_probe)|image_arguments|sweep_variants"
    r"|upgrade_before|upgrade_after|cluster_kubeconfig|cluster_gke_service_account_file|awx_scm_url)(?![a-z_])"
)
_HARMLESS = re.compile(r"(?:sweep_variants\.(?:(?!\.env\.).)+|upgrade_before|upgrade_after)\.(\w+)", re.DOTALL)


def may_be_secret(name: str) -> bool:
    """A variable, or a value within one: training_env.TOKEN."""
    part = _HARMLESS.fullmatch(name)
    return bool(_MAY_BE_SECRET.match(name)) and not (
        part and part[1] in OF_VARIANTS and part[1] not in ("command", "env")
    )


def wrong(name: str, value: Any, allowed: str) -> InputError:
    return InputError(f"{name} is {unshown(value) if may_be_secret(name) else shown(value)}: give {allowed}")


def integer(name: str, value: Any, *, minimum: int = 0, maximum: int | None = None) -> int:
    number = _whole(value)
    if number is None or number < minimum or (maximum is not None and number > maximum):
        raise wrong(name, value, f"a whole number from {minimum}{'' if maximum is None else f' to {maximum}'}")
    return number


def items_of(value: Any) -> Any:
    """What stands in a list; as text it is one of YAML, or parts between commas."""
    found = structure(value)
    return [item.strip() for item in found.split(",")] if isinstance(found, str) else found


def integers(name: str, value: Any, minimum: int = 1, *, word: str = "") -> list[Any]:
    """A list of whole numbers, given as 3, "3", "1,2,4" or [1, "2"]; one word may stand in a number's place."""
    items = items_of(value)
    items = items if isinstance(items, (list, tuple)) else [items]
    found = [word if word and str(item).strip() == word else _whole(item) for item in items]
    if not found or not all(minimum <= one <= MOST if isinstance(one, int) else one == word for one in found):
        also = f", or {word}" if word else ""
        raise wrong(name, value, f'whole numbers from {minimum}, such as 4 or "1,2,4"{also}')
    return found


def number(name: str, value: Any, *, minimum: float = 0.0, maximum: float | None = None) -> float:
    try:
        result = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result) or result < minimum or (maximum is not None and result > maximum):
        raise wrong(name, value, f"a number from {minimum:g}{'' if maximum is None else f' to {maximum:.12g}'}")
    return result


def margin(name: str, value: Any) -> float | None:
    """The slowdown that is allowed, as a share; none when nothing is asked for."""
    share = 0.0 if value == "" else number(name, value)
    if share >= 1:
        raise wrong(name, value, "a share below 1, such as 0.05 for 5 %, or nothing")
    return share or None


def part(name: str, value: Any, *, example: str = "0.05 for 5 %") -> float:
    """A share that is neither nothing nor all."""
    try:
        share = number(name, value)
    except InputError:
        share = 0.0
    if not 0 < share < 1:
        raise wrong(name, value, f"a share above 0 and below 1, such as {example}")
    return share


def repeats(name: str, value: Any, *, maximum: int) -> int | str:
    if value == AUTO:
        return AUTO
    number = _whole(value)
    if number is None or not 1 <= number <= maximum:
        raise wrong(name, value, f"a whole number from 1 to {maximum}, or {AUTO}")
    return number


def one_of(words: Sequence[str]) -> str:
    *first, last = [word or "nothing" for word in words]
    return f"{', '.join(first)} or {last}" if first else last


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise wrong(name, value, one_of(allowed))
    return value


def choices(name: str, value: Any, allowed: Sequence[str]) -> list[str]:
    items = items_of(value)
    if not isinstance(items, (list, tuple)) or not items:
        raise wrong(name, value, f"a list of {one_of(allowed)}")
    return [choice(name, item, allowed) for item in items]


def study_name(value: Any, name: str = "sweep_study") -> str:
    if not isinstance(value, str) or not STUDY_NAME.match(value):
        raise wrong(
            name,
            value,
            "a name of lower-case letters, digits, dots, dashes and underscores that begins and ends with a letter or"
            " digit, at most 63 of them",
        )
    return value


def positive(name: str, value: Any, *, maximum: float) -> float:
    found = number(name, value, maximum=maximum)
    if found <= 0:
        raise wrong(name, value, "a number greater than 0")
    return found


def prices(name: str, given: Mapping[str, Any]) -> dict[str, float]:
    """Of a node's hour by machine type."""
    return {str(kind): number(f"{name}[{str(kind)!r}]", price) for kind, price in given.items()}


def accuracy(name: str, value: Any) -> float:
    """A share of the test set."""
    try:
        return part(name, value)
    except InputError:
        raise wrong(name, value, "a share above 0 and below 1, such as 0.95") from None


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "provider": lambda name, value: choice(name, value, PROVIDERS),
    "backend": lambda name, value: choice(name, value, ("processes", *workloads.names())),
    "strategy": lambda name, value: choice(name, value, STRATEGIES),
    "preset": lambda name, value: choice(name, value, PRESETS),
    "model": lambda name, value: choice(name, value, MODELS),
    "dataset": lambda name, value: choice(name, value, DATASETS),
    "batch_size": lambda name, value: integer(name, value, minimum=1, maximum=MOST),
    "hidden_units": lambda name, value: integer(name, value, minimum=1, maximum=MOST),
    "learning_rate": lambda name, value: positive(name, value, maximum=1000),
    "train_steps": lambda name, value: integer(name, value, maximum=MOST_STEPS),
    "telemetry_every": lambda name, value: integer(name, value, minimum=1, maximum=MOST_STEPS),
    "target_accuracy": accuracy,
    "eval_every": lambda name, value: integer(name, value, minimum=1, maximum=MOST_STEPS),
    "gpus": lambda name, value: integer(name, value, maximum=MOST_THREADS),
    "framework": lambda name, value: choice(name, value, tuple(frameworks.FRAMEWORKS)),
    "processes_per_worker": lambda name, value: integer(name, value, minimum=1, maximum=MOST_THREADS),
    "log_format": lambda _name, value: LogFormat.of(value).name,
    "spread": lambda name, value: choice(name, value, SPREADS),
}


def check_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The fixed part of all cells, with numbers as numbers: the cell "20" and the cell 20 are one."""
    if "train_steps" not in spec:
        raise InputError("spec has no train_steps: give at least the steps of a run")
    checked = dict(nested(spec))
    for key, value in checked.items():
        if key in CHECKS:
            checked[key] = CHECKS[key](variable(key), value)
        elif key in NESTED and isinstance(value, (Mapping, list, tuple)):
            checked[key] = CHECKS_OF_NESTED[key](variable(key), value)
        elif not isinstance(value, (str, int, float, bool, type(None))):
            raise wrong(variable(key), value, "one word or number")
    _check_together(checked)
    check_target(
        checked.get("target_accuracy"),
        steps=checked["train_steps"],
        eval_every=None if checked.get("command") else checked.get("eval_every"),
        log_format=checked.get("log_format", "tfscale"),
    )
    return checked


def _check_together(spec: Mapping[str, Any]) -> None:
    provider, backend = spec.get("provider", "local"), spec.get("backend", "processes")
    if (provider == "local") != (backend == "processes"):
        fitting = "processes" if provider == "local" else one_of(workloads.names())
        raise InputError(f"training_backend is {backend!r}: give {fitting} with cluster_provider {provider!r}")
    if backend != "processes" and not spec.get("image"):
        raise InputError(
            "training_image is '': give the image that the pods run, or let role image build ours (image_ref)"
        )


def check_cell(spec: Mapping[str, Any], label: str, role: str = "sweep") -> None:
    """What our trainer or a framework cannot do, once it is known what a cell is."""
    frameworks.check(spec, label, role)
    if "spread" in spec and spec.get("backend", "processes") == "processes":
        raise InputError(
            f"sweep_spreads asks for {label}, but training_backend is 'processes', which are all on this machine: give no spreads, or"
            f" training_backend {one_of(workloads.names())}"
        )
    if spec.get("command"):
        return
    strategy, preset = spec.get("strategy", "async_ps"), spec.get("preset", "fast")
    if strategy in TF2_STRATEGIES and preset != "fast":
        raise InputError(
            f"training_preset is {preset!r}, a loop for async_ps and sync_ps, but the strategy of {label} is {strategy!r}: give fast"
        )
    if strategy == "tf2_ps" and spec.get("gpus"):
        raise InputError(
            f"training_gpus is {spec['gpus']}, but tf2_ps trains on processors ({label}): give 0, or another strategy"
        )


# What a variant may have of its own; pods alone have an image and resources.
OF_PODS = ("image", "ps_resources", "worker_resources")
# Versions, as of an upgrade, are compared by equally many steps.
OF_TARGET = ("eval_every", "target_accuracy")
OF_VARIANTS = (
    *("batch_size", "command", "env", "eval_every", "framework", "hidden_units", "learning_rate", "model", "preset"),
    *("processes_per_worker", "ps", "strategy", "target_accuracy", "telemetry_every", "threads", "workers", *OF_PODS),
)
VARIANT_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,30}[a-z0-9])?\Z")


def variants(value: Any, spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What differs from `spec` in each variant, as a specification has it."""
    given = {} if value in ("", []) else structure(value)
    for name, one in {"sweep_variants": given, **_within("sweep_variants", given)}.items():
        if not isinstance(one, Mapping):
            raise wrong(
                name, one, "each variant's own values, such as {before: {}, after: {batch_size: 40}}, or nothing"
            )
    return {_variant_name(name): variant(f"sweep_variants.{name}", change, spec) for name, change in given.items()}


def _within(name: str, given: Any) -> dict[str, Any]:
    return {f"{name}.{_variant_name(key)}": one for key, one in given.items()} if isinstance(given, Mapping) else {}


def _variant_name(name: Any) -> str:
    if not isinstance(name, str) or not VARIANT_NAME.match(name):
        raise InputError(
            f"sweep_variants has {shown(name)}: give names of at most 32 lower-case letters, digits, dots, dashes and underscores"
        )
    return name


def variant(
    name: str, change: Mapping[Any, Any], spec: Mapping[str, Any], *, without: Sequence[str] = ()
) -> dict[str, Any]:
    pods = spec.get("backend", "processes") != "processes"
    allowed = [key for key in OF_VARIANTS if (pods or key not in OF_PODS) and key not in without]
    for key in change:
        if key not in allowed:
            raise InputError(f"{name} has {shown(key)}: give {one_of(allowed)}")
    if not pods:
        check_references(f"{name}.env", structure(change.get("env")))
    return {key: CHECKS_OF_VARIANTS[key](f"{name}.{key}", value) for key, value in change.items()}


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} is {shown(value)}: give a word")
    return value


def _program(name: str, value: Any) -> str:
    """A line for the shell; a list is the same program as such a line."""
    words = value if isinstance(value, (list, tuple)) else [value]
    fits = words and all(isinstance(one, (str, int, float)) and "\0" not in str(one) for one in words)
    if not fits or not isinstance(value, (str, list, tuple)):
        # Its words may be secrets.
        why = ", which is empty or has an item that is not a word" if words is value else ""
        raise InputError(f"{name} is {unshown(value)}{why}: give a list, or a line for the shell")
    return value if isinstance(value, str) else f"exec {shlex.join(map(word, value))}"


def _environment(name: str, value: Any) -> dict[str, Any]:
    """No sentence shows a value: it may be a secret."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {unshown(value)}: give names and their values, such as {{A: '1'}}")
    for key, one in value.items():
        if not isinstance(one, (str, int, float, bool, type(None))) and not is_reference(one):
            raise InputError(
                f"{name}.{key} is {unshown(one)}: give a text or number, or where it comes from, such as"
                " {secret: name, key: key} or {configmap: name, key: key}"
            )
    return {str(key): one for key, one in value.items()}


def is_reference(value: Any) -> bool:
    """A value that a pod takes from a Secret or ConfigMap."""
    return (
        isinstance(value, Mapping)
        and set(value) in ({"secret", "key"}, {"configmap", "key"})
        and all(isinstance(one, str) and one for one in value.values())
    )


def check_references(name: str, value: Any) -> None:
    """A process has no cluster that would give it one."""
    if isinstance(value, Mapping) and (found := [str(key) for key, one in value.items() if is_reference(one)]):
        raise InputError(
            f"{name}.{found[0]} comes from a Secret or ConfigMap, which only pods have: give its value, such as"
            f" \"{{{{ lookup('ansible.builtin.env', '{found[0]}') }}}}\", or training_backend {one_of(workloads.names())}"
        )


def _resources(name: str, value: Any) -> dict[str, Any]:
    given = structure(value)
    if not isinstance(given, Mapping) or not set(given) <= {"requests", "limits"}:
        raise wrong(name, value, "requests and limits as in a pod, such as {requests: {cpu: 500m, memory: 1Gi}}")
    asked = Replica.of(name, {"requests": {}, **given})
    for key, amount in asked.requests.items():
        if amount == MOST_AMOUNT:
            raise InputError(
                f"{name} has {shown(given)}, which is more {key} than there is: give an amount such as 2 or 1Gi"
            )
        if key == "memory" and 0 < amount < LEAST_MEMORY:
            raise InputError(
                f"{name} has {shown(given)}, which is {amount:g} bytes of memory: give an amount such as 1Gi"
            )
        if amount > asked.limits.get(key, amount):
            raise InputError(
                f"{name} is {shown(given)}, whose request of {key} is above its limit: give at most the limit"
            )
    return dict(given)


CHECKS_OF_NESTED: dict[str, Callable[[str, Any], Any]] = {
    "env": _environment,
    "env_from": lambda _name, value: value,
    "ps_env": _environment,
    "ps_resources": _resources,
    "worker_env": _environment,
    "worker_resources": _resources,
}
CHECKS_OF_VARIANTS: dict[str, Callable[[str, Any], Any]] = {
    **CHECKS,
    "command": _program,
    "env": _environment,
    "image": _word,
    "ps": lambda name, value: integer(name, value, minimum=0),
    "ps_resources": _resources,
    "threads": lambda name, value: integer(name, value, maximum=MOST_THREADS),
    "worker_resources": _resources,
    "workers": lambda name, value: integer(name, value, minimum=1),
}


def check_deadline(value: Any, *, train_steps: int, name: str = "training_steps") -> float:
    deadline = number("training_deadline", value, maximum=A_YEAR)
    if train_steps == 0 and deadline == 0:
        raise InputError(
            f"{name} is 0, which trains without end: give training_deadline, the seconds after which a run is"
            " stopped, or a number of steps"
        )
    return deadline


def check_memory(
    available: int | None, *, label: str, replicas: int, replica_bytes: int, name: str = "sweep_workers"
) -> None:
    """Refuse the cell that cannot fit; without knowledge of the memory nothing is refused."""
    needed = replicas * replica_bytes
    if available is not None and needed > available:
        raise InputError(
            f"{name} asks for {label}, which needs about {gibibytes(needed)} for {replicas} replicas,"
            f" but {gibibytes(available)} are free; {available // replica_bytes} replicas fit"
        )


def memory_available(meminfo: str = "/proc/meminfo") -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path(meminfo).read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return int(found[1]) * 1024 if found else None


def check_folder(name: str, value: str) -> str:
    """An absolute path at which a folder is or could be written; nothing is left behind by the look."""
    path = Path(os.path.abspath(value))
    parent = next(folder for folder in (path, *path.parents) if folder.exists())
    try:
        if not parent.is_dir():
            raise NotADirectoryError(0, "is not a folder", str(parent))
        _try_to_write(parent)
    except OSError as error:
        raise InputError(
            f"{name} is {str(path)!r}, which cannot be written: {why(error, parent)}"
            + (" (sweep_results_dir)" if name == "study_dir" else "")
        ) from error
    return str(path)


def _try_to_write(folder: Path) -> None:
    """Permission bits tell root nothing about read-only and virtual file systems, so try it with a file without a name."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError as error:
        # Kernels and file systems that know no such files.
        if error.errno not in (errno.EISDIR, errno.EOPNOTSUPP):
            raise
        os.rmdir(tempfile.mkdtemp(dir=folder, prefix=".tfscale-"))
