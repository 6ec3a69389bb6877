# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them, on this machine; tests/e2e has one on a cluster."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.awx import Job, job
from tests.fixtures.controller import Controller, serving
from tests.fixtures.playbook import ROOT, Playbook, errors

from .conftest import tiny_command

LOCAL = "inventories/local"
PATTERN = ROOT / "extensions/patterns/scaling_study"
# Of a survey's questions, as AWX takes them; the default of a multiselect is its choices, a line each.
ANSWERS = {"text": str, "multiplechoice": str, "multiselect": str, "integer": int}


def answers(**more: Any) -> dict[str, Any]:
    """Surveys give strings."""
    return {
        "sweep_study": "tiny",
        "sweep_ps": "1",
        "sweep_workers": "1,2",
        "sweep_repeats": "1",
        "sweep_attempts": "2",
        "sweep_seed": "7",
        "training_steps": "20",
        "training_deadline": "60",
        "training_command": tiny_command(),
        "training_python": str(ROOT / ".venv-trainer/bin/python"),
        "training_max_foreign_share": "1.0",
        "training_max_steal_share": "1.0",
        **more,
    }


@pytest.fixture
def one(tmp_path: Path) -> Job:
    return job(tmp_path)


def test_sweep_with_answers_of_a_survey_leaves_artifacts(one: Job) -> None:
    assert one.run("playbooks/sweep.yml", LOCAL, answers()) == 0, one.lines
    assert "study tiny on cluster local: 2 cells x 1 block = 2 runs" in one.lines
    assert "valid:" in one.lines
    records = [json.loads(line) for line in (one.project / "results/tiny/ledger.jsonl").read_text().splitlines()]
    found_steps = {
        (record["spec"]["ps"], record["spec"]["workers"], record["spec"]["train_steps"]) for record in records
    }
    assert found_steps == {(1, 1, 20), (1, 2, 20)}
    found = one.artifacts
    assert found["tfscale_answer"] in one.lines.replace("\r", "")
    assert found["tfscale_answer_document"]["answer"] == found["tfscale_answer"]
    assert found["tfscale_table"].startswith("| nodes | ps | workers |")
    assert found["tfscale_report"].startswith("# Study tiny")
    assert not (one.project / ".git").exists()
    # Each line that a step says is an event of its own, seen when it is said.
    assert sum("run 1/2" in event["stdout"] for event in one.events()) >= 1


@pytest.mark.full
def test_a_cancelled_job_leaves_nothing_running_and_is_gone_on_with(one: Job, living: Any) -> None:
    slow = answers(training_command=tiny_command(steps=20, pace=0.05), sweep_repeats="3")
    process = one.start("playbooks/sweep.yml", LOCAL, slow, {})
    ledger = one.project / "results/tiny/ledger.jsonl"
    deadline = time.monotonic() + 120
    while not ledger.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=120)
    while living(one.project / "results") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert living(one.project / "results") == []
    before = ledger.read_text().splitlines()
    assert 1 <= len(before) < 6
    assert Job(one.folder, "again").run("playbooks/sweep.yml", LOCAL, slow) == 0
    lines = ledger.read_text().splitlines()
    assert (lines[: len(before)], len(lines)) == (before, 6)


def test_the_context_of_the_execution_environment_is_made(tmp_path: Path) -> None:
    builder = Path(
        subprocess.run(["which", "ansible-builder"], capture_output=True, text=True, check=True).stdout.strip()
    )
    words = [
        "create",
        "--file",
        "execution-environment.yml",
        "--context",
        str(tmp_path),
        "--output-filename",
        "Containerfile",
    ]
    made = subprocess.run([builder, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    recipe = (tmp_path / "Containerfile").read_text()
    assert "ansible-runner>=2.4" in recipe
    needs = (tmp_path / "_build/requirements.txt").read_text()
    # What the collection asks an environment for, the project's own asks for as well.
    declared = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())["dependencies"]
    assert needs == (ROOT / declared["python"]).read_text()
    wanted = {
        line.partition("==")[0]
        for name in ("", "-kubernetes")
        for line in (ROOT / f"requirements{name}.txt").read_text().splitlines()
        if "==" in line
    }
    assert wanted - {"ansible-core", "ansible"} <= {line.partition(">=")[0] for line in needs.splitlines()}
    collections = yaml.safe_load((tmp_path / "_build/requirements.yml").read_text())["collections"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"]
    assert {one["name"]: one["version"] for one in collections} == galaxy


def prompts(controller: Controller) -> set[str]:
    """What any template of the controller lets a launch set."""
    made = [*controller.named("job_templates").values(), *controller.named("workflow_job_templates").values()]
    return {name for one in made for name, asks in one.items() if name.startswith("ask_") and asks}


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, pytest.param(True, marks=pytest.mark.full)])
def test_the_job_templates_are_applied_and_then_do_nothing(tmp_path: Path, again: bool) -> None:
    with serving(Controller()) as controller:
        env = {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": "x"}
        given = {
            "awx_credentials": ["My cluster"],
            "awx_image": "ee:1",
            "awx_trainer_images": ["trainer:1", "trainer:2"],
        }
        playbook = Playbook(tmp_path, given, LOCAL, env)
        first = playbook.run("awx")
        assert first.returncode == 0, first.stdout + first.stderr
        assert prompts(controller) == set()
        templates = controller.named("job_templates")
        assert sorted(name.removeprefix("Scaling study: ") for name in templates) == [
            "autosize",
            "predict",
            "provision",
            "report",
            "sweep",
            "teardown",
        ]
        for template in templates.values():
            assert (ROOT / template["playbook"]).is_file()
            assert [one["name"] for one in controller.related[template["related"]["credentials"]]] == ["My cluster"]
            assert [one["name"] for one in controller.related[template["related"]["labels"]]] == ["tfscale"]
        questions = controller.related[templates["Scaling study: sweep"]["related"]["survey_spec"]]["spec"]
        assert "sweep_workers" in [question["variable"] for question in questions]
        workflow = controller.named("workflow_job_templates")["Scaling study"]
        for offered in (questions, controller.related[workflow["related"]["survey_spec"]]["spec"]):
            image = next(question for question in offered if question["variable"] == "training_image")
            assert (image["type"], image["choices"]) == ("multiplechoice", ["trainer:1", "trainer:2"])
        assert controller.named("execution_environments")["Scaling study"]["image"] == "ee:1"
        steps = controller.named("workflow_job_template_nodes")

        def after(step: str, how: str) -> list[str]:
            return [one["identifier"] for one in controller.related.get(steps[step]["related"][f"{how}_nodes"], [])]

        # What failed ends the workflow, so that it can be looked at.
        assert [after(step, "success") for step in ("provision", "sweep", "report")] == [
            ["sweep"],
            ["report"],
            ["teardown"],
        ]
        assert [after(step, how) for step in steps for how in ("failure", "always")] == [[]] * 8
        if again:
            before = list(controller.writes)
            second = playbook.run("awx")
            assert "changed=0" in second.stdout, second.stdout + second.stderr
            assert controller.writes == before


@pytest.mark.slow
@pytest.mark.full
def test_prompts_of_earlier_versions_are_taken_away(tmp_path: Path) -> None:
    with serving(Controller()) as controller:
        env = {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": "x"}
        playbook = Playbook(tmp_path, {"awx_image": "ee:1"}, LOCAL, env)
        # As earlier versions made them: a launch could set more than the answers of the survey.
        wide = playbook.run("awx", awx_prompts=["limit", "variables"])
        assert wide.returncode == 0, wide.stdout + wide.stderr
        assert prompts(controller) == {"ask_limit_on_launch", "ask_variables_on_launch"}
        narrow = playbook.run("awx")
        assert narrow.returncode == 0, narrow.stdout + narrow.stderr
        assert prompts(controller) == set()


def test_awx_prompts_knows_what_it_can_ask_for(tmp_path: Path) -> None:
    result = Playbook(tmp_path, {"awx_prompts": ["everything"]}, LOCAL, {"CONTROLLER_HOST": "http://x"}).run("awx")
    assert result.returncode != 0
    assert {"awx_prompts", "everything"} <= set(re.findall(r"\w+", result.stderr)), result.stderr


OTHERS = [pytest.param(f"sweep_{axis}", marks=pytest.mark.full) for axis in ("nodes", "ps", "workers", "strategies")]


@pytest.mark.parametrize("variable", ["sweep_study", *OTHERS])
def test_an_answer_is_text_and_no_program(tmp_path: Path, variable: str) -> None:
    """AWX marks answers of a survey as unsafe (ALLOW_JINJA_IN_EXTRA_VARS); so does this file."""
    victim = tmp_path / "victim"
    answer = f"{{{{ lookup('ansible.builtin.pipe', 'touch {victim}') }}}}"
    (tmp_path / "answers.yml").write_text(f'{variable}: !unsafe "{answer}"\n')
    playbook = Playbook(tmp_path, {"sweep_results_dir": str(tmp_path), "training_command": tiny_command()})
    result = playbook.run("sweep", "--extra-vars", f"@{tmp_path}/answers.yml", "--check")
    assert result.returncode != 0
    assert {variable, "lookup"} <= set(re.findall(r"\w+", result.stderr)), result.stderr
    assert not victim.exists()


def test_what_others_have_on_the_controller_is_left_alone(tmp_path: Path) -> None:
    named = {
        "job_templates": "Scaling study: sweep",
        **dict.fromkeys(
            ("workflow_job_templates", "projects", "execution_environments", "inventories"), "Scaling study"
        ),
    }
    with serving(Controller()) as controller:
        theirs = [controller.add(kind, name=name, description="Nightly") for kind, name in named.items()]
        before = copy.deepcopy(theirs)
        env = {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": "x"}
        result = Playbook(tmp_path, {}, LOCAL, env).run("awx")
        assert result.returncode != 0
        said, _colon, why = errors(result)["localhost"].partition(": there already")
        assert why.startswith(" and not ours")
        assert sorted(said.split(", ")) == sorted(f"{kind} {name}" for kind, name in named.items())
        assert (controller.writes, theirs) == ([], before)


def test_awx_without_a_controller_gets_a_sentence(tmp_path: Path) -> None:
    result = Playbook(tmp_path, {}, LOCAL, {"CONTROLLER_HOST": ""}).run("awx")
    assert result.returncode != 0
    assert "CONTROLLER_HOST is '': give the address of the controller there" in " ".join(result.stderr.split())


def test_the_pattern_names_what_there_is() -> None:
    """As its specification demands; https://github.com/ansible/pattern-service/blob/main/specifications/pattern_specification.md"""
    pattern = json.loads((PATTERN / "meta/pattern.json").read_text())
    assert pattern["name"] == PATTERN.name
    assert {"schema_version", "title", "description", "short_description", "tags", "aap_resources"} <= set(pattern)
    resources = pattern["aap_resources"]
    templates = {template["name"]: template for template in resources["controller_job_templates"]}
    assert {template["playbook"] for template in templates.values()} == {
        path.name for path in PATTERN.glob("playbooks/*.yml")
    }
    known = {
        name
        for path in ROOT.glob("roles/*/meta/argument_specs.yml")
        for name in yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    } | {"predict"}
    for template in templates.values():
        assert template["execution_environment"] == resources["controller_execution_environment"]["name"]
        assert set(template["labels"]) <= set(resources["controller_labels"])
        for question in template.get("survey", {}).get("spec", []):
            assert question["variable"] in known, question
            assert isinstance(question["default"], ANSWERS[question["type"]]), question
            assert "choices" not in question or set(str(question["default"]).split("\n")) <= set(question["choices"])
            assert {"text": {"max"}, "integer": {"min", "max"}}.get(question["type"], {"choices"}) <= set(question)
            assert not re.search("command|python|env|dir|source|volume|kubeconfig|prices", question["variable"])
    steps = {node["unified_job_template"]["name"] for node in resources["controller_workflow"]["nodes"]}
    assert steps == set(templates) - {"Scaling study: predict", "Scaling study: autosize"}
