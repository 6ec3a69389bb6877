# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may ask for and the sentences that the rest gets."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import inputs
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (3, [3]),
        ("3", [3]),
        ("1,2,4", [1, 2, 4]),
        (" 1, 2 ,4 ", [1, 2, 4]),
        ("[1, 2]", [1, 2]),
        ([1, "2"], [1, 2]),
        ((4, 4), [4, 4]),
    ],
)
def test_integers_takes_every_way_to_write_a_list(value: Any, numbers: list[int]) -> None:
    assert inputs.integers("sweep_workers", value) == numbers


@pytest.mark.parametrize(
    "value",
    [
        "two",
        0,
        -1,
        1.5,
        True,
        "",
        [],
        None,
        {},
        [1, "x"],
        [[1]],
        "1,,2",
        "1.5",
        [1, 0],
        "1;2",
        10**9,
        "9" * 40,
        b"1",
        "0x2",
        [None],
    ],
)
def test_integers_bad_input_gets_a_sentence(value: Any) -> None:
    with pytest.raises(InputError) as caught:
        inputs.integers("sweep_workers", value)
    assert str(caught.value).startswith("sweep_workers is ")
    assert 'give whole numbers from 1, such as 4 or "1,2,4"' in str(caught.value)


def test_integers_sentence_shows_the_value() -> None:
    with pytest.raises(
        InputError, match=r'^sweep_workers is \'two\': give whole numbers from 1, such as 4 or "1,2,4"$'
    ):
        inputs.integers("sweep_workers", "two")


def test_integers_sentence_stays_short() -> None:
    with pytest.raises(InputError) as caught:
        inputs.integers("sweep_workers", "x" * 10_000)
    assert len(str(caught.value)) < 200


def test_integers_minimum_zero_allows_none_at_all() -> None:
    assert inputs.integers("sweep_ps", 0, 0) == [0]


@given(
    st.one_of(
        st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(), st.lists(st.text() | st.floats())
    )
)
def test_integers_gives_numbers_or_a_sentence_for_anything(value: Any) -> None:
    numbers: list[int] = [1]
    with contextlib.suppress(InputError):
        numbers = inputs.integers("sweep_workers", value)
    assert numbers
    assert all(isinstance(number, int) and not isinstance(number, bool) and number >= 1 for number in numbers)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), ("12", 12), (" 7 ", 7), ("+3", 3)])
def test_integer_takes_strings(value: Any, expected: int) -> None:
    assert inputs.integer("sweep_repeats", value, minimum=1) == expected


@pytest.mark.parametrize("value", [0, "0", -3, "two", 2.0, False, None, [], "1,2"])
def test_integer_bad_input_gets_a_sentence(value: Any) -> None:
    with pytest.raises(InputError, match=r"^sweep_repeats is .*: give a whole number from 1$"):
        inputs.integer("sweep_repeats", value, minimum=1)


@pytest.mark.parametrize(("value", "expected"), [(600, 600.0), ("0.5", 0.5), (0, 0.0)])
def test_number_takes_strings(value: Any, expected: float) -> None:
    assert inputs.number("training_deadline", value) == expected


@pytest.mark.parametrize("value", ["soon", -1, "nan", float("inf"), True, None, [], 10**400])
def test_number_bad_input_gets_a_sentence(value: Any) -> None:
    with pytest.raises(InputError, match=r"^training_deadline is .*: give a number from 0$"):
        inputs.number("training_deadline", value)


@pytest.mark.parametrize("value", ["magic", "", None, 3, ["async_ps"]])
def test_choice_names_what_is_allowed(value: Any) -> None:
    with pytest.raises(InputError, match=r"^training_strategy is .*: give async_ps, sync_ps, tf2_ps or mirrored$"):
        inputs.choice("training_strategy", value, inputs.STRATEGIES)


@pytest.mark.parametrize("value", ["async_ps, sync_ps", ["async_ps", "sync_ps"], ("async_ps", "sync_ps")])
def test_choices_takes_lists_and_strings(value: Any) -> None:
    assert inputs.choices("sweep_strategies", value, inputs.STRATEGIES) == ["async_ps", "sync_ps"]


@pytest.mark.parametrize("value", [[], 7, {}, None])
def test_choices_bad_input_gets_a_sentence(value: Any) -> None:
    with pytest.raises(
        InputError, match=r"^sweep_strategies is .*: give a list of async_ps, sync_ps, tf2_ps or mirrored$"
    ):
        inputs.choices("sweep_strategies", value, inputs.STRATEGIES)


@pytest.mark.parametrize("name", ["mnist", "a", "0", "mnist-2.gke_b", "a" * 63])
def test_study_name_good(name: str) -> None:
    assert inputs.study_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "../up", "Mnist", "-a", ".a", "a b", "a/b", "a\n", 3, None, "ä", "a-", "a.", "a_", "a" * 64]
)
def test_study_name_bad_input_gets_a_sentence(name: Any) -> None:
    with pytest.raises(InputError, match=r"^sweep_study is .*: give a name of lower-case letters.*, at most 63"):
        inputs.study_name(name)


def test_check_spec_makes_numbers_of_strings() -> None:
    strings = {
        "train_steps": "20",
        "batch_size": "7",
        "hidden_units": "100",
        "learning_rate": "0.5",
        "telemetry_every": "1",
    }
    checked = inputs.check_spec({**SPEC, **strings})
    assert checked == {**SPEC, "train_steps": 20, "batch_size": 7, "learning_rate": 0.5, "telemetry_every": 1}


def test_check_spec_leaves_what_it_got_alone() -> None:
    spec = {**SPEC, "train_steps": "20"}
    inputs.check_spec(spec)
    assert spec["train_steps"] == "20"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("provider", "moon", "cluster_provider is 'moon': give local"),
        ("backend", "pigeons", "training_backend is 'pigeons': give processes"),
        ("strategy", "magic", "training_strategy is 'magic': give async_ps, sync_ps, tf2_ps or mirrored"),
        ("preset", "turbo", "training_preset is 'turbo': give thesis or fast"),
        ("model", "vgg", "training_model is 'vgg': give mlp or cnn"),
        ("dataset", "cifar", "training_dataset is 'cifar': give mnist, fashion_mnist or synthetic"),
        ("train_steps", -1, "training_steps is -1: give a whole number from 0"),
        ("batch_size", 0, "training_batch_size is 0: give a whole number from 1"),
        ("hidden_units", "many", "training_hidden_units is 'many': give a whole number from 1"),
        ("learning_rate", 0, "training_learning_rate is 0: give a number greater than 0"),
        ("learning_rate", "fast", "training_learning_rate is 'fast': give a number from 0"),
        ("telemetry_every", 0, "training_telemetry_every is 0: give a whole number from 1"),
        ("cluster", ["a"], "cluster_name is ['a']: give one word or number"),
        ("log_format", "(?P<when>x)", "training_log_format is '(?P<when>x)', whose group 'when' is not known"),
    ],
)
def test_check_spec_bad_input_gets_a_sentence(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs.check_spec({**SPEC, key: value})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("provider", "backend", "image", "sentence"),
    [
        ("local", "job", "trainer:1", "training_backend is 'job': give processes with cluster_provider 'local'"),
        (
            "kind",
            "processes",
            "",
            "training_backend is 'processes': give job, statefulset, jobset or trainjob with cluster_provider 'kind'",
        ),
        ("existing", "statefulset", "", "training_image is ''"),
    ],
)
def test_check_spec_parts_that_do_not_go_together(provider: str, backend: str, image: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs.check_spec({**SPEC, "provider": provider, "backend": backend, "image": image})
    assert sentence in str(caught.value)


def test_check_spec_without_steps() -> None:
    with pytest.raises(InputError, match="no train_steps"):
        inputs.check_spec({})


@pytest.mark.parametrize(("deadline", "steps", "seconds"), [("600", 2000, 600.0), (0, 2000, 0.0), (5, 0, 5.0)])
def test_check_deadline_good(deadline: Any, steps: int, seconds: float) -> None:
    assert inputs.check_deadline(deadline, train_steps=steps) == seconds


def test_check_deadline_endless_training_needs_one() -> None:
    with pytest.raises(InputError, match=r"^training_steps is 0, which trains without end: give training_deadline"):
        inputs.check_deadline(0, train_steps=0)


def test_check_memory_says_how_many_fit() -> None:
    with pytest.raises(InputError) as caught:
        inputs.check_memory(4 * 2**30, label="ps=1 workers=9", replicas=10, replica_bytes=2**30)
    assert str(caught.value) == (
        "sweep_workers asks for ps=1 workers=9, which needs about 10 GiB for 10 replicas, but 4 GiB are free; 4 replicas fit"
    )


@pytest.mark.parametrize("available", [None, 10 * 2**30])
def test_check_memory_enough_or_unknown(available: int | None) -> None:
    inputs.check_memory(available, label="ps=1 workers=9", replicas=10, replica_bytes=2**30)


@pytest.mark.parametrize(
    ("text", "size"),
    [("MemTotal: 9 kB\nMemAvailable:   2048 kB\n", 2 * 2**20), ("MemTotal: 9 kB\n", None), ("\xff", None)],
)
def test_memory_available_reads_the_kernels_estimate(tmp_path: Path, text: str, size: int | None) -> None:
    path = tmp_path / "meminfo"
    path.write_text(text, encoding="latin-1")
    assert inputs.memory_available(str(path)) == size


def test_memory_available_unknown_without_the_file(tmp_path: Path) -> None:
    assert inputs.memory_available(str(tmp_path / "none")) is None


def test_check_folder_makes_nothing(tmp_path: Path) -> None:
    assert inputs.check_folder("study_dir", str(tmp_path / "a/b")) == str(tmp_path / "a/b")
    assert list(tmp_path.iterdir()) == []


def test_check_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert inputs.check_folder("study_dir", "a/../b") == str(tmp_path / "b")


def test_check_folder_without_files_without_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have no O_TMPFILE; there a folder is made and removed."""

    def refuse(*_args: Any, **_kwargs: Any) -> int:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr(os, "open", refuse)
    assert inputs.check_folder("study_dir", str(tmp_path)) == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc/results/mnist", "/dev/null/mnist"])
def test_check_folder_that_cannot_be_written(folder: str) -> None:
    with pytest.raises(InputError, match=f"^study_dir is '{folder}', which cannot be written: .*sweep_results_dir"):
        inputs.check_folder("study_dir", folder)


def test_allowed_values_are_the_trainers_own() -> None:
    config = pytest.importorskip("trainer.config")
    for name in ("STRATEGIES", "PRESETS", "MODELS", "DATASETS"):
        assert set(getattr(inputs, name)) == set(getattr(config, name))


@pytest.mark.parametrize("value", [10**5000, [10**5000], -(10**5000)], ids=["int", "list", "negative"])
def test_integers_refuses_digits_without_end_with_a_sentence(value: Any) -> None:
    with pytest.raises(InputError, match=r"^sweep_workers is a number of thousands of digits: give whole numbers"):
        inputs.integers("sweep_workers", value)


PODS = {"backend": "job", "image": "trainer:1"}
KEYS = (
    "batch_size, command, env, eval_every, framework, hidden_units, learning_rate, model, preset, processes_per_worker, ps,"
    " strategy, target_accuracy, telemetry_every, threads or workers"
)


@pytest.mark.parametrize(
    ("change", "spec"),
    [
        ({}, {}),
        ({"batch_size": "40", "learning_rate": "1e-2"}, {"batch_size": 40, "learning_rate": 0.01}),
        ({"ps": 0, "workers": "4", "threads": "0"}, {"ps": 0, "workers": 4, "threads": 0}),
        ({"preset": "thesis", "strategy": "sync_ps", "model": "cnn"},) * 2,
        ({"command": "exec python own.py"},) * 2,
        ({"command": ["python", "own.py", "a b", 1, True]}, {"command": "exec python own.py 'a b' 1 true"}),
        ({"command": ""},) * 2,  # our trainer in the place of a program
        ({"env": {"B": 1, "A": "x"}}, {"env": {"A": "x", "B": 1}}),
        ({"image": "trainer:2"},) * 2,
        ({"ps_resources": {"limits": {"memory": "1Gi"}}}, {"ps_resources": {"limits": {"memory": "1Gi"}}}),
        ({"worker_resources": {}}, {"worker_resources": {}}),
    ],
)
def test_variants_are_written_as_specifications_are(change: dict[str, Any], spec: dict[str, Any]) -> None:
    assert inputs.variants({"after": change}, PODS) == {"after": spec}


CLUSTER = {**PODS, "provider": "kind", "train_steps": 20}
NESTED = {
    "ps_resources": {"limits": {"memory": "1Gi"}},
    "worker_resources": {},
    "env": {"A": "x", "B": 1},
    "env_from": [{"secret": "s"}],
}


def test_check_spec_keeps_mappings_and_lists() -> None:
    assert inputs.check_spec({**CLUSTER, **NESTED}) == {**CLUSTER, **NESTED}


def test_check_spec_reads_the_text_of_version_0_3_as_the_same() -> None:
    text = {key: json.dumps(value, sort_keys=True) for key, value in NESTED.items()}
    assert inputs.check_spec({**CLUSTER, **text}) == inputs.check_spec({**CLUSTER, **NESTED})


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("ps_resources", {"cpu": 1}, "training_ps_resources is {'cpu': 1}: give requests and limits"),
        ("worker_resources", {"limits": {"cpu": "much"}}, "training_worker_resources.limits.cpu is 'much'"),
        ("env", {"A": ["canary"]}, "training_env.A is a list"),
        ("worker_env", ["canary"], "training_worker_env is a list"),
    ],
)
def test_check_spec_of_a_nested_value_names_the_variable(key: str, value: Any, named: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs.check_spec({**CLUSTER, key: value})
    assert str(caught.value).startswith(named)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", [{}, "", [], "{}"])
def test_variants_none(value: Any) -> None:
    assert inputs.variants(value, {}) == {}


def test_variants_come_as_json_too() -> None:
    assert inputs.variants('{"before": {}, "after": {"batch_size": 40}}', {}) == {
        "before": {},
        "after": {"batch_size": 40},
    }


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "fast",
            "sweep_variants is a text: give each variant's own values, such as {before: {}, after: {batch_size: 40}}",
        ),
        (["before"], "sweep_variants is a list: give each variant's own values"),
        ({"after": 40}, "sweep_variants.after is a number: give each variant's own values"),
        ({"After!": {}}, "sweep_variants has 'After!': give names of at most 32 lower-case letters"),
        ({1: {}}, "sweep_variants has 1: give names"),
        ({"after": {"gpus": 1}}, f"sweep_variants.after has 'gpus': give {KEYS}"),
        ({"after": {1: 1}}, f"sweep_variants.after has 1: give {KEYS}"),
        ({"after": {"nodes": 2}}, "sweep_variants.after has 'nodes': give"),
        ({"after": {"train_steps": 9}}, "sweep_variants.after has 'train_steps': give"),
        ({"after": {"image": "trainer:2"}}, "sweep_variants.after has 'image': give"),  # of a process
        ({"after": {"batch_size": 0}}, "sweep_variants.after.batch_size is 0: give a whole number from 1"),
        ({"after": {"workers": 0}}, "sweep_variants.after.workers is 0: give a whole number from 1"),
        ({"after": {"preset": "turbo"}}, "sweep_variants.after.preset is 'turbo': give thesis or fast"),
        ({"after": {"target_accuracy": 1.1}}, "sweep_variants.after.target_accuracy is 1.1: give a share above 0"),
        ({"after": {"target_accuracy": "95 %"}}, "sweep_variants.after.target_accuracy is '95 %': give a share above"),
        ({"after": {"command": 7}}, "sweep_variants.after.command is a number: give a list, or a line for the shell"),
        ({"after": {"env": "A=1"}}, "sweep_variants.after.env is a text: give names and their values"),
        (
            {"after": {"env": {"A": [1]}}},
            "sweep_variants.after.env.A is a list: give a text or number, or where it comes from",
        ),
    ],
)
def test_variants_bad_input_gets_a_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs.variants(value, {})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": ""}, "sweep_variants.after.image is '': give a word"),
        (
            {"ps_resources": {"cpu": 1}},
            "sweep_variants.after.ps_resources is {'cpu': 1}: give requests and limits as in a pod",
        ),
        ({"worker_resources": "1Gi"}, "sweep_variants.after.worker_resources is '1Gi': give requests and limits"),
    ],
)
def test_variants_of_pods_bad_input_gets_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs.variants({"after": change}, PODS)
    assert str(caught.value).startswith(sentence)
