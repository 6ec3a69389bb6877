# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requirements of modules that reach a cluster; their options are those of kubernetes.core."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - kubernetes.core >= 6.2.0
  - kubernetes >= 24.2.0
attributes:
  action_group:
    description: Takes the defaults that C(module_defaults) sets for C(group/tfscale.study.study), such as the access to a cluster.
    support: full
    membership:
      - tfscale.study.study
"""
