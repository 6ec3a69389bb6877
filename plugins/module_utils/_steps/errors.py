# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a step says that it failed. PRIVATE, can break at any time."""

from __future__ import annotations

from typing import Any


class StepError(Exception):
    """The step failed. The text is one sentence for the user, the result what is known all the same."""

    def __init__(self, msg: str, **result: Any) -> None:
        super().__init__(msg)
        self.result = result
