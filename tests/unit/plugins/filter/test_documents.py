# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter's edge; what it reads is tested with what reads it."""

from __future__ import annotations

from ansible_collections.tfscale.study.plugins.filter.documents import FilterModule


def test_filter_reads_all_documents() -> None:
    assert FilterModule().filters()["documents"]("a: 1\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
