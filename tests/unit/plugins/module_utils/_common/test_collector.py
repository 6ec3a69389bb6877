# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector rests, and is as it was afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.collector import resting


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("enabled", [True, False])
def test_resting_leaves_the_collector_as_it_was(collector: None, enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with resting():
        assert not gc.isenabled()
    assert gc.isenabled() is enabled
