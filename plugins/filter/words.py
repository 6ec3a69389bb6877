# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give containers YAML's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common import words as of

DOCUMENTATION = r"""
name: words
short_description: Values as the words that a container is given
version_added: 0.4.0
description:
  - What takes words only, such as environment variables, arguments and labels, gets V(true) for a truth of YAML, not Python's V(True),
    and nothing for V(null).
positional: _input
options:
  _input:
    description: A value, or the values of a dictionary or list.
    type: raw
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show what a container would be given
  ansible.builtin.debug:
    msg: "{{ {'ALLOW': true, 'SCALE': 1.5} | tfscale.study.words }}"
"""

RETURN = r"""
_value:
  description: The word, or a dictionary or list of words.
  type: raw
"""


def words(values: Any) -> str | list[str] | dict[str, str]:
    if isinstance(values, Mapping):
        return of.words(values)
    return [of.word(one) for one in values] if isinstance(values, (list, tuple)) else of.word(values)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"words": words}
