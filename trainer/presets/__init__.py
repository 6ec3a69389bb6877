# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to run the same training: as the thesis published it, and fast."""

from __future__ import annotations

from typing import Any, Protocol


class Trial(Protocol):
    """One worker's training: its graph is built by the constructor, then it runs in a session."""

    # Whether variables are spread by bytes, or dealt out in turn as by replica_device_setter.
    balanced: bool
    global_step: Any

    def initialise(self, session: Any) -> None:
        """Prepare what is this worker's own."""

    def train(self, session: Any) -> int:
        """Train until the target; return the global step then seen."""

    def close(self) -> None:
        """Put down what is still to be written."""

    def accuracy(self, session: Any) -> float:
        """Judge the current parameters by the whole test set."""


def load(name: str) -> type[Any]:
    if name == "thesis":
        from trainer.presets.thesis import Thesis

        return Thesis
    from trainer.presets.fast import Fast

    return Fast
