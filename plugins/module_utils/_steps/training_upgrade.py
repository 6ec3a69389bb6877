# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades a long-running training. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import BackendError, InputError, LedgerError, StepError
from .._deployment.objects import LongRunningTraining, checked
from .._deployment.rollout import Rollout
from .._deployment.upgrade import Journal, Upgrade
from .._deployment.upgrade_plan import ORDERS, STRATEGIES
from .._kubernetes.api import connect
from .._kubernetes.labels import TRAINING
from .._kubernetes.lease import LeaseLock
from .._kubernetes.open_ledger import check_namespace, renewer
from .._kubernetes.options import AUTH_ARG_SPEC, NAMESPACE_ARG_SPEC, OWNER_ARG_SPEC
from .._study.design import inputs

STATES = ("upgraded", "confirmed", "rolled_back", "ready")
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    **NAMESPACE_ARG_SPEC,
    **OWNER_ARG_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": list(STATES), "default": "upgraded"},
    "definition": {"type": "list", "elements": "dict"},
    "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "rolling"},
    "order": {"type": "str", "choices": list(ORDERS), "default": "ps_first"},
    "confirm": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 300.0},
    "min_ready_seconds": {"type": "float", "default": 5.0},
}
REQUIRED_IF = [("state", "upgraded", ("definition",))]


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        inputs.number("timeout", params["timeout"], minimum=1.0)
        inputs.number("min_ready_seconds", params["min_ready_seconds"])
        check_namespace(params["namespace"])
        definition = checked(params["definition"], params["name"]) if params["definition"] else []
        training = LongRunningTraining(connect(params), params["namespace"], params["name"])
        lock = LeaseLock(
            training.api, training.namespace, training.name, params["owner_pid"] or os.getpid(), label=TRAINING
        )
        lock.acquire(check_mode=context.check_mode)
        try:
            rollout = Rollout(
                training,
                timeout=params["timeout"],
                min_ready_seconds=params["min_ready_seconds"],
                keep=renewer(lock, clock=context.clock),
                context=context,
            )
            upgrade = Upgrade(training, rollout, Journal(training), params, context)
            return upgrade.ACTS[params["state"]](upgrade, definition)
        finally:
            if not context.check_mode:
                lock.release()
    except (InputError, BackendError, LedgerError) as error:
        raise StepError(f"{error}.") from error
