# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter's edge; what a text means is tested with what reads it."""

from __future__ import annotations

from ansible_collections.tfscale.study.plugins.filter.structure import FilterModule


def test_filter_reads_a_text() -> None:
    assert FilterModule().filters()["structure"]("{ps: 2222}") == {"ps": 2222}
