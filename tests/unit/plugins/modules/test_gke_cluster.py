# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's edge: arguments in, one document out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.modules import gke_cluster

from tests.fixtures.google import PROJECT, ZONE, Google, key_file, serving
from tests.fixtures.modules import run


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, Any]]:
    with serving(Google()) as google:
        google.add("old")
        key = str(key_file(tmp_path, google.url))
        where = {"project": PROJECT, "location": ZONE, "service_account_file": key, "endpoint": google.url}
        yield {"name": "one", "kubeconfig": str(tmp_path / "one"), **where}


def test_main_in_check_mode_returns_what_is_documented(
    place: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(gke_cluster.main, capsys, **place, _ansible_check_mode=True)
    assert result["changed"] is True
    assert set(yaml.safe_load(gke_cluster.RETURN)) == set(result) - {"changed", "diff", "invocation"}


def test_main_absent_returns_the_leftovers_that_are_documented(
    place: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(gke_cluster.main, capsys, **place, state="absent")
    [leftover] = result["leftovers"]
    assert set(leftover) == set(yaml.safe_load(gke_cluster.RETURN)["leftovers"]["contains"])
    assert leftover["name"] == "old"


def test_main_fails_with_a_sentence(place: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result = run(gke_cluster.main, capsys, **{**place, "location": "Belgium"})
    assert result["failed"] is True
    assert result["msg"].startswith("cluster_gke_location is 'Belgium': give a zone")
