# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of every role is given every kind of slip: it is refused with a sentence, or stands here with the reason."""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import variables
from ansible_collections.tfscale.study.plugins.module_utils._study.design.variables import PREDICT, THESIS, VARIABLES
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[6]
OPTIONS: dict[str, dict[str, Any]] = {
    name: option
    for file in ROOT.glob("roles/*/meta/argument_specs.yml")
    for entry in yaml.safe_load(file.read_text())["argument_specs"].values()
    for name, option in entry.get("options", {}).items()
}
# What stands in the sentence for a value.
SLIPS: dict[str, Any] = {
    "null": None,
    "true": True,
    "0": 0,
    "-1": -1,
    "1.5": 1.5,
    str(10**30): 10**30,
    "inf": math.inf,
    "nan": math.nan,
    "'Infinity'": "Infinity",
    "'NaN'": "NaN",
    "'1e400'": "1e400",
    "''": "",
    "'-1'": "-1",
    "'two words'": "two words",
    r"'a\nb'": "a\nb",
    r"'a\x00b'": "a\0b",
    "'../up'": "../up",
    "[]": [],
    "{}": {},
    "['a']": ["a"],
    "[[{}]]": [[{}]],
    "{'a': 1}": {"a": 1},
    "'{a: [1}'": "{a: [1}",
    "datetime.date(2024, 1, 2)": dt.date(2024, 1, 2),
}


def named(*parts: str) -> set[str]:
    """`training_ ps workers` is training_ps and training_workers."""
    return {f"{prefix}{name}" for prefix, *names in map(str.split, parts) for name in names}


# One has another variable's value as its default, which is text to Ansible.
FLAGS = {name for name, option in OPTIONS.items() if option["type"] == "bool"} | {"training_gang"}
TIMES = named(
    "training_ deadline stall_seconds start_seconds queue_deadline progress_seconds", "upgrade_ min_ready_seconds"
)
LIMITS = named("training_ checkpoint_seconds ready_seconds", "upgrade_ timeout", "image_ timeout", "cluster_ timeout")
AMOUNTS = named("cluster_ node_cpus node_memory")
SHARES = named(
    "training_ max_foreign_share max_steal_share max_throttled_share max_drift_share max_skew_share max_rise_share"
)
MARGINS = named("sweep_ max_slowdown", "upgrade_ max_slowdown")
PATHS = named(
    "cluster_ results_dir kubeconfig gke_service_account_file",
    "image_ source_dir",
    "training_ data_dir log_dir source_dir python helm_values chart_dir",
    "sweep_ results_dir",
    "report_ results_dir baseline",
    "upgrade_ results_dir",
    "autosize_ write",
)
LINES = named(
    "cluster_ name context gke_project gke_location gke_machine_type gke_disk_type gke_network gke_subnetwork gke_endpoint",
    "report_ currency",
    "awx_ organization inventory inventory_source scm_url scm_branch",
)
IMAGES = named("cluster_ node_image", "image_ registry name ref", "training_ image ps_image", "awx_ image")
COMMAND = named("training_ command")
MAY_BE_NOTHING = named(
    "cluster_ kubeconfig context node_image gke_project gke_location gke_service_account_file gke_disk_type gke_network",
    "cluster_ gke_subnetwork gke_endpoint",
    "image_ registry",
    "training_ target_accuracy data_dir log_dir network port_range link_mbit command log_format image ps_image helm_values spread run_as_user service_account",
    "training_ priority_class runtime fs_group queue",
    "sweep_ series backends strategies processes_per_worker spreads variants max_slowdown target_ci budget_minutes budget_cost",
    "upgrade_ max_slowdown",
    "report_ select claims baseline max_seconds max_cost",
    "autosize_ deadline_seconds max_cost max_ps max_nodes budget_minutes budget_cost write",
    "awx_ inventory_source scm_url scm_branch image",
)
LISTS = named(
    "cluster_ gke_zones",
    "training_ env_from image_pull_secrets tolerations volumes volume_mounts",
    "report_ baseline",
    "awx_ credentials prompts trainer_images",
)
LISTS_OF_WORDS = named(
    "cluster_ gke_zones", "training_ image_pull_secrets", "awx_ credentials trainer_images", "report_ baseline"
)
MAPPINGS = named(
    "cluster_ gke_accelerator gke_labels",
    "image_ arguments",
    "training_ run env ps_env worker_env ps_resources worker_resources node_selector volume readiness_probe",
    "training_ tensorboard_resources",
    "report_ prices",
    "sweep_ search",
    "upgrade_ before after",
)
FREE_MAPPINGS = named(
    "training_ run env ps_env worker_env readiness_probe node_selector", "report_ prices", "cluster_ gke_labels"
)
# What people put tokens into, or the content of the file that is meant.
SECRETIVE = named(
    "training_ env ps_env worker_env env_from command volumes readiness_probe",
    "image_ arguments",
    "sweep_ variants",
    "upgrade_ before after",
    "cluster_ kubeconfig gke_service_account_file",
    "awx_ scm_url",
)
# How many there are may be none, or is left to others.
NONE = named(
    "training_ steps seed threads cpus gpus replica_memory_bytes fs_group ps",
    "sweep_ ps seed steps",
    "upgrade_ gate_steps",
    "autosize_ ps max_ps steps",
)

# The reason why a value is none of a slip for a variable.
TAKEN: dict[str, dict[str, set[str]]] = {
    "true": {"a flag": FLAGS},
    "0": {
        "no": FLAGS,
        "no limit": AMOUNTS | NONE | TIMES,
        "no share at all": SHARES,
        "no gate": MARGINS,
    },
    "1.5": {
        "seconds": TIMES | LIMITS | {"report_max_seconds", "autosize_deadline_seconds"},
        "minutes": {"sweep_budget_minutes", "autosize_budget_minutes"}, "megabits": {"training_link_mbit"},
        "processors": {"cluster_node_cpus"}, "a rate": {"training_learning_rate"},
    },
    "'Infinity'": {"a name": PATHS | LINES | IMAGES | COMMAND, "a field of a record": {"report_select"}},
    "'NaN'": {"a name": PATHS | LINES | IMAGES | COMMAND, "a field of a record": {"report_select"}},
    "'1e400'": {"a name": PATHS | LINES | IMAGES | COMMAND, "letters of an object's name": named(
        "training_ service_account priority_class runtime queue", "cluster_ namespace", "sweep_ study", "report_ study", "upgrade_ gate_study", "thesis_ study",
        "autosize_ study",
    )},
    "''": {"nothing, as its description says": MAY_BE_NOTHING},
    "'-1'": {"a name": PATHS | LINES | COMMAND},
    "'two words'": {"a name": PATHS | LINES | COMMAND},
    r"'a\nb'": {"lines for the shell": COMMAND},
    "'../up'": {"a path that the user chose": PATHS | COMMAND, "goes into no path": LINES},
    "[]": {"an empty list": LISTS | COMMAND | named("sweep_ series backends strategies processes_per_worker spreads variants")},
    "{}": {"an empty mapping": MAPPINGS | {"sweep_variants"}},
    "['a']": {"a list of words": LISTS_OF_WORDS | COMMAND},
    "{'a': 1}": {"names that only the user knows": FREE_MAPPINGS},
    "'{a: [1}'": {"a name": PATHS | LINES | COMMAND},
}  # fmt: skip


def test_no_list_or_mapping_is_refused_by_ansible_because_it_came_as_text() -> None:
    assert [
        name for name, option in OPTIONS.items() if option["type"] in ("list", "dict") and "default" in option
    ] == []


def test_every_variable_of_every_role_has_a_row() -> None:
    assert sorted(VARIABLES) == sorted({**OPTIONS, **THESIS, **PREDICT})


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_defaults_can_be_used(name: str) -> None:
    default = OPTIONS[name].get("default")
    if "default" in OPTIONS[name] and not (isinstance(default, str) and "{{" in default) and name != "image_arguments":
        VARIABLES[name](name, default)


@pytest.mark.parametrize("shown", SLIPS)
def test_slip_gets_one_sentence_or_has_a_reason(shown: str) -> None:
    taken, told = set(), {}
    for name in VARIABLES:
        try:
            variables.check({name: SLIPS[shown]})
        except InputError as error:
            told[name] = str(error)
        else:
            taken.add(name)
    assert taken == set().union(*TAKEN.get(shown, {}).values())
    for name, sentence in told.items():
        assert name in sentence
        within = sentence.startswith((f"{name}.", f"{name}[", f"a key of {name}"))
        # What may be a secret is not shown.
        untold = name in SECRETIVE and re.search(r" is (a|another) ", sentence) is not None
        assert shown in sentence or within or untold or shown.strip("[]{}: 1") in sentence, sentence
        assert ": give " in sentence
        assert "\n" not in sentence


WORDS = st.text(max_size=8)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.binary(max_size=4), st.dates()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@given(name=st.sampled_from(sorted(VARIABLES)), value=ANYTHING)
def test_anything_gets_a_value_or_a_sentence(name: str, value: Any) -> None:
    told = name
    try:
        variables.check({name: value})
    except InputError as error:
        told = str(error)
    assert name in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sweep_series", "[{ps: [2], workers: [1, 2, 4]}]", [{"ps": [2], "workers": [1, 2, 4]}]),
        ("sweep_series", "- ps: [2]\n  workers: '1,2'", [{"ps": [2], "workers": [1, 2]}]),
        ("sweep_workers", "[1, fit]", [1, "fit"]),
        ("sweep_workers", "- 1\n- 2", [1, 2]),
        ("sweep_ps", "auto", "auto"),
        ("sweep_processes_per_worker", "1,2", [1, 2]),
        ("sweep_backends", "[job, jobset]", ["job", "jobset"]),
        ("sweep_spreads", "DoNotSchedule,PodAffinity", ["DoNotSchedule", "PodAffinity"]),
        ("sweep_strategies", "[async_ps, mirrored]", ["async_ps", "mirrored"]),
        ("sweep_variants", "{before: {}, after: {batch_size: 40}}", {"before": {}, "after": {"batch_size": 40}}),
        ("upgrade_after", "{batch_size: '40'}", {"batch_size": 40}),
        ("report_prices", "{e2-standard-4: .15}", {"e2-standard-4": 0.15}),
        ("training_ports", "{ps: 2222, worker: 2223}", {"ps": 2222, "worker": 2223}),
        ("training_volume", "{size: 5Gi, access_modes: [ReadWriteMany]}", {"size": "5Gi", "access_modes": ["ReadWriteMany"]}),
        ("training_node_selector", '{"disk": "ssd"}', {"disk": "ssd"}),
        ("awx_credentials", "[My cluster, Other]", ["My cluster", "Other"]),
    ],
)  # fmt: skip
def test_lists_and_mappings_come_as_text_of_yaml(name: str, text: str, value: Any) -> None:
    assert variables.check({name: text}) == {name: value}


@pytest.mark.parametrize("value", [{"A": "x"}, '{"A": "x"}', {}])
def test_processes_take_an_environment_of_values(value: Any) -> None:
    given = {"training_backend": "processes", "training_env": value}
    assert variables.check(given)["training_env"] == ({"A": "x"} if value else {})


@pytest.mark.parametrize("value", [{"A": {"secret": "s", "key": "k"}}, '{"A": {"secret": "s", "key": "k"}}'])
def test_processes_take_no_environment_from_a_secret(value: Any) -> None:
    with pytest.raises(InputError, match=r"^training_env\.A comes from a Secret"):
        variables.check({"training_backend": "processes", "training_env": value})
    assert variables.check({"training_backend": "job", "training_env": value})


def test_a_long_running_training_is_tensorflows() -> None:
    with pytest.raises(InputError, match=r"^training_framework is 'jax', but training_long_running is true"):
        variables.check({"training_framework": "jax", "training_long_running": True})


def test_a_budget_of_cost_needs_prices() -> None:
    with pytest.raises(InputError, match=r"^sweep_budget_cost is 5.*report_prices"):
        variables.check({"sweep_budget_cost": 5, "report_prices": "{}"})
    assert variables.check({"sweep_budget_cost": "5", "report_prices": "{big: 1}"})["sweep_budget_cost"] == 5.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"report_goal": "cost"}, ["report_goal is 'cost'", "report_prices"]),
        ({"report_max_cost": 2, "report_prices": "{}"}, ["report_max_cost is 2", "report_prices"]),
        (
            {"report_goal": "knee", "report_max_seconds": 3},
            ["report_max_seconds is 3", "report_goal is 'knee'", "time or cost"],
        ),
        ({"report_language": "de"}, ["report_language", "'de'", "en", "pl"]),
        ({"report_goal": "speed"}, ["report_goal", "'speed'", "time", "cost", "knee"]),
    ],
)
def test_goal_of_a_report_has_its_prices_and_limits(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        variables.check(given)
    assert [word for word in words if word not in str(caught.value)] == []
    assert variables.check({"report_goal": "cost", "report_prices": {"a": 1}, "report_max_seconds": ""})


@pytest.mark.parametrize(("value", "meant"), [("auto", "auto"), ("3", 3), (1, 1)])
def test_repeats_are_a_number_or_auto(value: Any, meant: Any) -> None:
    assert variables.check({"sweep_repeats": value}) == {"sweep_repeats": meant}


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ({"training_steps": 0, "sweep_steps": 0}, "training_steps"),
        ({"training_steps": 2000, "sweep_steps": "0"}, "sweep_steps"),
        ({"training_steps": 0, "sweep_steps": 0, "upgrade_gate_steps": 0}, "upgrade_gate_steps"),
    ],
)
def test_steps_without_end_are_named_as_the_user_set_them(steps: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match=rf"^{name} is 0, .*training_deadline"):
        variables.check({**steps, "training_deadline": 0})
    assert variables.check({**steps, "training_deadline": 60})["sweep_steps"] == 0


def test_steps_without_end_are_those_of_a_long_running_training() -> None:
    given = {"training_steps": 0, "training_deadline": 0}
    assert variables.check(given) == given
    assert variables.check({**given, "sweep_steps": 300, "upgrade_gate_steps": 300})["training_steps"] == 0


TARGET = {"training_target_accuracy": "0.95", "training_eval_every": 100, "training_steps": 2000}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *(
            ({"training_target_accuracy": value}, "training_target_accuracy is .*: give a share above 0 and below 1, such as 0.95")
            for value in (0, 1, 1.1, -0.5, "95 %", "high", None, [0.95], {"accuracy": 0.95}, True, "nan")
        ),
        *(
            ({"training_eval_every": value}, "training_eval_every is .*: give a whole number from 1")
            for value in (0, -100, 0.5, "often", "", None, [100])
        ),
        ({"training_eval_every": 2001}, "training_eval_every is 2001, but training_steps is 2000: give at most that"),
        ({"sweep_steps": 50}, "training_eval_every is 100, but sweep_steps is 50: give at most that"),
        ({"training_steps": 0, "training_deadline": 60}, "training_target_accuracy is 0.95, but training_steps is 0, which"),
        ({"training_long_running": True}, "training_target_accuracy is 0.95, but training_long_running is true"),
        (
            {"training_command": ["train"], "training_log_format": r"t=(?P<time>\\S+) step (?P<step>\\d+)"},
            "training_target_accuracy is 0.95, but training_log_format .* finds no evaluation: give it the named group accuracy",
        ),
    ],
)  # fmt: skip
def test_target_accuracy_that_cannot_be_reached_or_told(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        variables.check({**TARGET, **change})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"training_eval_every": 2000},
        # Without a target nothing is evaluated, and a program of one's own evaluates when it likes.
        {"training_target_accuracy": "", "training_steps": 50},
        {"training_command": "train", "training_steps": 50, "training_log_format": "thesis"},
        {"training_command": "train", "training_log_format": r"step (?P<step>\\d+)|acc (?P<accuracy>\\S+)"},
    ],
)
def test_target_accuracy_that_can(change: dict[str, Any]) -> None:
    wanted = {**TARGET, **change}["training_target_accuracy"]
    assert variables.check({**TARGET, **change})["training_target_accuracy"] == (float(wanted) if wanted else "")


CANARY = "hunter2"
# Where a value is put: as it is, under a name, in a list, a kind too deep, and where a variant has its own.
PLACES: tuple[Any, ...] = (
    lambda value: value,
    lambda value: {"TOKEN": value},
    lambda value: [value],
    lambda value: [[value]],
    lambda value: {"TOKEN": [value]},
    lambda value: {"TOKEN": {"secret": {"name": value}}},
    lambda value: [{"TOKEN": value}],
    lambda value: {"a": value},
    lambda value: {"a": [value]},
    lambda value: {"a": {"env": value}},
    lambda value: {"a": {"env": {"TOKEN": [value]}}},
    lambda value: {"a": {"env": {"TOKEN.batch_size": [value]}}},
    lambda value: {"a": {"command": {"TOKEN": value}}},
    lambda value: {"env": {"TOKEN": {value: value}}},
    lambda value: {"command": {"TOKEN": value}},
    lambda value: {"type": "x", "extra": value},
)


PUT = [CANARY, f"{CANARY}\n", f"{{{CANARY}", CANARY.encode(), (CANARY, 1), 424242, 4242.42, dt.date(4242, 4, 2)]


@pytest.mark.parametrize("name", sorted(SECRETIVE))
def test_refusal_shows_no_value_of_what_may_be_a_secret(name: str) -> None:
    values = [place(value) for place in PLACES for value in PUT]
    values += [str(place(value)) for place in PLACES for value in PUT if isinstance(value, str)]
    for value in values:
        told = name
        try:
            variables.check({name: value})
        except InputError as error:
            told = str(error)
        assert told.startswith(name)
        assert CANARY not in told
        assert "4242" not in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"training_env": 424242}, "training_env is a number: give"),
        ({"training_env": {"TOKEN": dt.date(4242, 4, 2)}}, "training_env.TOKEN is a date: give"),
        ({"training_ps_env": {"TOKEN": [CANARY]}}, "training_ps_env.TOKEN is a list: give"),
        ({"training_env_from": [{"TOKEN": CANARY}]}, "training_env_from[0] is a mapping: give"),
        (
            {"training_command": [CANARY, {}]},
            "training_command is a list, which is empty or has an item that is not a word: give",
        ),
        ({"sweep_variants": {"a": f"TOKEN={CANARY}"}}, "sweep_variants.a is a text: give"),
        (
            {"sweep_variants": {"a.b": {"env": {"TOKEN": CANARY.encode()}}}},
            "sweep_variants.a.b.env.TOKEN is bytes: give",
        ),
        ({"sweep_variants": {"a.b": {"batch_size": "lots"}}}, "sweep_variants.a.b.batch_size is 'lots': give"),
        ({"upgrade_after": f"TOKEN={CANARY}"}, "upgrade_after is a text: give"),
        ({"upgrade_after": {"batch_size": "lots"}}, "upgrade_after.batch_size is 'lots': give"),
        ({"image_arguments": {"INDEX": f"{CANARY}\n"}}, "image_arguments.INDEX is a text: give"),
        ({"cluster_gke_service_account_file": {"private_key": CANARY}}, "service_account_file is a mapping: give"),
    ],
)
def test_refusal_of_what_may_be_a_secret_names_variable_key_and_kind(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        variables.check(given)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"training_node_selector": "{gpu: [yes]}"}, "training_node_selector.gpu is [True]: give the value of a label"),
        ({"cluster_provider": "kind", "image_delivery": "push", "image_registry": ""}, "image_registry is '': give a"),
        ({"training_node_selector": "{since: 2024-01-02}"}, "training_node_selector.since is datetime.date(2024, 1, 2)"),
        ({"sweep_series": "[{ps: [on], workers: [1]}]"}, "sweep_series[0].ps is [True]"),
        ({"sweep_workers": "[1e3]"}, "sweep_workers is '[1e3]'"),
        ({"training_ports": "{ps: 1:30, worker: 2222}"}, "training_ports.ps is 90: give a whole number from 1024"),
        ({"sweep_series": "&a [*a]"}, "sweep_series is '&a [*a]': give a list"),
        ({"report_prices": "!!python/object:os.system {}"}, "report_prices is '!!python/object:os.system {}'"),
        ({"report_prices": "{" * 5000}, "report_prices is"),
        ({"cluster_provider": "kind", "cluster_name": "../x"}, "cluster_name is '../x': give up to 49"),
        ({"cluster_nodes_method": "resize"}, "resize only with gke"),
        ({"cluster_teardown": "yes", "sweep_ledger": "cluster"}, "cluster_teardown removes the cluster"),
        ({"training_volume": {"size": 0}}, "training_volume.size is 0: give an amount such as 10Gi"),
        ({"training_ps_resources": {"limits": {"memory": "lots"}}}, "training_ps_resources.limits.memory is 'lots'"),
        ({"training_worker_resources": {"requests": {"memory": "512m"}}}, "which is 0.512 bytes of memory: give"),
        ({"training_worker_resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1"}}}, "request of cpu is above"),
        ({"training_worker_resources": {"requests": {"cpu": "1e30"}}}, "which is more cpu than there is: give an amount"),
        ({"training_volume": {"size": "1e30"}}, "training_volume.size is '1e30': give an amount"),
        ({"upgrade_gate_study": "a" * 53}, "give at most 52 letters"),
    ],
)  # fmt: skip
def test_slip_within_a_value_is_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        variables.check(given)
    assert told in str(caught.value)
