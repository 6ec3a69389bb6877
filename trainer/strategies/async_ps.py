# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous training, as in the thesis: each worker's gradient goes in at once, and each is one global step."""

from __future__ import annotations

from typing import Any

from trainer.context import Context
from trainer.strategies import parameter_server


class Asynchronous:
    """Nobody waits for anybody."""

    def minimise(self, optimizer: Any, loss: Any, global_step: Any) -> Any:
        return optimizer.minimize(loss, global_step=global_step)

    def initialise(self, session: Any) -> None:
        """Share nothing beyond the variables."""

    def join(self, session: Any) -> None:
        """Need nothing of its own."""


def train(context: Context) -> None:
    parameter_server.train(context, lambda _context: Asynchronous())
