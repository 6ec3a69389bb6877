# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced and removed with their cluster, and those that are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._providers import kubeconfig

OWN: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "one", "cluster": {"server": "https://one"}}],
    "users": [{"name": "one", "user": {"token": "own"}}],
    "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    "current-context": "one",
}
FLOW = "{{kind: Config, clusters: [{{name: {0}}}], users: [{{name: {0}}}], contexts: [{{name: {0}}}]}}"


def merged(key: str, **more: Any) -> str:
    return json.dumps({**OWN, key: [*OWN[key], {"name": "two"}], **more})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OWN),
        json.dumps(OWN, indent=1),
        yaml.safe_dump(OWN),
        json.dumps({**OWN, "current-context": "", "preferences": {}}),
        FLOW.format("one"),
        "# mine\n" + yaml.safe_dump(OWN, default_style='"'),
    ],
)
def test_check_takes_the_clusters_own_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    kubeconfig.check(tmp_path / "config", "one")
    kubeconfig.check(tmp_path / "none", "one")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no kubeconfig"),
        ("# nothing\n", "holds no kubeconfig"),
        ("notes of mine\n", "holds no kubeconfig"),
        ("- one\n", "holds no kubeconfig"),
        ("current-context: one\n", "holds no kubeconfig"),
        ('{"password": "x"}', "holds no kubeconfig"),
        (json.dumps({**OWN, "kind": "Pod"}), "holds no kubeconfig"),
        ("a: [b", "cannot be read"),
        ("a: !!python/object:os.system x\n", "cannot be read"),
        ("\x00", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        (f"{yaml.safe_dump(OWN)}---\n{yaml.safe_dump(OWN)}", "holds 2 documents"),
        (json.dumps({**OWN, "clusters": []}), "holds no kubeconfig"),
        (json.dumps({**OWN, "users": None}), "holds no kubeconfig"),
        (json.dumps({**OWN, "contexts": {"one": {}}}), "holds no kubeconfig"),
        (json.dumps({**OWN, "contexts": ["one"]}), "holds no kubeconfig"),
        (merged("clusters"), "knows two"),
        (merged("users"), "knows two"),
        (merged("contexts"), "knows two"),
        (json.dumps({**OWN, "current-context": "production"}), "knows production"),
        (merged("users", **{"current-context": ""}), "knows two"),
        (FLOW.format("two"), "knows two"),
        (FLOW.format("'two'"), "knows two"),
        (FLOW.format("1"), "knows 1"),
        (yaml.safe_dump({**OWN, "current-context": "two"}, default_style='"'), "knows two"),
        (f"clusters: [{{name: two}}]\n{yaml.safe_dump(OWN)}", "says clusters twice"),
        (FLOW.format("two, name: one"), "says name twice"),
    ],
)
def test_check_refuses_a_file_that_is_not_the_clusters_alone(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(
        InputError, match=f"cluster_kubeconfig is .*config', which {why}.*: give a file .*may be removed"
    ):
        kubeconfig.check(tmp_path / "config", "one")
    assert (tmp_path / "config").read_text() == text


def test_check_refuses_what_is_no_plain_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_text(json.dumps(OWN))
    (tmp_path / "config").symlink_to(tmp_path / "target")
    (tmp_path / "loose").symlink_to(tmp_path / "none")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name, why in {
        "config": "no plain",
        "loose": "no plain",
        "folder": "no plain",
        "pipe": "no plain",
        "bytes": "cannot",
    }.items():
        with pytest.raises(InputError, match=f"which (is )?{why}"):
            kubeconfig.check(tmp_path / name, "one")


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
