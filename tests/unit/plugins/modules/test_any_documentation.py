# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation, with its fragments as ansible-doc merges them, says what the step's argument spec says."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
STEPS = "ansible_collections.tfscale.study.plugins.module_utils._steps"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
FACTS = {"type": "str", "default": None, "choices": None, "required": False, "elements": None}
# Written differently, meant the same: sets of choices have no order.
SORTED = ("choices",)


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    names = [f"tfscale.study.{name}" for name in MODULES]
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--type", "module", "--json", *names]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return {name.rpartition(".")[2]: found["doc"] for name, found in json.loads(done.stdout).items()}


def facts(option: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: option.get(name, otherwise) for name, otherwise in FACTS.items()}
    return {name: sorted(value) if name in SORTED and value else value for name, value in found.items()}


def compare(documented: Mapping[str, Any], spec: Mapping[str, Any], place: str) -> None:
    assert set(documented) == set(spec), place
    for name, option in spec.items():
        assert facts(documented[name]) == facts(option), f"{place}.{name}"
        assert documented[name]["description"], f"{place}.{name}"
        if "options" in option:
            compare(documented[name].get("suboptions") or {}, option["options"], f"{place}.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_documentation_says_what_the_argument_spec_says(documented: dict[str, Any], name: str) -> None:
    # Documented by kubernetes.core.
    shared = importlib.import_module(f"{STEPS.rpartition('.')[0]}._kubernetes.options").AUTH_ARG_SPEC
    spec = importlib.import_module(f"{STEPS}.{name}").ARGUMENT_SPEC
    options = documented[name].get("options") or {}
    own = {option: value for option, value in spec.items() if shared.get(option) != value}
    assert set(spec) <= set(options)
    compare({option: value for option, value in options.items() if option in own}, own, name)
    assert set(options) - set(spec) <= set(shared)


@pytest.mark.parametrize("name", MODULES)
def test_documentation_says_how_check_mode_and_diff_mode_work(documented: dict[str, Any], name: str) -> None:
    attributes = documented[name]["attributes"]
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] in ("full", "none")
    if name.endswith("_info"):
        assert attributes["diff_mode"]["support"] == "none"
