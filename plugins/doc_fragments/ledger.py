# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the records of a study are (open_ledger.LEDGER_ARG_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  ledger:
    description:
      - Storage of the records. V(files) means C(ledger.jsonl) in O(study_dir). V(cluster) means one ConfigMap per record in O(namespace).
      - In the cluster the last part of O(study_dir) names the study. Only O(ledger=cluster) needs the options of a cluster.
    type: str
    choices: [files, cluster]
    default: files
  namespace:
    description: Namespace of the ledger in the cluster.
    type: str
    default: tfscale
"""
