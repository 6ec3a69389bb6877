# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One place decides how replicas are started, as processes, as pods of a run and as a long-running training."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.words import flags
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.samples import LOOP
from ansible_collections.tfscale.study.plugins.plugin_utils.replicas import pod_env, replicas
from ansible_collections.tfscale.study.plugins.plugin_utils.volume import MOUNT

from tests.fixtures.ledgers import SPEC
from tests.fixtures.playbook import ROOT

DEFAULTS: dict[str, Any] = {
    name.removeprefix("training_"): value
    for name, value in yaml.safe_load((ROOT / "roles/training/defaults/main.yml").read_text()).items()
}
RUN: dict[str, Any] = {
    "run_id": "aaaabbbbcccc-2",
    "cell_id": "aaaabbbbcccc",
    "attempt": 1,
    "study": "kind",
    "seed": 3,
    "log_dir": "logs",
}
CONFIG_NAME = "mine-a76e2e9c01"
VOLUME = {"size": "2Gi", "access_modes": ["ReadWriteMany"]}


def of(backend: str, spec: dict[str, Any] | None = None, **given: Any) -> Any:
    variables = {**DEFAULTS, "variants": {}, "nodes_method": "label", "image": "trainer:1", "backend": backend}
    run = {**RUN, "spec": {**SPEC, "ps": 1, "workers": 2, **(spec or {})}}
    return replicas({**variables, **given}, run)


def long_running(**given: Any) -> Any:
    return of("statefulset", long_running=True, **{"name": "mine", **given})


def shared(**given: Any) -> Any:
    return replicas({**DEFAULTS, "variants": {}, "nodes_method": "label", "backend": "job", **given}, {})


def worker(found: Any) -> Any:
    return next(group for group in found["groups"] if group["kind"] == "worker")


def ps(found: Any) -> Any:
    return next(group for group in found["groups"] if group["kind"] == "ps")


GIVEN: dict[str, Any] = {"data_dir": "/data", "gpus": 2}


def test_processes_pods_and_long_running_trainings_get_the_same_flags() -> None:
    spec = {"gpus": 2, "train_steps": 77, "hidden_units": 7}
    processes = flags(of("processes", spec, **GIVEN)["trainer_args"])
    job, statefulset = (worker(of(backend, spec, **GIVEN))["command"] for backend in ("job", "statefulset"))
    lasting = worker(long_running(**GIVEN, steps=77, hidden_units=7, seed=3))["command"]
    assert {"--num_gpus=2", "--data_dir=/data", "--train_steps=77", "--seed=3"} <= set(processes)
    assert job == statefulset == ["python3", "-m", "trainer", *processes, "--threads=1"]
    assert lasting[-len(processes) :] == processes
    target = {"target_accuracy": 0.95, "eval_every": 50}
    found = [*flags(of("processes", target, **GIVEN)["trainer_args"]), *worker(of("job", target, **GIVEN))["command"]]
    assert found.count("--target_accuracy=0.95") == found.count("--eval_every=50") == 2
    assert not any("target" in one or "eval" in one for one in processes)


@pytest.mark.parametrize(
    ("given", "variant", "command"),
    [
        (["python", "a.py", True], {}, ["python", "a.py", "true"]),
        ("exec a", {}, ["/bin/sh", "-c", "exec a"]),
        (["a"], {"command": "exec b"}, ["/bin/sh", "-c", "exec b"]),
        (["a"], {"command": ["b", 1]}, ["b", "1"]),
        (["a"], {"command": ""}, []),
        ([], {}, []),
    ],
)
def test_own_program_is_the_variant_s_or_the_study_s(given: Any, variant: Any, command: list[str]) -> None:
    found = of("processes", {"variant": "b"}, command=given, variants={"a": {"command": "no"}, "b": variant})
    assert found["command"] == command
    assert bool(found["trainer_args"]) is not bool(command)


def test_only_a_line_for_the_shell_of_a_run_in_pods_gets_the_loop_that_prints_counters() -> None:
    looked_at = ["/bin/sh", "-c", LOOP.replace("$(", "$$(")]
    for backend in ("job", "statefulset"):
        line, words, ours = (worker(of(backend, command=given))["command"] for given in ("exec a", ["a"], ""))
        assert line == [*looked_at, "/bin/sh", "-c", "exec a"]
        assert (words, ours[:3]) == (["a"], ["python3", "-m", "trainer"])
    assert worker(long_running(command="exec a"))["command"] == ["/bin/sh", "-c", "exec a"]


def test_program_of_a_pod_keeps_its_references() -> None:
    """Kubernetes would replace $(NAME) in an argument."""
    assert worker(of("job", command=["echo", "$(date)"]))["command"] == ["echo", "$$(date)"]
    assert of("processes", command=["echo", "$(date)"])["command"] == ["echo", "$(date)"]
    assert ps(long_running(command="echo $(date)"))["command"] == ["/bin/sh", "-c", "echo $$(date)"]


@pytest.mark.parametrize("backend", ["processes", "job"])
def test_export_needs_a_volume_that_is_used(backend: str) -> None:
    def exported(**given: Any) -> list[str]:
        found = of(backend, export="yes", **given)
        words = flags(found["trainer_args"]) if backend == "processes" else worker(found)["command"]
        return [word for word in words if word.startswith("--export_dir")]

    own = {"processes": "logs/model", "job": f"{MOUNT}/kind/aaaabbbbcccc-2/attempt-1/model"}[backend]
    assert exported(volume=VOLUME) == [f"--export_dir={own}"]
    assert exported(volume=VOLUME, uses_volume=False) == []


def test_hosts_of_a_run_are_pods_of_its_services() -> None:
    found = of("job", ports={"ps": "3000", "worker": 3001})
    name = "tf-aaaabbbbcccc-2-1"
    assert found["config"]["name"] == found["name"] == name
    assert found["config"]["data"]["PS_HOSTS"] == f"{name}-ps-0.{name}-ps:3000"
    assert found["config"]["data"]["WORKER_HOSTS"].split(",") == [
        f"{name}-worker-{index}.{name}-worker:3001" for index in range(2)
    ]
    assert found["ports"] == [3000, 3001]
    assert worker(found)["labels"]["tfscale.study/replica"] == "worker"


def test_hosts_of_a_long_running_training_are_addresses_that_stay() -> None:
    found = long_running(ps="1", workers=2)
    assert found["config"]["data"]["PS_HOSTS"] == "mine-ps-0:2222"
    assert worker(found)["addresses"] == ["mine-worker-0", "mine-worker-1"]
    assert json.loads(found["config"]["data"]["TF_CLUSTER"])["worker"] == ["mine-worker-0:2222", "mine-worker-1:2222"]


def test_config_of_a_long_running_training_is_named_after_its_content() -> None:
    """The digest of version 0.3: another name would restart all pods."""
    assert long_running()["config"]["name"] == CONFIG_NAME
    assert long_running(learning_rate=0.5)["config"]["name"] == CONFIG_NAME
    assert long_running(workers=3)["config"]["name"] != CONFIG_NAME


def test_group_without_replicas_is_left_out() -> None:
    found = of("job", {"ps": "0"})
    assert [group["kind"] for group in found["groups"]] == ["worker"]
    assert set(json.loads(found["config"]["data"]["TF_CLUSTER"])) == {"worker"}
    assert found["config"]["data"]["PS_HOSTS"] == ""


def test_environment_of_a_group_comes_last() -> None:
    found = of("job", env={"A": "1", "HOME": "/x", "OMP_NUM_THREADS": 7}, worker_env="{A: 2}")
    env = {entry["name"]: entry["value"] for entry in worker(found)["env"]}
    assert (env["A"], env["HOME"], env["OMP_NUM_THREADS"], env["TF_NUM_INTRAOP_THREADS"]) == ("2", "/x", "7", "1")
    assert {entry["name"]: entry["value"] for entry in ps(found)["env"]}["A"] == "1"
    names = [entry["name"] for entry in worker(of("job", threads=0, env={"A": 1}))["env"]]
    assert names == ["HOME", "A"]


@pytest.mark.parametrize("recorded", [{"limits": {"memory": "1Gi"}}, '{"limits": {"memory": "1Gi"}}'])
def test_resources_of_a_variant_come_as_a_mapping_or_as_version_0_3_wrote_them(recorded: Any) -> None:
    found = of("job", {"worker_resources": recorded}, gpus=1)
    assert worker(found)["resources"] == {"limits": {"memory": "1Gi", "nvidia.com/gpu": 1}}
    assert ps(found)["resources"] == DEFAULTS["ps_resources"]


def test_variant_has_its_own_image_threads_and_environment() -> None:
    spec = {"variant": "b", "image": "trainer:2", "threads": 3, "env": "A sealed:0123"}
    found = of("job", spec, env={"B": 1}, variants={"b": {"env": {"A": 1}}})
    assert worker(found)["image"] == "trainer:2"
    assert "--threads=3" in worker(found)["command"]
    assert [entry["name"] for entry in worker(found)["env"] if entry["name"] in "AB"] == ["A"]
    assert ps(of("job", ps_image="ps:1"))["image"] == "ps:1"


def test_replica_of_a_run_trains_once_and_one_of_a_long_running_training_again() -> None:
    run, lasting = of("statefulset"), long_running()
    assert run["once"][:2] == ["/bin/sh", "-c"]
    assert lasting["once"] == []
    assert (run["grace_seconds"], lasting["grace_seconds"]) == (1, 60)


def test_active_nodes_are_for_runs_only() -> None:
    active = {"tfscale.study/active": "true"}
    assert of("job", node_selector="{gpu: true}")["node_selector"] == {"gpu": "true", **active}
    assert of("job", nodes_method="none")["node_selector"] == {}
    assert long_running()["node_selector"] == {}


@pytest.mark.parametrize("backend", ["job", "statefulset"])
def test_queue_is_a_label_of_the_workload_and_of_nothing_else(backend: str) -> None:
    plain, queued = of(backend), of(backend, queue="team")
    label = {"kueue.x-k8s.io/queue-name": "team"}
    assert queued["workload_labels"] == {**queued["labels"], **label}
    assert not label.items() <= queued["labels"].items()
    assert (plain["workload_labels"], plain["suspend"], queued["suspend"]) == (plain["labels"], False, True)


def spread(found: Any) -> Any:
    return found["placement"]["topologySpreadConstraints"]


def test_spread_of_a_run_is_that_of_its_cell() -> None:
    found = of("job", {"spread": "ScheduleAnyway"}, spread="PodAffinity")
    assert spread(found)[0]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert "affinity" not in found["placement"]
    # What an older record does not tell.
    assert spread(of("job", spread="PodAffinity"))[0]["whenUnsatisfiable"] == "DoNotSchedule"
    assert of("job", {"spread": ""})["placement"] == {"topologySpreadConstraints": []}


def test_spread_that_puts_pods_together_prefers_their_node_and_has_no_other_preference() -> None:
    found = of("job", {"spread": "PodAffinity", "ps": 1, "workers": 4})
    ours = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": found["labels"]}}
    [preferred] = found["placement"]["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["podAffinityTerm"] == ours
    # It holds wherever five pods are, and keeps the scheduler's own constraints away.
    [constraint] = spread(found)
    assert (constraint["maxSkew"], constraint["whenUnsatisfiable"]) == (5, "DoNotSchedule")


@pytest.mark.parametrize(
    ("volume", "given", "of_run", "lasting"),
    [
        ({}, "DoNotSchedule", "DoNotSchedule", "DoNotSchedule"),
        (VOLUME, "DoNotSchedule", "DoNotSchedule", "DoNotSchedule"),
        ({"claim": "theirs"}, "DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"),
    ],
)
def test_spread_of_a_long_running_training_yields_to_a_volume_of_one_node(
    volume: Any, given: str, of_run: str, lasting: str
) -> None:
    run, training = of("job", {"spread": given}, volume=volume), long_running(volume=volume, spread=given)
    assert spread(run)[0]["whenUnsatisfiable"] == of_run
    assert spread(training)[0]["whenUnsatisfiable"] == lasting
    assert spread(training)[0]["labelSelector"] == {"matchLabels": training["labels"]}
    assert spread(long_running(volume=volume, spread="")) == []
    assert long_running(volume=volume, spread="PodAffinity")["placement"]["affinity"]


def test_security_is_restricted_and_the_user_the_cluster_s_unless_given() -> None:
    usual = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert of("job")["security"] == usual
    assert of("job", run_as_user="10002")["security"] == {**usual, "runAsUser": 10002}
    assert of("job", volume=VOLUME, fs_group="")["security"] == usual
    assert of("job", volume=VOLUME, fs_group=0)["security"]["fsGroup"] == 0


def test_claim_is_made_unless_one_is_there() -> None:
    ours, theirs, none = (shared(volume=volume) for volume in ({**VOLUME, "storage_class": "fast"}, {"claim": "c"}, {}))
    assert [one["has_own_claim"] for one in (ours, theirs, none)] == [True, False, False]
    assert ours["claim"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "2Gi"}},
        "storageClassName": "fast",
    }
    assert theirs["claim"]["name"] == "c"
    assert [one["is_of_one_node"] for one in (ours, theirs, none)] == [False, True, False]
    assert {need["resource"] for need in ours["permissions"]} == {"persistentvolumeclaims"}
    assert theirs["permissions"] == none["permissions"] == []
    assert "groups" not in ours


def test_long_running_training_needs_to_update_what_an_upgrade_replaces() -> None:
    needs = [(need["resource"], need["verb"]) for need in long_running()["permissions"]]
    assert len(needs) == len(set(needs))
    assert {resource for resource, verb in needs if verb == "update"} == {
        *("configmaps", "services", "persistentvolumeclaims", "statefulsets", "deployments", "networkpolicies"),
    }
    assert ("deployments", "create") in needs


def test_references_are_of_all_environments_and_without_values() -> None:
    found = shared(
        env={"TOKEN": {"secret": "hub", "key": "token"}, "PLAIN": "x"},
        worker_env="{CITY: {configmap: places, key: city}}",
        env_from=[{"secret": "all"}],
        variants={"a": {"env": {"K": {"secret": "s", "key": "k"}}}, "b": {"image": "x"}},
    )
    assert [one.get("name") for one in found["references"]] == ["TOKEN", "CITY", "K", None]
    assert found["references"][-1] == {"secretRef": {"name": "all"}}
    assert "x" not in json.dumps(found["references"]).split('"')


def test_readiness_is_ours_unless_given() -> None:
    probe = {"httpGet": {"path": "/", "port": 80}}
    assert worker(of("job"))["readiness"] is None
    assert ps(long_running())["readiness"]["tcpSocket"] == {"port": 2222}
    assert "exec" in worker(long_running())["readiness"]
    assert worker(long_running(command=["serve"]))["readiness"] is None
    assert worker(long_running(command=["serve"], readiness_probe=probe))["readiness"] == probe


def test_parts_of_a_long_running_training() -> None:
    assert long_running(volume=VOLUME, tensorboard="yes")["parts"] == ["claim", "tensorboard"]
    assert long_running(volume={"claim": "theirs"}, tensorboard=False)["parts"] == []


def test_ps_of_a_long_running_training_knows_no_hyperparameter() -> None:
    assert ps(long_running(learning_rate=0.1))["command"] == ps(long_running(learning_rate=0.2))["command"]
    command = worker(long_running(volume=VOLUME, log_dir="/logs", export=True))["command"]
    assert [word for word in command if word.startswith("--log_dir")] == ["--log_dir=/logs"]
    assert {f"--checkpoint_dir={MOUNT}/mine/checkpoints", f"--export_dir={MOUNT}/mine/model"} <= set(command)


@pytest.mark.parametrize(
    ("given", "variable"), [({"threads": "many"}, "training_threads"), ({"ports": {"ps": "x"}}, "training_ports.ps")]
)
def test_wrong_number_names_its_variable(given: dict[str, Any], variable: str) -> None:
    with pytest.raises(InputError, match=variable):
        of("job", **{**given, "ports": {**DEFAULTS["ports"], **given.get("ports", {})}})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": True, "B": None}, [{"name": "A", "value": "true"}, {"name": "B", "value": ""}]),
        ({"A": {"secret": "s", "key": "k"}}, [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
        (
            {"A": {"key": "k", "configmap": "c"}},
            [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
        ),
        ([{"secret": "s"}, {"configmap": "c"}], [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]),
        ({}, []),
    ],
)
def test_pod_env_writes_what_a_container_has(given: Any, expected: Any) -> None:
    assert pod_env(given) == expected


def place(found: Any) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in worker(found)["environment"]}


def test_a_program_of_another_framework_has_no_strategy_of_our_trainer() -> None:
    """As its cells leave it out (_study/design/blocks.py)."""
    spec = {key: value for key, value in SPEC.items() if key not in ("strategy", "preset")}
    run = {**RUN, "spec": {**spec, "framework": "jax", "ps": 0, "workers": 2}}
    variables = {**DEFAULTS, "variants": {}, "nodes_method": "label", "image": "trainer:1", "backend": "job"}
    assert worker(replicas({**variables, "command": ["train"]}, run))["command"] == ["train"]


def test_a_worker_of_a_program_finds_the_words_of_every_framework() -> None:
    found = of("job", {"framework": "jax", "ps": 0}, command=["train"])
    chief = "tf-aaaabbbbcccc-2-1-worker-0.tf-aaaabbbbcccc-2-1-worker"
    assert place(found) | {"RANK": "$(TASK_INDEX)", "JAX_COORDINATOR_ADDRESS": f"{chief}:2222"} == place(found)
    assert (place(found)["WORLD_SIZE"], place(found)["PET_NODE_RANK"]) == ("2", "$(TASK_INDEX)")


def test_our_trainer_ps_and_long_running_trainings_keep_their_environment() -> None:
    found = of("job", command=["train"])
    assert place(of("job")) == {} == place(long_running(command=["train"]))
    assert (ps(found)["environment"], place(found)["RANK"]) == ([], "$(TASK_INDEX)")


def test_the_users_environment_replaces_a_word_of_the_table() -> None:
    found = of("job", command=["train"], env={"RANK": "7"})
    assert "RANK" not in place(found)
    assert {"name": "RANK", "value": "7"} in worker(found)["env"]


def test_processes_of_a_worker_are_started_by_a_shell_and_limit_their_threads() -> None:
    spec = {"framework": "pytorch", "ps": 0, "processes_per_worker": 2}
    pods, processes = of("job", spec, command=["train"]), of("processes", spec, command=["train"])
    assert worker(pods)["command"][:2] == processes["command"][:2] == ["/bin/sh", "-c"]
    assert processes["command"][-1] == "train"
    assert {"MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}.items() <= processes["env"].items()
    assert "TF_NUM_INTRAOP_THREADS" not in processes["env"]
    assert processes["environment"]["MASTER_ADDR"] == "{chief_host}"


def test_a_framework_without_ps_opens_every_port_between_its_pods() -> None:
    assert of("job", {"framework": "jax", "ps": 0}, command=["train"])["ports"] == []
    assert of("job", command=["train"])["ports"] == [2222]


def test_a_run_with_a_chief_says_so_in_its_labels_and_its_cluster() -> None:
    found = of("job", {"chief": True}, command=["train"])
    assert found["labels"]["tfscale.study/ends"] == "chief"
    cluster = json.loads(found["config"]["data"]["TF_CLUSTER"])
    assert {kind: len(hosts) for kind, hosts in cluster.items()} == {"chief": 1, "ps": 1, "worker": 1}
    assert worker(found)["command"][:2] == ["/bin/sh", "-c"]
    assert ps(found)["command"] == ["train"]


def test_servers_of_a_chief_have_more_than_one_thread_between_operations() -> None:
    limits = of("processes", {"chief": True}, command=["train"])["env"]
    assert limits["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "TF_NUM_INTEROP_THREADS" not in limits
