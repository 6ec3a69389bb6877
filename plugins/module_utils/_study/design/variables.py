# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of every role, and which values it takes. PRIVATE, can break at any time.

A row is a check: it returns the value that is meant, or raises the one sentence that bad input gets. Nothing (null) is no value of
any of them, and a number, date or `yes` of YAML is no word: where one is meant it stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..._common import quantity, words
from ..._common.errors import InputError
from ..._common.format import shown
from ..._common.yaml_text import structure
from ..records.selection import selector
from ..statistics.sequential import FIRST
from . import axes, backends, frameworks, inputs, sizes, workloads
from .inputs import A_YEAR, CHECKS, CHECKS_OF_VARIANTS, MOST, MOST_STEPS, MOST_THREADS, wrong
from .kinds import Check, both, choice, either, flag, mapping, nested, of_pod, seconds, sequence, share, whole, word
from .queue_inputs import check_queue
from .search_inputs import AUTOSIZE, MOST_BLOCKS, MOST_NODES, check_autosize, searched
from .target import check_target

LANGUAGES = ("en", "pl")
GOALS = TIME, COST, KNEE = "time", "cost", "knee"
MOST_ATTEMPTS, MOST_SEED = 20, 2**31 - 1
# What Kubernetes takes as a name, an image, a key and a value of a label.
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
OBJECT = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
IMAGE = r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"
LABEL_VALUE = r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?"
LABEL_KEY = rf"([a-z0-9.-]{{1,253}}/)?{LABEL_VALUE}"
TRAINING_NAME = r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"
OF_MADE_CLUSTERS = r"[a-z0-9]([a-z0-9.-]{0,47}[a-z0-9])?"


def study(name: str, value: Any) -> str:
    return inputs.study_name(value, name)


def begin_of_study(name: str, value: Any) -> str:
    """A digest of ten digits follows."""
    if len(study(name, value)) > 52:
        raise wrong(name, value, "at most 52 letters, because a digest follows")
    return str(value)


def port_range(name: str, value: Any) -> str:
    found = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", value) if isinstance(value, str) else None
    if not found or not 0 < int(found[1]) < int(found[2]) < 65536:
        raise wrong(name, value, 'two ports such as "23000-23100", or nothing for any free ones')
    return str(value)


def in_words(check: Check) -> Check:
    """Of what becomes YAML's word: `true` for true."""
    return lambda name, value: check(name, words.word(value) if isinstance(value, (bool, int, float)) else value)


def log_format(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(name, value, "auto, the name of a format or a regular expression")
    return str(CHECKS["log_format"](name, value))


def program(name: str, value: Any) -> Any:
    """A text is a line for the shell, whatever it looks like."""
    return value if value in ([], "") else CHECKS_OF_VARIANTS["command"](name, value)


def volume(name: str, value: Any) -> dict[str, Any]:
    given = structure(value)
    keys = {"claim", "size", "storage_class", "access_modes", "keep"}
    if not isinstance(given, Mapping) or not set(given) <= keys or (given and ("claim" in given) == ("size" in given)):
        allowed = "{size: 10Gi} and, if need be, storage_class, access_modes and keep, or {claim: name} of a claim that is there"
        raise wrong(name, value, allowed)
    for key, check in OF_VOLUMES.items():
        if key in given:
            check(f"{name}.{key}", given[key])
    return dict(given)


def _size(name: str, value: Any) -> float:
    size = quantity.amount(value)
    if not size or size == quantity.MOST:
        raise wrong(name, value, "an amount such as 10Gi")
    return size


OF_VOLUMES: dict[str, Check] = {
    "claim": word(OBJECT, "the name of a volume claim"),
    "size": _size,
    "storage_class": word(OBJECT, "the name of a storage class", empty=True),
    "access_modes": sequence(choice("ReadWriteOnce", "ReadWriteMany"), "[ReadWriteMany]"),
    "keep": flag,
}


def accelerator(name: str, value: Any) -> Any:
    given = mapping("{type: nvidia-l4, count: 1}")(name, value)
    if given and set(given) != {"type", "count"}:
        raise wrong(name, value, "its type and count, such as {type: nvidia-l4, count: 1}")
    return given and {
        "type": word()(f"{name}.type", given["type"]),
        "count": whole(1, 64)(f"{name}.count", given["count"]),
    }


def env_source(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping) or set(value) not in ({"secret"}, {"configmap"}):
        raise wrong(name, value, "{secret: name} or {configmap: name}")
    return {kind: word(OBJECT, "the name of an object of Kubernetes")(name, one) for kind, one in value.items()}


def axis(minimum: int, also: str = "") -> Check:
    return lambda name, value: inputs.integers(name, value, minimum, word=also)


def words_of(axis: str) -> Check:
    return partial(inputs.choices, allowed=axes.AXES[axis].words)


def change(name: str, value: Any) -> dict[str, Any]:
    return inputs.variant(name, mapping("{batch_size: 40}")(name, value), FOR_PODS, without=inputs.OF_TARGET)


def baselines(name: str, value: Any) -> list[str]:
    """Names of studies and ledger files: one, or a list."""
    is_list = isinstance(value, list) or (isinstance(value, str) and value.startswith("["))
    return list(sequence(LEDGER_OF, "[release]")(name, value)) if is_list else [LEDGER_OF(name, value)]


def expression(name: str, value: Any) -> str:
    """A JMESPath expression over records, or nothing."""
    text: str = word(allowed="a JMESPath expression", empty=True)(name, value)
    selector(name, text)
    return text


# Whatever a variant may have; that of processes has less, as the planner knows.
FOR_PODS = {"backend": workloads.names()[0]}

PATH = word(allowed="a path")
LEDGER_OF = word(allowed="the name of a study or a ledger file")
PATH_OR_NONE = word(allowed="a path", empty=True)
WORD_OR_NONE = word(empty=True)
IMAGE_OR_NONE = word(IMAGE, "the name of an image", empty=True)
NAME_OR_NONE = word(OBJECT, "the name of an object of Kubernetes", empty=True)
LIMIT = partial(inputs.positive, maximum=A_YEAR)
ENGINE = choice("docker", "podman")
LEDGER = choice("files", "cluster")
RESOURCES = CHECKS_OF_VARIANTS["ps_resources"]
ENVIRONMENT = nested(CHECKS_OF_VARIANTS["env"])

CLUSTER: dict[str, Check] = {
    "cluster_provider": CHECKS["provider"],
    "cluster_name": word(),
    "cluster_state": choice("present", "absent"),
    "cluster_results_dir": PATH,
    "cluster_kubeconfig": PATH_OR_NONE,
    "cluster_context": WORD_OR_NONE,
    "cluster_namespace": word(LABEL, "up to 63 lower-case letters, digits and dashes"),
    "cluster_nodes_method": choice("label", "recreate", "resize", "none"),
    "cluster_nodes": whole(1, MOST_NODES),
    "cluster_active_nodes": whole(1, MOST_NODES),
    "cluster_teardown": flag,
    "cluster_teardown_held": flag,
    "cluster_node_image": IMAGE_OR_NONE,
    "cluster_node_cpus": quantity.cpus,
    "cluster_node_memory": quantity.memory,
    "cluster_recreate": flag,
    "cluster_engine": ENGINE,
    "cluster_timeout": seconds(1),
    "cluster_gke_project": WORD_OR_NONE,
    "cluster_gke_location": WORD_OR_NONE,
    "cluster_gke_zones": sequence(word(), "[europe-west1-b]"),
    "cluster_gke_service_account_file": PATH_OR_NONE,
    "cluster_gke_machine_type": word(),
    "cluster_gke_disk_gb": whole(10, 65536),
    "cluster_gke_disk_type": WORD_OR_NONE,
    "cluster_gke_spot": flag,
    "cluster_gke_channel": choice("rapid", "regular", "stable", "extended"),
    "cluster_gke_accelerator": accelerator,
    "cluster_gke_labels": mapping("{team: research}", values=in_words(WORD_OR_NONE)),
    "cluster_gke_network": WORD_OR_NONE,
    "cluster_gke_subnetwork": WORD_OR_NONE,
    "cluster_gke_private_nodes": flag,
    "cluster_gke_workload_identity": flag,
    "cluster_gke_leftovers": choice("tell", "remove"),
    "cluster_gke_endpoint": WORD_OR_NONE,
}

OF_IMAGES: dict[str, Check] = {
    "image_delivery": choice("kind", "push", "none"),
    "image_registry": word(IMAGE, "a registry such as registry.example.com/team", empty=True),
    "image_name": word(IMAGE, "the name of an image"),
    "image_ref": word(IMAGE, "the name of an image"),
    "image_arguments": mapping("{BASE_IMAGE: python:3.12-slim}", values=WORD_OR_NONE),
    "image_engine": ENGINE,
    "image_source_dir": PATH,
    "image_timeout": LIMIT,
}

TRAINING: dict[str, Check] = {
    "training_run": mapping("{run_id: 0123456789ab-1}"),
    "training_backend": CHECKS["backend"],
    "training_runtime": word(OBJECT, "the name of a ClusterTrainingRuntime", empty=True),
    "training_strategy": CHECKS["strategy"],
    "training_preset": CHECKS["preset"],
    "training_model": CHECKS["model"],
    "training_dataset": CHECKS["dataset"],
    "training_batch_size": CHECKS["batch_size"],
    "training_hidden_units": CHECKS["hidden_units"],
    "training_learning_rate": CHECKS["learning_rate"],
    "training_steps": CHECKS["train_steps"],
    "training_target_accuracy": either(inputs.accuracy),
    "training_eval_every": CHECKS["eval_every"],
    "training_seed": whole(0, MOST_SEED),
    "training_telemetry_every": CHECKS["telemetry_every"],
    "training_data_dir": PATH_OR_NONE,
    "training_log_dir": PATH_OR_NONE,
    "training_deadline": seconds(),
    "training_stall_seconds": seconds(),
    "training_start_seconds": seconds(),
    "training_queue": NAME_OR_NONE,
    "training_queue_deadline": seconds(),
    "training_gang": flag,
    "training_threads": CHECKS_OF_VARIANTS["threads"],
    "training_cpus": whole(0, MOST_THREADS),
    "training_gpus": CHECKS["gpus"],
    "training_port_range": either(port_range),
    "training_network": choice("loopback", "host", ""),
    "training_link_mbit": either(partial(inputs.positive, maximum=MOST)),
    "training_command": program,
    "training_framework": CHECKS["framework"],
    "training_processes_per_worker": CHECKS["processes_per_worker"],
    "training_chief": flag,
    "training_log_format": log_format,
    "training_env": ENVIRONMENT,
    "training_env_from": sequence(env_source, "[{secret: name}]"),
    "training_no_log": flag,
    "training_export": flag,
    "training_source_dir": PATH,
    "training_python": PATH,
    "training_replica_memory_bytes": whole(0, 2**50),
    "training_ledger": LEDGER,
    "training_max_foreign_share": share,
    "training_max_steal_share": share,
    "training_max_throttled_share": share,
    "training_max_drift_share": share,
    "training_max_skew_share": share,
    "training_max_rise_share": share,
    "training_progress_seconds": seconds(),
    "training_image": IMAGE_OR_NONE,
    "training_image_pull_policy": choice("Never", "IfNotPresent", "Always"),
    "training_image_pull_secrets": sequence(word(OBJECT, "the name of a secret"), "[registry]"),
    "training_ps_image": IMAGE_OR_NONE,
    "training_ps_env": ENVIRONMENT,
    "training_worker_env": ENVIRONMENT,
    "training_ports": both(whole(1024, 65535), "{ps: 2222, worker: 2222}"),
    "training_pod_management": both(choice("Parallel", "OrderedReady"), "{ps: Parallel, worker: Parallel}"),
    "training_helm_values": PATH_OR_NONE,
    "training_chart_dir": PATH,
    "training_ps_resources": RESOURCES,
    "training_worker_resources": RESOURCES,
    "training_node_selector": mapping(
        "{disk: ssd}",
        keys=word(LABEL_KEY, "the key of a label"),
        values=in_words(word(LABEL_VALUE, "the value of a label")),
    ),
    "training_tolerations": sequence(of_pod("{key: gpu, operator: Exists}"), "[{key: gpu, operator: Exists}]"),
    "training_spread": CHECKS["spread"],
    "training_run_as_user": either(whole(1, 2**31 - 1)),
    "training_service_account": NAME_OR_NONE,
    "training_priority_class": NAME_OR_NONE,
    "training_preemptible": flag,
    "training_volumes": sequence(of_pod("{name: scratch, emptyDir: {}}", "name"), "[{name: scratch, emptyDir: {}}]"),
    "training_volume_mounts": sequence(
        of_pod("{name: scratch, mountPath: /scratch}", "name", "mountPath"), "[{name: scratch, mountPath: /scratch}]"
    ),
    "training_volume": volume,
    "training_uses_volume": flag,
    "training_fs_group": either(whole(0, 2**31 - 1)),
    "training_long_running": flag,
    "training_name": word(TRAINING_NAME, "up to 40 lower-case letters, digits and dashes, a letter first"),
    "training_state": choice("present", "absent"),
    "training_ps": whole(0, 1000),
    "training_workers": whole(1, 1000),
    "training_checkpoint_seconds": LIMIT,
    "training_ready_seconds": LIMIT,
    "training_readiness_probe": mapping("{tcpSocket: {port: 2222}}"),
    "training_tensorboard": flag,
    "training_tensorboard_resources": RESOURCES,
}

SWEEP: dict[str, Check] = {
    "sweep_study": study,
    "sweep_results_dir": PATH,
    "sweep_series": lambda _name, value: axes.series(value, {}, lowest_ps=0),
    "sweep_ps": lambda name, value: value if value == inputs.AUTO_PS else inputs.integers(name, value, 0),
    "sweep_workers": axis(1, inputs.FIT),
    "sweep_nodes": axis(1),
    "sweep_backends": either(either(words_of("backends")), []),
    "sweep_strategies": either(either(words_of("strategies")), []),
    "sweep_processes_per_worker": either(either(axis(1)), []),
    "sweep_spreads": either(either(words_of("spreads")), []),
    "sweep_variants": lambda _name, value: inputs.variants(value, FOR_PODS),
    "sweep_max_slowdown": inputs.margin,
    "sweep_steps": CHECKS["train_steps"],
    "sweep_repeats": partial(inputs.repeats, maximum=MOST_BLOCKS),
    "sweep_margin": inputs.part,
    "sweep_target_ci": either(inputs.part),
    "sweep_max_repeats": whole(FIRST, MOST_BLOCKS),
    "sweep_budget_minutes": either(partial(inputs.positive, maximum=A_YEAR // 60)),
    "sweep_budget_cost": either(partial(inputs.positive, maximum=MOST)),
    "sweep_seed": whole(0, MOST_SEED - MOST_BLOCKS),
    "sweep_attempts": whole(1, MOST_ATTEMPTS),
    "sweep_ledger": LEDGER,
    "sweep_again": flag,
    "sweep_search": searched,
}

REPORT: dict[str, Check] = {
    "report_study": study,
    "report_ledger": LEDGER,
    "report_prices": mapping("{e2-standard-4: 0.15}", values=partial(inputs.number, maximum=MOST)),
    "report_currency": word(),
    "report_language": choice(*LANGUAGES),
    "report_goal": choice(*GOALS),
    "report_max_seconds": either(partial(inputs.positive, maximum=A_YEAR)),
    "report_max_cost": either(partial(inputs.positive, maximum=MOST)),
    "report_select": expression,
    "report_claims": choice("", "thesis"),
    "report_results_dir": PATH,
    "report_predict": sizes.sizes_of,
    "report_baseline": either(baselines),
    "report_margin": inputs.part,
    "report_fail_on_slower": flag,
}

UPGRADE: dict[str, Check] = {
    "upgrade_state": choice("upgraded", "rolled_back"),
    "upgrade_strategy": choice("rolling", "recreate", "canary"),
    "upgrade_order": choice("ps_first", "workers_first"),
    "upgrade_timeout": LIMIT,
    "upgrade_min_ready_seconds": seconds(),
    "upgrade_max_slowdown": inputs.margin,
    "upgrade_cannot_tell": choice("roll_back", "keep"),
    "upgrade_gate_blocks": whole(4, MOST_BLOCKS),
    "upgrade_gate_steps": CHECKS["train_steps"],
    "upgrade_gate_nodes": whole(1, MOST_NODES),
    "upgrade_before": change,
    "upgrade_after": change,
    "upgrade_gate_study": begin_of_study,
    "upgrade_results_dir": PATH,
    "upgrade_ledger": LEDGER,
}

AWX: dict[str, Check] = {
    "awx_organization": word(),
    "awx_inventory": word(),
    "awx_inventory_source": WORD_OR_NONE,
    "awx_credentials": sequence(word(), "[My cluster]"),
    "awx_scm_url": WORD_OR_NONE,
    "awx_scm_branch": WORD_OR_NONE,
    "awx_image": IMAGE_OR_NONE,
    "awx_prompts": sequence(choice("credential", "inventory", "limit", "variables"), "[limit]"),
    "awx_trainer_images": sequence(word(IMAGE, "the name of an image"), "[trainer:1]"),
}

# Of playbooks/thesis.yml, which has no role.
THESIS: dict[str, Check] = {
    "thesis_study": study,
    "thesis_nodes": axis(1),
    "thesis_ps": axis(1),
    "thesis_workers": axis(1),
    "thesis_fixed_workers": whole(1, MOST),
    "thesis_repeats": SWEEP["sweep_repeats"],
    "thesis_figures": choice("kind", "cloud"),
    "thesis_steps": whole(1, MOST_STEPS),
}

# Of playbooks/predict.yml, as users give it.
PREDICT: dict[str, Check] = {"predict": sizes.sizes_of}

# Former names of variables, so that none is passed over in silence.
RENAMED = {"training_standing": "training_long_running"}
VARIABLES = {**CLUSTER, **OF_IMAGES, **TRAINING, **SWEEP, **REPORT, **UPGRADE, **AUTOSIZE, **AWX, **THESIS, **PREDICT}


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are meant, or one sentence (InputError) on the first that cannot be."""
    for former, name in RENAMED.items():
        if former in given:
            raise InputError(f"{former} is {shown(given[former])}: give {name}, its name since 0.4.0")
    found = {name: VARIABLES[name](name, value) for name, value in given.items() if name in VARIABLES}
    _check_together(found)
    return found


def _check_together(given: Mapping[str, Any]) -> None:
    provider, method = given.get("cluster_provider", "local"), given.get("cluster_nodes_method", "label")
    if {"recreate": "kind", "resize": "gke"}.get(method, provider) != provider:
        raise InputError(
            f"cluster_nodes_method is {method!r}: give label or none (recreate only with cluster_provider kind, resize only with gke)"
        )
    if given.get("training_backend") == "processes":
        _check_processes(given)
    check_queue(given)
    backends.check_variables(given)
    _check_target(given)
    _check_framework(given)
    check_autosize(given)
    if given.get("sweep_budget_cost", "") != "" and not given.get("report_prices"):
        raise InputError(
            f"sweep_budget_cost is {shown(given['sweep_budget_cost'])}, but report_prices is empty: give the price of a node's hour"
            ' by machine type, such as {e2-standard-4: 0.15, "*": 0.2}, or no budget of cost'
        )
    goal = given.get("report_goal", TIME)
    check_goal(goal, given.get("report_max_seconds"), given.get("report_max_cost"), given.get("report_prices"))
    if given.get("sweep_steps") == 0 and "training_deadline" in given:
        # A sweep takes its steps from the gate's, else from the training's, unless it has its own.
        name = next(name for name in ("upgrade_gate_steps", "training_steps", "sweep_steps") if given.get(name) == 0)
        inputs.check_deadline(given["training_deadline"], train_steps=0, name=name)
    if provider in ("kind", "gke") and "cluster_name" in given:
        # Also the name of a file.
        word(OF_MADE_CLUSTERS, "up to 49 lower-case letters, digits, dots and dashes")(
            "cluster_name", given["cluster_name"]
        )
    ours = given.get("training_image", "") in ("", given.get("image_ref"))
    if provider != "local" and given.get("image_delivery") == "push" and ours and not given.get("image_registry"):
        raise InputError(
            "image_delivery is 'push', but image_registry is '': give a registry, such as registry.example.com/team"
        )
    removes = "cluster_teardown" if given.get("cluster_teardown") else "cluster_nodes_method 'recreate'"
    if given.get("sweep_ledger") == "cluster" and (given.get("cluster_teardown") or method == "recreate"):
        raise InputError(
            f"sweep_ledger is 'cluster', but {removes} removes the cluster with all that is in it: give files"
        )


def _check_target(given: Mapping[str, Any]) -> None:
    target = given.get("training_target_accuracy", "")
    if target == "":
        return
    if given.get("training_long_running"):
        raise InputError(
            f"training_target_accuracy is {target:g}, but training_long_running is true, and such a training goes on: give no target"
        )
    # A sweep takes its steps from the training's, unless it has its own.
    steps = {name: given[name] for name in ("training_steps", "sweep_steps") if name in given}
    check_target(
        target,
        steps=list(steps.values())[-1] if steps else inputs.MOST_STEPS,
        eval_every=None if given.get("training_command") else given.get("training_eval_every"),
        log_format=given.get("training_log_format", "tfscale"),
        name="training_steps" if len(set(steps.values())) < 2 else "sweep_steps",
    )


def _check_framework(given: Mapping[str, Any]) -> None:
    """Before anything else is read; the planner looks at each cell."""
    name = given.get("training_framework", frameworks.TENSORFLOW)
    if given.get("training_long_running") and name != frameworks.TENSORFLOW:
        raise InputError(
            f"training_framework is {name!r}, but training_long_running is true, which needs {frameworks.TENSORFLOW!r}"
        )


def check_goal(goal: str, max_seconds: Any, max_cost: Any, prices: Any) -> None:
    """What a report decides for: no limit goes with the knee, and nothing that costs without prices."""
    for name, value in (("report_max_seconds", max_seconds), ("report_max_cost", max_cost)):
        if goal == KNEE and value not in (None, ""):
            raise InputError(
                f"{name} is {shown(value)}, but report_goal is {KNEE!r}: give {TIME} or {COST}, or no limit"
            )
    for name, value in (("report_goal", goal if goal == COST else ""), ("report_max_cost", max_cost)):
        if value not in (None, "") and not prices:
            raise InputError(
                f"{name} is {shown(value)}, but report_prices is empty: give the price of a node's hour by machine type, such as"
                ' {e2-standard-4: 0.15, "*": 0.2}'
            )


def _check_processes(given: Mapping[str, Any]) -> None:
    inputs.check_references("training_env", given.get("training_env"))
    if given.get("training_env_from"):
        raise InputError(
            f"training_env_from is {shown(given['training_env_from'])}, which only pods can read: give training_env, or"
            f" training_backend {inputs.one_of(workloads.names())}"
        )
