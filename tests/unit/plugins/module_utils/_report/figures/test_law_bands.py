# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws in the figure of training time against workers."""

from __future__ import annotations

import math
import random

import pytest

from tests.fixtures import ledgers
from tests.fixtures.figures import figures_of, layer, rows
from tests.fixtures.ledgers import record, space


def test_law_that_speaks_has_a_band_up_to_twice_the_largest_size() -> None:
    draw = random.Random(1)
    records = [
        record(spec, block, seconds=(6.0 / spec["workers"] + 1.0) * math.exp(draw.gauss(0.0, 0.01)))
        for block in range(1, 7)
        for spec in space(workers=[1, 2, 3, 4, 5, 6])
    ]
    figure = figures_of(records, resamples=200)["training-time-by-workers"]
    bands = rows(figure, "law_bands")
    assert all(row["low"] < row["y"] < row["high"] for row in bands)
    # The axis goes by doubling.
    assert layer(figure, "medians")["encoding"]["x"]["axis"]["values"][-1] == pytest.approx(math.log2(12))
    assert all("not measured" in row["told"] for row in rows(figure, "predicted"))
    assert len(rows(figure, "predicted")) == 6
    assert "Shaded" in figure.caption


@pytest.mark.parametrize(
    ("workers", "blocks", "why"), [([1, 2, 4], 4, "only 3 numbers"), ([1, 2, 3, 4], 2, "has 2 valid runs")]
)
def test_caption_says_why_no_law_speaks(workers: list[int], blocks: int, why: str) -> None:
    records = ledgers.study(space(workers=workers), blocks=blocks)
    figure = figures_of(records, resamples=50)["training-time-by-workers"]
    assert rows(figure, "law_bands") == []
    assert why in figure.caption


def test_caption_names_the_line_for_which_no_law_speaks() -> None:
    records = [
        record(spec, block, seconds=(6.0 / spec["workers"] + 1.0) * (1.0 + 0.001 * (block % 2)))
        for block in range(1, 5)
        for spec in space(ps=[1], workers=[1, 2, 3, 4, 5, 6]) + space(ps=[2], workers=[1, 2])
    ]
    caption = figures_of(records, resamples=50)["training-time-by-workers"].caption
    assert "Shaded" in caption
    assert "No law speaks for ps=2: only 2 numbers" in caption


def test_caption_with_no_room_for_all_reasons_leads_to_the_table() -> None:
    sizes = {1: [1, 2], 2: [1, 4], 3: [1, 8]}
    records = ledgers.study([spec for ps, workers in sizes.items() for spec in space(ps=[ps], workers=workers)])
    caption = figures_of(records, resamples=50)["training-time-by-workers"].caption
    assert "No law speaks for ps=1, ps=2 and ps=3: the table of laws says why" in caption
