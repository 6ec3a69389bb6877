# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous training, as in the thesis: each gradient is applied at once and is one global step."""

from __future__ import annotations

from typing import Any

from trainer.context import Context
from trainer.strategies import parameter_server


class Asynchronous:
    """No worker waits for another."""

    def minimise(self, optimizer: Any, loss: Any, global_step: Any) -> Any:
        return optimizer.minimize(loss, global_step=global_step)

    def initialise(self, session: Any) -> None:
        """Do nothing: the variables are all that workers share."""

    def join(self, session: Any) -> None:
        """Do nothing: a worker needs no preparation."""


def train(context: Context) -> None:
    parameter_server.train(context, lambda _context: Asynchronous())
