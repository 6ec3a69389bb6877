# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process for which a study or a training is held (options.OWNER_ARG_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  owner_pid:
    description:
      - Process that holds the study or the training. While it lives, other controllers are refused.
      - The action plugin takes the process of C(ansible-playbook). On another host the module has no default.
    type: int
"""
