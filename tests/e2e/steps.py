# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries steps out as their actions do, against real engines and clusters."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError


def execute(step: ModuleType, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(step.ARGUMENT_SPEC, required_if=getattr(step, "REQUIRED_IF", None))
    checked = validator.validate(arguments)
    assert checked.error_messages == []
    result: dict[str, Any] = step.execute(checked.validated_parameters, Context(check_mode=check_mode, say=print))
    return result


def failure(step: ModuleType, **arguments: Any) -> str:
    with pytest.raises(StepError) as caught:
        execute(step, **arguments)
    print(caught.value)
    return str(caught.value)
