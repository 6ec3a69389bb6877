# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a record comes from, and that a missing fact is no crash."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.records import provenance

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(root: Path, head: str, **files: str) -> Path:
    git = root / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text(head + "\n")
    for name, text in files.items():
        path = git / name.replace("__", "/").replace("packed_refs", "packed-refs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_collect_tells_this_machine_and_this_checkout() -> None:
    facts = provenance.collect()
    assert facts["collection_version"] == "0.3.0"
    assert facts["python"] == platform.python_version()
    assert facts["cpus"] == os.cpu_count()
    assert facts["kernel"] == platform.release()
    assert facts["memory_bytes"] > 0
    assert facts["packages"]["ansible-core"].startswith("2.")
    assert json.loads(json.dumps(facts)) == facts


def test_collect_holds_no_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_API_KEY", "a-secret-of-the-test")
    assert "a-secret-of-the-test" not in json.dumps(provenance.collect())


def test_collect_outside_of_a_collection_knows_no_version(tmp_path: Path) -> None:
    facts = provenance.collect(tmp_path)
    assert facts["collection_version"] is None
    assert facts["git_commit"] is None


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("MANIFEST.json", '{"collection_info": {"version": "1.2.3"}}', "1.2.3"),
        ("galaxy.yml", "---\nname: study\nversion: 0.1.0\n", "0.1.0"),
        ("galaxy.yml", "version: '0.1.0'  # soon more\n", "0.1.0"),
        ("galaxy.yml", "name: study\n", None),
        ("galaxy.yml", "version:\nname: study\n", None),
        ("galaxy.yml", "version_added: 3\n", None),
        ("MANIFEST.json", '{"collection_info": {}}', None),
        ("MANIFEST.json", "[]", None),
        ("MANIFEST.json", "{", None),
    ],
)
def test_collection_version(tmp_path: Path, name: str, text: str, version: str | None) -> None:
    (tmp_path / name).write_text(text)
    assert provenance.collection_version(tmp_path) == version


def test_git_commit_of_a_branch(tmp_path: Path) -> None:
    checkout(tmp_path, "ref: refs/heads/main", refs__heads__main=COMMIT)
    assert provenance.git_commit(tmp_path) == COMMIT


def test_git_commit_of_a_detached_head(tmp_path: Path) -> None:
    assert provenance.git_commit(checkout(tmp_path, COMMIT)) == COMMIT


def test_git_commit_of_a_packed_branch(tmp_path: Path) -> None:
    packed = f"# pack-refs with: peeled\n{'f' * 40} refs/heads/main-2\n{COMMIT} refs/heads/main\n"
    assert provenance.git_commit(checkout(tmp_path, "ref: refs/heads/main", packed_refs=packed)) == COMMIT


def test_git_commit_of_a_worktree(tmp_path: Path) -> None:
    main = checkout(tmp_path / "main", "ref: refs/heads/main", refs__heads__side=COMMIT)
    private = main / ".git/worktrees/side"
    private.mkdir(parents=True)
    (private / "HEAD").write_text("ref: refs/heads/side\n")
    (private / "commondir").write_text("../..\n")
    (tmp_path / "side").mkdir()
    (tmp_path / "side/.git").write_text(f"gitdir: {private}\n")
    assert provenance.git_commit(tmp_path / "side") == COMMIT


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none", "rubbish", "ref: "])
def test_git_commit_unknown(tmp_path: Path, head: str) -> None:
    assert provenance.git_commit(checkout(tmp_path, head)) is None


@pytest.mark.parametrize(
    ("pointer", "commit"), [("gitdir: elsewhere\n", COMMIT), ("gitdir: nowhere\n", None), ("\xff\x00", None)]
)
def test_git_commit_where_git_is_a_file(tmp_path: Path, pointer: str, commit: str | None) -> None:
    (tmp_path / ".git").write_text(pointer, encoding="latin-1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/HEAD").write_text(COMMIT)
    assert provenance.git_commit(tmp_path) == commit


def test_package_versions_leaves_out_what_is_not_installed() -> None:
    assert list(provenance.package_versions(["pytest", "no-such-package"])) == ["pytest"]
