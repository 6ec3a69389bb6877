# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full the stations are."""

from __future__ import annotations

import pytest

from tests.fixtures import ledgers
from tests.fixtures.figures import figures_of, rows
from tests.fixtures.ledgers import SPEC, record, with_usage


def test_utilisation_shows_each_station_of_each_cell_and_from_when_on_it_is_full() -> None:
    made = with_usage(record(SPEC, 1, seconds=4.0), busy=0.9, own=0.9, ps=0.5, cpus=2)
    figure = figures_of([made])["utilisation"]
    shown = {row["station"]: row["used"] for row in rows(figure, "stations")}
    assert shown == pytest.approx({"processors": 0.9, "ps": 0.25})
    assert rows(figure, "full") == [{"used": 0.85}]
    assert "ps=1 workers=1: ps 25 % (ps 0)" in [row["told"] for row in rows(figure, "stations")]


def test_utilisation_of_runs_without_counters_has_no_figure() -> None:
    assert "utilisation" not in figures_of(ledgers.study([SPEC]))
