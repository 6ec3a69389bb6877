# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to run the same training: as the thesis published it, and fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Trial(Protocol):
    """One worker's training: its graph is built by the constructor, then it runs in a session."""

    global_step: Any
    # Variables that a checkpoint leaves out, each with the one whose value it has.
    twins: Sequence[tuple[Any, Any]]

    def initialise(self, session: Any) -> None:
        """Prepare what is this worker's own."""

    def train(self, session: Any) -> int:
        """Train until the target; return the global step then seen."""

    def close(self) -> None:
        """Put down what is still to be written."""

    def parameters(self, session: Any) -> dict[str, Any]:
        """Return the current parameters by their names in the network, as arrays."""

    def accuracy(self, session: Any) -> float:
        """Judge the current parameters by the whole test set."""


def load(name: str) -> type[Any]:
    if name == "thesis":
        from trainer.presets.thesis import Thesis

        return Thesis
    from trainer.presets.fast import Fast

    return Fast
