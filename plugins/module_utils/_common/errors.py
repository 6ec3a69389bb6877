# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that reach a user as one sentence each. PRIVATE, can break at any time."""

from __future__ import annotations

from typing import Any


class InputError(Exception):
    """Bad input; the text is one sentence that names the variable, the value and what is allowed."""


class BackendError(Exception):
    """A run cannot be started, seen or ended; the text is one sentence for the user."""


class LedgerError(Exception):
    """The ledger cannot be used; the text is one sentence that names it and says what to do."""


class StepError(Exception):
    """The step failed. The text is one sentence for the user, the result what is known all the same."""

    def __init__(self, msg: str, **result: Any) -> None:
        super().__init__(msg)
        self.result = result
