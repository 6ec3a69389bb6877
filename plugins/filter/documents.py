# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the documents of a rendered manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import documents

DOCUMENTATION = r"""
name: documents
short_description: The documents of a rendered manifest
version_added: 0.4.0
description:
  - Reads a text of YAML whose values were written by P(ansible.builtin.to_json#filter), whatever characters they hold.
  - P(ansible.builtin.from_yaml_all#filter) refuses an emoji there.
positional: _input
options:
  _input:
    description: The text.
    type: str
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show the names of what a template describes
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.template', 'run.yml.j2') | tfscale.study.documents | map(attribute='metadata.name') }}"
"""

RETURN = r"""
_value:
  description: The documents.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"documents": documents}
