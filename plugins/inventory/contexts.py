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
      - Kubeconfigs, of which each may have several contexts. What a context of one names and does not have is taken from the others,
        and two of them with a context of one name are refused.
      - Empty are those of E(KUBECONFIG), else C(~/.kube/config), merged as kubectl does it. The first file that has a name wins, and
        a file that is missing is passed over.
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
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import kubeconfigs
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.kubeconfigs import Kubeconfig, KubeconfigError


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]
    NAME = "tfscale.study.contexts"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("contexts.yml", "contexts.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        taken = False
        for name, files in self._contexts(Path(path).parent):
            if self._is_wanted(name):
                taken = True
                self._add(name, *kubeconfigs.reach(name, files))
        if not taken:
            raise AnsibleParserError(
                f"{path}: include {self.get_option('include')} and exclude {self.get_option('exclude')} leave no context; give other patterns"
            )

    def _contexts(self, folder: Path) -> Iterator[tuple[str, list[Kubeconfig]]]:
        """Each context, and the files in the order in which they are asked for what it names."""
        given = [folder / path for one in self.get_option("kubeconfig") for path in kubeconfigs.listed(one)]
        found = kubeconfigs.listed(os.environ.get("KUBECONFIG") or "~/.kube/config")
        try:
            files = [kubeconfigs.read(path) for path in given or kubeconfigs.there(found)]
        except KubeconfigError as error:
            raise AnsibleParserError(f"{error}; give the files of kubectl in kubeconfig") from error
        holders: dict[str, Kubeconfig] = {}
        for file in files:
            for name in file.contexts:
                if given and self._is_wanted(name) and holders.get(name, file) is not file:
                    raise AnsibleParserError(
                        f"context {name} is in {holders[name].path} and in {file.path}: rename one, or leave a kubeconfig out"
                    )
                holders.setdefault(name, file)
        if not holders:
            named = os.pathsep.join(map(str, given or found))
            raise AnsibleParserError(
                f"kubeconfig {named} has no clusters and contexts; give the files of kubectl in kubeconfig"
            )
        for name, file in holders.items():
            yield name, ([file, *(other for other in files if other is not file)] if given else files)

    def _is_wanted(self, name: str) -> bool:
        def fits(option: str) -> bool:
            return any(fnmatchcase(name, pattern) for pattern in self.get_option(option))

        return fits("include") and not fits("exclude")

    def _add(self, name: str, server: str, files: Sequence[Path]) -> None:
        variables = {
            "cluster_provider": "existing",
            "cluster_kubeconfig": os.pathsep.join(str(file.absolute()) for file in files),
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
