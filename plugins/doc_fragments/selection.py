# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records of a study count (_study/records/selection.py)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - jmespath (only with O(select))
options:
  select:
    description:
      - JMESPath expression over the list of a study's records, such as C([?spec.workers > `1`]). Only the records that it keeps count.
      - Empty keeps all.
    type: str
    default: ""
    version_added: 0.4.0
"""
