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

from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "tfscale.study.story"

    def __init__(self) -> None:
        super().__init__()
        self._errors: list[str] = []

    def _loud(self) -> bool:
        return bool(self._display.verbosity)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._loud():
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._loud():
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._loud():
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._loud():
            super().v2_runner_on_ok(result)
        elif result._task.action in C._ACTION_DEBUG:
            self._display.display(f"[{result._host.get_name()}] {result._result.get('msg', '')}")

    def v2_runner_on_skipped(self, result: Any) -> None:
        if self._loud():
            super().v2_runner_on_skipped(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self._loud():
            super().v2_runner_on_failed(result, ignore_errors)
        if not ignore_errors:
            self._errors.append(f"[{result._host.get_name()}] {_sentence(result._result)}")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._errors.append(f"[{result._host.get_name()}] {_sentence(result._result)}")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if self._loud():
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if self._loud():
            super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._loud():
            super().v2_playbook_on_stats(stats)
        else:
            for host in sorted(stats.processed):
                summary = stats.summarize(host)
                shown = [f"{name}={summary[name]}" for name in ("ok", "changed", "failures", "unreachable") if summary[name] or name == "changed"]
                self._display.display(f"[{host}] " + " ".join(shown))
        for error in self._errors:
            self._display.display(f"ERROR {error}", color=C.COLOR_ERROR, stderr=True)


def _sentence(result: dict[str, Any]) -> str:
    return str(result.get("msg") or result.get("exception") or "failed without a message").strip()
