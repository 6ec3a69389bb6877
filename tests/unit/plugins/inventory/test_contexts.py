# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts as hosts, by Ansible's own reader of inventories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader


def kubeconfig(path: Path, *names: str) -> Path:
    document = {
        "clusters": [{"name": f"c-{name}", "cluster": {"server": f"https://{name}:6443"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}", "user": "u"}} for name in names],
    }
    path.write_text(json.dumps(document))
    return path


def parsed(folder: Path, **options: Any) -> InventoryData:
    source = folder / "contexts.yml"
    source.write_text(yaml.safe_dump({"plugin": "tfscale.study.contexts", **options}))
    plugin = inventory_loader.get("tfscale.study.contexts")
    data = InventoryData()
    assert plugin.verify_file(str(source))
    plugin.parse(data, DataLoader(), str(source))
    return data


def test_parse_makes_a_host_of_each_context(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "east", "west")
    data = parsed(tmp_path, kubeconfig=["config"])
    assert sorted(data.hosts) == ["east", "west"]
    variables = data.hosts["west"].get_vars()
    assert (variables["cluster_provider"], variables["cluster_context"]) == ("existing", "west")
    assert (variables["cluster_kubeconfig"], variables["cluster_server"]) == (str(file), "https://west:6443")
    assert variables["ansible_connection"] == "local"


def test_parse_takes_what_patterns_leave_and_makes_groups(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "config", "a-test", "b-test", "a-production")
    data = parsed(
        tmp_path,
        kubeconfig=["config"],
        include=["a-*", "b-*"],
        exclude=["*-production"],
        compose={"cluster_namespace": "cluster_context ~ '-studies'"},
        keyed_groups=[{"key": "cluster_context[0]", "prefix": "team"}],
    )
    assert sorted(data.hosts) == ["a-test", "b-test"]
    assert data.hosts["a-test"].get_vars()["cluster_namespace"] == "a-test-studies"
    assert [host.name for host in data.groups["team_a"].get_hosts()] == ["a-test"]


def test_parse_without_a_kubeconfig_takes_that_of_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [kubeconfig(tmp_path / name, name) for name in ("one", "two")]
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, files)))
    data = parsed(tmp_path)
    assert {name: host.get_vars()["cluster_kubeconfig"] for name, host in data.hosts.items()} == {
        file.name: str(file) for file in files
    }


def apart(folder: Path) -> list[Path]:
    """One kubeconfig in three files."""
    parts: dict[str, Any] = {
        "clusters.yaml": {"clusters": [{"name": "c", "cluster": {"server": "https://east:6443"}}]},
        "contexts.yaml": {"contexts": [{"name": "east", "context": {"cluster": "c", "user": "u"}}]},
        "users.yaml": {"users": [{"name": "u", "user": {"token": "t"}}]},
    }
    for name, document in parts.items():
        (folder / name).write_text(yaml.safe_dump(document))
    return [folder / name for name in parts]


def test_parse_merges_files_as_kubectl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = apart(tmp_path)
    other = kubeconfig(tmp_path / "other", "east", "west")
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, [tmp_path / "gone", *files, other])))
    data = parsed(tmp_path)
    east, west = (data.hosts[name].get_vars() for name in ("east", "west"))
    assert (east["cluster_server"], east["cluster_kubeconfig"]) == ("https://east:6443", ":".join(map(str, files)))
    # The user `u` is the first file's that has one.
    assert (west["cluster_server"], west["cluster_kubeconfig"]) == ("https://west:6443", f"{files[2]}:{other}")


@pytest.mark.parametrize("together", [False, True], ids=["a list", "one text"])
def test_parse_of_files_given_apart_takes_from_the_others_what_one_lacks(tmp_path: Path, together: bool) -> None:
    clusters, contexts, users = apart(tmp_path)
    names = [path.name for path in (clusters, contexts, users)]
    given = parsed(tmp_path, kubeconfig=[":".join(map(str, (clusters, contexts, users)))] if together else names)
    variables = given.hosts["east"].get_vars()
    assert variables["cluster_server"] == "https://east:6443"
    assert variables["cluster_kubeconfig"] == f"{contexts}:{clusters}:{users}"


def test_parse_of_files_given_apart_leaves_each_its_own_cluster(tmp_path: Path) -> None:
    """kubeadm calls every cluster `kubernetes`."""
    for name in ("east", "west"):
        document = {
            "clusters": [{"name": "kubernetes", "cluster": {"server": f"https://{name}"}}],
            "contexts": [{"name": name, "context": {"cluster": "kubernetes", "user": "admin"}}],
            "users": [{"name": "admin", "user": {}}],
        }
        (tmp_path / name).write_text(yaml.safe_dump(document))
    data = parsed(tmp_path, kubeconfig=["east", "west"])
    for name in ("east", "west"):
        variables = data.hosts[name].get_vars()
        assert (variables["cluster_server"], variables["cluster_kubeconfig"]) == (
            f"https://{name}",
            str(tmp_path / name),
        )


def test_parse_with_no_file_of_kubectl_s_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/one:{tmp_path}/two")
    with pytest.raises(AnsibleParserError, match=r"kubeconfig .*/one:.*/two has no clusters and contexts; give"):
        parsed(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is not YAML"),
        ("[]", "has no clusters and contexts"),
        ("", "has no clusters and contexts"),
    ],
)
def test_parse_of_what_is_no_kubeconfig_gets_a_sentence(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "config").write_text(content)
    with pytest.raises(AnsibleParserError, match=told):
        parsed(tmp_path, kubeconfig=["config"])


def test_parse_refuses_two_contexts_of_one_name(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "one", "east")
    kubeconfig(tmp_path / "two", "east")
    with pytest.raises(AnsibleParserError, match=r"context east is in .*one and in .*two: rename one"):
        parsed(tmp_path, kubeconfig=["one", "two"])


def test_parse_with_patterns_that_leave_nothing_gets_a_sentence(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "config", "east")
    with pytest.raises(AnsibleParserError, match="leave no context; give other patterns"):
        parsed(tmp_path, kubeconfig=["config"], include=["west*"])
