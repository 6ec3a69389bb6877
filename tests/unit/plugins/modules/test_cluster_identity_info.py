# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.modules import cluster_identity_info

from tests.fixtures.modules import run


def test_main_fails_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(cluster_identity_info.main, capsys, kubeconfig=str(tmp_path / "none"))
    assert result["failed"] is True
    assert "cannot be used: " in result["msg"]
