# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several files say together, held against kubectl where that is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.filter import current_context as current_filter
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.kubeconfigs import (
    KubeconfigError,
    current_context,
    listed,
    reach,
    read,
    there,
    without_empty,
)

KUBECTL = shutil.which("kubectl")


def config(**parts: Any) -> str:
    """clusters={name: server}, contexts={name: (cluster, user)}, users={name: token}, current=name"""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server}} for name, server in parts.get("clusters", {}).items()
            ],
            "contexts": [
                {"name": name, "context": {"cluster": cluster, "user": user}}
                for name, (cluster, user) in parts.get("contexts", {}).items()
            ],
            "users": [{"name": name, "user": {"token": token}} for name, token in parts.get("users", {}).items()],
            "current-context": parts.get("current", ""),
        }
    )


CLUSTERS = config(clusters={"c1": "https://one", "c2": "https://two"})
CONTEXTS = config(contexts={"one": ("c1", "u"), "two": ("c2", "u")}, current="two")
USERS = config(users={"u": "t"})
WHOLE = config(clusters={"c1": "https://whole"}, contexts={"one": ("c1", "u")}, users={"u": "w"}, current="one")

# The files, KUBECONFIG, each context's server and the files that reach it, the current context.
TABLE: dict[str, tuple[dict[str, str], str, dict[str, tuple[str, str]], str]] = {
    "apart": (
        {"a": CLUSTERS, "b": CONTEXTS, "c": USERS},
        "a:b:c",
        {"one": ("https://one", "abc"), "two": ("https://two", "abc")},
        "two",
    ),
    "apart the other way": (
        {"a": CLUSTERS, "b": CONTEXTS, "c": USERS},
        "c:b:a",
        {"one": ("https://one", "cba"), "two": ("https://two", "cba")},
        "two",
    ),
    "the first has each name": (
        {"a": CLUSTERS, "b": WHOLE},
        "a:b",
        {"one": ("https://one", "ab")},
        "one",
    ),
    "the first context": (
        {"a": CONTEXTS, "b": WHOLE},
        "a:b",
        {"one": ("https://whole", "ab"), "two": ("", "ab")},
        "two",
    ),
    "the first current context": ({"a": WHOLE, "b": CONTEXTS}, "a:b", {"one": ("https://whole", "a"), "two": ("", "ab")}, "one"),
    "no current context in the first": (
        {"a": CLUSTERS, "b": CONTEXTS},
        "a:b",
        {"one": ("https://one", "ab"), "two": ("https://two", "ab")},
        "two",
    ),
    "missing and empty ones": ({"a": WHOLE, "b": ""}, "gone::a:b:", {"one": ("https://whole", "a")}, "one"),
    "twice": ({"a": WHOLE}, "a:a", {"one": ("https://whole", "a")}, "one"),
    "one": ({"a": WHOLE}, "a", {"one": ("https://whole", "a")}, "one"),
    "none": ({}, "gone", {}, ""),
    "empty lists": (
        {"a": "clusters: null\ncontexts: []\ncurrent-context: ''\n", "b": WHOLE},
        "a:b",
        {"one": ("https://whole", "b")},
        "one",
    ),
    "a context without a cluster": ({"a": config(contexts={"one": ("gone", "u")})}, "a", {"one": ("", "a")}, ""),
}  # fmt: skip


def laid(folder: Path, files: dict[str, str], text: str) -> str:
    for name, content in files.items():
        (folder / name).write_text(content)
    return os.pathsep.join(str(folder / one) if one else "" for one in text.split(":"))


@pytest.mark.parametrize("case", TABLE)
def test_files_are_merged_as_kubectl_merges_them(tmp_path: Path, case: str) -> None:
    contents, text, contexts, current = TABLE[case]
    kubeconfig = laid(tmp_path, contents, text)
    files = [read(path) for path in there(listed(kubeconfig))]
    found = {}
    for name in {name: None for file in files for name in file.contexts}:
        server, paths = reach(name, files)
        found[name] = (server, "".join(path.name for path in paths))
    assert found == contexts
    assert next((file.current for file in files if file.current), "") == current


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not there to compare with")
@pytest.mark.parametrize("case", TABLE)
def test_the_table_is_kubectl_s(tmp_path: Path, case: str) -> None:
    contents, text, contexts, current = TABLE[case]
    env = {**os.environ, "KUBECONFIG": laid(tmp_path, contents, text)}
    command = [str(KUBECTL), "config", "view", "--raw", "--output=json"]
    view = json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)
    servers = {one["name"]: one["cluster"]["server"] for one in view["clusters"] or ()}
    said = {one["name"]: servers.get(one["context"]["cluster"], "") for one in view["contexts"] or ()}
    assert said == {name: server for name, (server, _files) in contexts.items()}
    assert view["current-context"] == current
    # The files that are told suffice: with them alone each context is the same.
    for name, (_server, files) in contexts.items():
        alone = {**env, "KUBECONFIG": os.pathsep.join(str(tmp_path / file) for file in files)}
        shown = [
            subprocess.run(
                [*command, "--minify", f"--context={name}"], env=one, check=False, capture_output=True, text=True
            ).stdout
            for one in (env, alone)
        ]
        assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not YAML"),
        ("[1]", "has no clusters and contexts"),
        ("text", "has no clusters and contexts"),
        ("clusters: 1", "has no clusters and contexts"),
        ("contexts: [1]", "has no clusters and contexts"),
        ("contexts: [{context: {}}]", "has no clusters and contexts"),
        ("contexts: [{name: a, context: 1}]", "has no clusters and contexts"),
        ("clusters: [{name: a}]", "has no clusters and contexts"),
    ],
)
def test_what_is_no_kubeconfig_is_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(KubeconfigError, match=f"^kubeconfig .*/a {told}"):
        read(tmp_path / "a")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("a:e", "a"),
        ("e:a:b:e", "a:b"),
        ("gone:e:b", "b"),
        ("a:b", ""),
        ("gone:a", ""),
        ("e", ""),
        ("e:broken", ""),
        ("", ""),
    ],
)
def test_without_empty_leaves_out_what_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, left: str
) -> None:
    monkeypatch.chdir(tmp_path)
    laid(tmp_path, {"a": WHOLE, "b": CONTEXTS, "e": "", "broken": "{"}, "")
    assert without_empty(given, {}) == left
    assert without_empty("", {"KUBECONFIG": given}) == left
    assert without_empty("", {"KUBECONFIG": "a", "K8S_AUTH_KUBECONFIG": given}) == left


@pytest.mark.parametrize(
    ("environ", "given", "context"),
    [
        ({"KUBECONFIG": "a:b"}, "", "one"),
        ({"KUBECONFIG": "b:a"}, "", "two"),
        ({"KUBECONFIG": "b"}, "a:b", "one"),
        ({"KUBECONFIG": "b:a", "K8S_AUTH_KUBECONFIG": "a:b"}, "", "one"),
        ({"KUBECONFIG": "a:b", "K8S_AUTH_CONTEXT": "two"}, "", ""),
        ({"KUBECONFIG": "a:c"}, "", ""),  # both say the same
        ({"KUBECONFIG": "a"}, "", ""),
        ({"KUBECONFIG": "gone:a"}, "", ""),
        ({"KUBECONFIG": "a:broken"}, "", ""),
        ({}, "", ""),
    ],
)
def test_current_context_is_kubectl_s_where_others_take_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], given: str, context: str
) -> None:
    monkeypatch.chdir(tmp_path)
    laid(tmp_path, {"a": WHOLE, "b": CONTEXTS, "c": WHOLE, "broken": "{"}, "")
    assert current_context(given, environ) == context
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert current_filter.FilterModule().filters()["current_context"](given) == context
