# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output that reads like a log: what the steps say, then the recap, then every error."""

from __future__ import annotations

DOCUMENTATION = r"""
name: story
type: stdout
short_description: Output that reads like a log
version_added: 0.1.0
description:
  - Shows what the steps of a study say, messages of M(ansible.builtin.debug), a recap, and every error at the very end.
  - With C(-v) it is the default callback.
extends_documentation_fragment:
  - default_callback
requirements:
  - set as C(stdout_callback) in the configuration
author:
  - tfscale.study contributors (@tfscale)
"""

from collections.abc import Callable
from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.tfscale.study.plugins.plugin_utils.interrupts import guard


def _when_verbose(method: Callable[..., None]) -> Callable[..., None]:
    def wrapped(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if self._display.verbosity:
            method(self, *args, **kwargs)

    return wrapped


class CallbackModule(Default):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "tfscale.study.story"

    v2_playbook_on_play_start = _when_verbose(Default.v2_playbook_on_play_start)
    v2_playbook_on_task_start = _when_verbose(Default.v2_playbook_on_task_start)
    v2_playbook_on_include = _when_verbose(Default.v2_playbook_on_include)
    v2_runner_on_skipped = _when_verbose(Default.v2_runner_on_skipped)
    v2_runner_item_on_ok = _when_verbose(Default.v2_runner_item_on_ok)
    v2_runner_item_on_failed = _when_verbose(Default.v2_runner_item_on_failed)
    v2_runner_item_on_skipped = _when_verbose(Default.v2_runner_item_on_skipped)

    def __init__(self) -> None:
        super().__init__()
        guard()
        self._errors: list[str] = []

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._display.verbosity:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings(result._result)
        if result._task.action in constants._ACTION_DEBUG:
            self._display.display(f"[{result._host.get_name()}] {result._result.get('msg', '')}")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._remember(result)
        if self._display.verbosity:
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._remember(result)
        if self._display.verbosity:
            super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._display.verbosity:
            super().v2_playbook_on_stats(stats)
        else:
            for host in sorted(stats.processed):
                self._display.display(f"[{host}] {_recap(stats.summarize(host))}")
        for error in self._errors:
            self._display.display(f"ERROR {error}", color=constants.COLOR_ERROR, stderr=True)

    def _remember(self, result: Any) -> None:
        """Keep the error for the end, where it is the last thing on the screen."""
        sentence = str(result._result.get("msg") or "failed without a message; run again with -v").strip()
        self._errors.append(f"[{result._host.get_name()}] {sentence}")


def _recap(summary: dict[str, int]) -> str:
    shown = {"ok": summary["ok"], "changed": summary["changed"]}
    shown |= {name: summary[name] for name in ("failures", "unreachable") if summary[name]}
    return " ".join(f"{name}={count}" for name, count in shown.items())
