# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts or removes the replicas of a run as processes of this machine. PRIVATE, can break at any time."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .._backends.processes.launcher_client import Launcher
from .._backends.processes.reaper import Group, groups_under
from .._common.context import Context
from .._common.errors import BackendError, InputError, StepError
from .._common.files import NO_ROOM, why
from .._common.format import counted
from .._common.words import flags, words
from .._kubernetes import held_studies as held
from .._study.design.inputs import integer

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "run_dir": {"type": "path", "required": True},
    "ps": {"type": "int"},
    "workers": {"type": "int"},
    "trainer_args": {"type": "dict", "default": {}},
    "command": {"type": "list", "elements": "str", "default": []},
    "env": {"type": "dict", "default": {}},
    "environment": {"type": "dict", "default": {}},
    "chief": {"type": "bool", "default": False},
    "arrivals": {"type": "bool", "default": False},
    "python": {"type": "path"},
    "source_dir": {"type": "path"},
    "threads": {"type": "int", "default": 0},
    "cpus": {"type": "int", "default": 0},
    "port_range": {"type": "str", "default": ""},
    "network": {"type": "str", "choices": ["", "loopback", "host"], "default": ""},
    "owner_pid": {"type": "int"},
    "end_held": {"type": "bool", "default": False},
}
REQUIRED_IF = [("state", "present", ("ps", "workers", "source_dir"))]


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    run_dir = os.path.abspath(params["run_dir"])
    try:
        if params["state"] == "absent":
            return _remove(run_dir, params, check_mode=context.check_mode)
        _check(params)
        return _start(run_dir, params, check_mode=context.check_mode)
    except (InputError, BackendError) as error:
        raise StepError(f"{error}.") from error
    except OSError as error:
        reason = why(error, error.filename or run_dir) if error.errno in NO_ROOM else str(error)
        raise StepError(f"The replicas of {run_dir} cannot be reached: {reason}.") from error


def _check(params: Mapping[str, Any]) -> None:
    for name, minimum in (("ps", 0), ("workers", 1), ("threads", 0), ("cpus", 0)):
        integer(name, params[name], minimum=minimum)
    if params["command"] and params["trainer_args"]:
        raise InputError("command and trainer_args are both given: give flags for our trainer or a program of your own")
    if not params["command"] and not params["python"]:
        raise InputError("python is not given: give a Python with TensorFlow, or a program of your own as command")


def _start(run_dir: str, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    size = f"{params['ps']} ps and {counted(params['workers'], 'worker')}"
    running = Group(run_dir).living()
    if running:
        return _result(run_dir, before=running, after=running, msg=f"The replicas of {run_dir} are running already.")
    if check_mode:
        planned = [
            {"replica": kind, "index": index, "host": None, "pid": None}
            for kind, count in (("ps", params["ps"]), ("worker", params["workers"]))
            for index in range(count)
        ]
        return _result(run_dir, before=[], after=planned, msg=f"{size} would be started for {run_dir}.")
    launcher = Launcher(
        # A program of one's own needs no TensorFlow in its launcher.
        python=sys.executable if params["command"] else os.path.abspath(params["python"]),
        source_dir=os.path.abspath(params["source_dir"]),
        owner_pid=params["owner_pid"],
    )
    state = launcher.start(_request(run_dir, params))
    result = _result(run_dir, before=[], after=state["replicas"], msg=f"{size} were started for {run_dir}.")
    return result | _warnings(state["network"]["refused"])


def _warnings(refused: str) -> dict[str, list[str]]:
    """The same words for every run, so that a playbook shows them once."""
    if not refused:
        return {}
    return {
        "warnings": [
            f"The kernel gives replicas no separate network ({refused}), so everybody who reaches this machine reaches them:"
            " close their ports from outside (training_port_range), as README tells under Limits, or say training_network=host"
            " where nobody else does."
        ]
    }


def _request(run_dir: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_dir": run_dir,
        "ps": params["ps"],
        "workers": params["workers"],
        "argv": [str(word) for word in params["command"]] or flags(params["trainer_args"]),
        "command": bool(params["command"]),
        "env": words(params["env"]),
        "environment": words(params["environment"]),
        "chief": params["chief"],
        "arrivals": params["arrivals"],
        "threads": params["threads"],
        "cpus": params["cpus"],
        "port_range": params["port_range"],
        "network": params["network"],
        "cwd": os.getcwd(),
    }


def _remove(folder: str, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    groups = list(groups_under(folder))
    held.check(params, f"run_dir {folder}", held.above([group.run_dir for group in groups], params))
    living = [replica for group in groups for replica in group.living()]
    changed = bool(living)
    if not check_mode:
        changed = [group.remove() for group in groups].count(True) > 0
    if not changed:
        return _result(folder, before=[], after=[], msg=f"No replica runs for {folder}.")
    verb = "would be stopped" if check_mode else "were stopped"
    msg = f"{counted(len(living), 'replica')} of {folder} {verb}."
    return {**_result(folder, before=living, after=[], msg=msg), "changed": True}


def _result(
    run_dir: str, *, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], msg: str
) -> dict[str, Any]:
    names = {side: list(map(_name, replicas)) for side, replicas in (("before", before), ("after", after))}
    group = after or before
    return {
        "changed": names["before"] != names["after"],
        "group": {
            "run_dir": run_dir,
            "replicas": list(map(_name, group)),
            "hosts": [replica["host"] for replica in group if replica["host"]],
            "pids": [replica["pid"] for replica in group if replica["pid"]],
        },
        "diff": {side: {"run_dir": run_dir, "running": running} if running else {} for side, running in names.items()},
        "msg": msg,
    }


def _name(replica: Mapping[str, Any]) -> str:
    return f"{replica['replica']} {replica['index']}"
