# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every context of a kubeconfig as a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: contexts
short_description: Take the contexts of kubeconfigs as clusters of a study
version_added: 0.4.0
description:
  - Makes each context of one or more kubeconfigs a host of the inventory, named after the context, with C(cluster_provider=existing) and
    the kubeconfig and context by which it is reached. A study then runs on all of them.
  - The file of this plugin ends in C(contexts.yml) or C(contexts.yaml).
options:
  plugin:
    description: C(tfscale.study.contexts).
    required: true
    choices: [tfscale.study.contexts]
  kubeconfig:
    description:
      - Kubeconfigs, of which each may have several contexts. Empty are those of E(KUBECONFIG), else C(~/.kube/config).
      - A relative path is one from the inventory file.
    type: list
    elements: str
    default: []
  include:
    description: Patterns of the contexts to take, as in a shell.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Patterns of the contexts not to take.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - constructed
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
# inventories/mine/contexts.yml: all clusters of the kubeconfig but those for production
plugin: tfscale.study.contexts
exclude: ["*-production"]
compose:
  cluster_namespace: "'studies'"
keyed_groups:
  - key: cluster_server | urlsplit('hostname')
    prefix: at
"""

import os
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]
    NAME = "tfscale.study.contexts"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("contexts.yml", "contexts.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        taken: dict[str, str] = {}
        for file in self._files(Path(path).parent):
            for name, server in contexts(file):
                if not self._is_wanted(name):
                    continue
                if name in taken:
                    raise AnsibleParserError(
                        f"context {name} is in {taken[name]} and in {file}: rename one, or leave a kubeconfig out"
                    )
                taken[name] = str(file)
                self._add(name, file, server)
        if not taken:
            raise AnsibleParserError(
                f"{path}: include {self.get_option('include')} and exclude {self.get_option('exclude')} leave no context; give other patterns"
            )

    def _files(self, folder: Path) -> list[Path]:
        given = self.get_option("kubeconfig")
        if not given:
            found = os.environ.get("KUBECONFIG") or "~/.kube/config"
            return [Path(one).expanduser() for one in found.split(os.pathsep) if one]
        return [folder / Path(one).expanduser() for one in given]

    def _is_wanted(self, name: str) -> bool:
        def fits(option: str) -> bool:
            return any(fnmatchcase(name, pattern) for pattern in self.get_option(option))

        return fits("include") and not fits("exclude")

    def _add(self, name: str, file: Path, server: str) -> None:
        variables = {
            "cluster_provider": "existing",
            "cluster_kubeconfig": str(file.absolute()),
            "cluster_context": name,
            "cluster_server": server,
            "ansible_connection": "local",
            # No template: what an inventory plugin says is not trusted to be one.
            "ansible_python_interpreter": sys.executable,
        }
        self.inventory.add_host(name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def contexts(file: Path) -> Iterator[tuple[str, str]]:
    """Name and server's address of each context of a file."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnsibleParserError(
            f"kubeconfig {file} cannot be read: {error.strerror}; give others in kubeconfig"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AnsibleParserError(f"kubeconfig {file} is not YAML: give the files of kubectl in kubeconfig") from error
    try:
        servers = {one["name"]: one["cluster"]["server"] for one in document["clusters"] or []}
        found = [(str(one["name"]), servers.get(one["context"]["cluster"], "")) for one in document["contexts"] or []]
    except (TypeError, KeyError) as error:
        raise AnsibleParserError(
            f"kubeconfig {file} has no clusters and contexts: give the files of kubectl in kubeconfig"
        ) from error
    yield from found
