# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown that fits a pull request's comment: long lists are cut, and say what is left out. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .messages.catalogue import Catalogue

MOST = 65_000  # characters; a comment of GitHub has at most 65,536


@dataclass(frozen=True, kw_only=True)
class Block:
    """Lines that stand together: `head`, then `rows`, of which `first` are kept longest. `file` has them all."""

    head: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    first: frozenset[int] = frozenset()
    file: str = ""
    # Between two rows.
    gap: str = "\n"

    def shortened(self, most: int, say: Catalogue) -> str:
        """With at most this many rows, in their order."""
        if len(self.rows) <= most or not self.file:
            return self.gap.join([*self.head, *self.rows])
        order = sorted(range(len(self.rows)), key=lambda number: (number not in self.first, number))
        kept = [self.rows[number] for number in sorted(order[:most])]
        left = say("rows_left", n=len(self.rows) - len(kept), file=self.file)
        return "\n\n".join(filter(None, [self.gap.join([*self.head, *kept]) if kept else "", left]))


def fit(blocks: Sequence[Block], say: Catalogue, most: int = MOST) -> str:
    """All blocks as one text of at most `most` characters, with as many rows of each list as that allows."""

    def text(rows: int) -> str:
        return "\n\n".join(block.shortened(rows, say) for block in blocks) + "\n"

    low, high = 0, max((len(block.rows) for block in blocks), default=0)
    if len(whole := text(high)) <= most:
        return whole
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(text(middle)) <= most else (low, middle)
    return text(low)
