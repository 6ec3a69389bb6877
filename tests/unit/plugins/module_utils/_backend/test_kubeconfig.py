# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced and removed with their cluster, and those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backend import kubeconfig
from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError


@pytest.mark.parametrize(
    "text", ["", "current-context: one\n", 'current-context: ""\n', '{\n "current-context": "one"\n}', "clusters: []\n"]
)
def test_check_takes_the_clusters_own_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    kubeconfig.check(tmp_path / "config", "one")
    kubeconfig.check(tmp_path / "none", "one")


@pytest.mark.parametrize(
    "text", ["a: b\ncurrent-context: two\n", '{\n "kind": "Config",\n "current-context": "two"\n}']
)
def test_check_refuses_a_file_that_knows_another(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(InputError, match=r"cluster_kubeconfig is .*, which is not this cluster's alone"):
        kubeconfig.check(tmp_path / "config", "one")


def test_check_refuses_that_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="not this cluster's alone"):
        kubeconfig.check(tmp_path / ".kube/config", "one")


def test_write_tells_whether_it_wrote_and_lets_nobody_else_read(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert kubeconfig.write(path, "text\n")
    assert path.stat().st_mode & 0o077 == 0
    assert not kubeconfig.write(path, "text")
    assert kubeconfig.write(path, "other")
    assert [file.name for file in tmp_path.iterdir()] == ["config"]
