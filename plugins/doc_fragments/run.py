# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a run (options.RUN_ARG_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  run_id:
    description: Value of the label C(tfscale.study/run).
    type: str
  attempt:
    description: Value of the label C(tfscale.study/attempt). Needs O(run_id).
    type: int
"""
