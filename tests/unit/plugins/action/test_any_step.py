# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action plugin is its module's step, carried out in another place."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.plugin_utils.step_action import StepAction

PLUGINS = "ansible_collections.tfscale.study.plugins"
NAMES = sorted(path.stem for path in Path(__file__).parents[4].glob("plugins/action/*.py"))


def test_there_is_a_step_to_test() -> None:
    assert "training_wait" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_action_carries_out_the_step_of_its_module(name: str) -> None:
    action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    step = importlib.import_module(f"{PLUGINS}.module_utils._steps.{name}")
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    assert issubclass(action, StepAction)
    assert action.step is step
    assert module.execute is step.execute
    assert module.ARGUMENT_SPEC is step.ARGUMENT_SPEC
    assert getattr(module, "REQUIRED_IF", None) is getattr(step, "REQUIRED_IF", None)
