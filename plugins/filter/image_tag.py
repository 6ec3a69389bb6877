# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the trainer's image before it is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.plugin_utils.image_tag import image_tag

DOCUMENTATION = r"""
name: image_tag
short_description: Tag of the trainer's image
version_added: 0.2.0
description:
  - A hash of everything that decides what is in the image, which is the sources and what the build is told.
  - It is known before the image is built, so that runs can be planned, and the image is built only when it changes.
positional: _input
options:
  _input:
    description: Folder with C(docker) and C(trainer).
    type: path
    required: true
  arguments:
    description: Arguments of the build, by name. Empty ones do not count.
    type: dict
    default: {}
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show the tag
  ansible.builtin.debug:
    msg: "{{ (playbook_dir ~ '/..') | tfscale.study.image_tag(arguments={'BASE_IMAGE': 'python:3.12-slim'}) }}"
"""

RETURN = r"""
_value:
  description: Twelve hexadecimal digits.
  type: str
"""


def tag(source_dir: str, arguments: dict[str, str] | None = None) -> str:
    try:
        return image_tag(source_dir, arguments or {})
    except (InputError, OSError) as error:
        # Ansible would add the cause to the message once more.
        raise AnsibleFilterError(f"{error}.") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"image_tag": tag}
