# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules behave in check mode and diff mode."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Runs in check mode and returns what it would change, without changing it.
  diff_mode:
    description: Returns what changes in diff mode.
"""

    INFO = r"""
attributes:
  check_mode:
    description: Runs in check mode and returns what it would change, without changing it.
    support: full
    details: The module changes nothing, so check mode makes no difference.
  diff_mode:
    description: Returns what changes in diff mode.
    support: none
    details: The module changes nothing.
"""
