# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a list or mapping that may come as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import structure

DOCUMENTATION = r"""
name: structure
short_description: A list or mapping that may come as text
version_added: 0.4.0
description:
  - Reads the text of YAML as which a survey or C(-e name=value) gives a list or a mapping. Whatever else is given stays as it is.
  - The text means what it means in an inventory, so that C(no) is false and C(1e3) a word.
positional: _input
options:
  _input:
    description: A list, a mapping, or either of them as text.
    type: raw
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show the ports as a mapping
  ansible.builtin.debug:
    msg: "{{ '{ps: 2222, worker: 2222}' | tfscale.study.structure }}"
"""

RETURN = r"""
_value:
  description: The list or mapping.
  type: raw
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"structure": structure}
