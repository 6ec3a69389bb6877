# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which labels a study's objects are known in a cluster. PRIVATE, can break at any time.

The manifests of role training (plugin_utils/replicas.py) carry the same.
"""

from __future__ import annotations

MANAGED = {"app.kubernetes.io/managed-by": "tfscale.study"}
STUDY = "tfscale.study/study"
RUN = "tfscale.study/run"
ATTEMPT = "tfscale.study/attempt"
REPLICA = "tfscale.study/replica"
# Of a run that ends with its chief, which is then the value.
ENDS = "tfscale.study/ends"
# Of a long-running training, which belongs to no study.
TRAINING = "tfscale.study/training"
# Of a record of a ledger in the cluster.
RECORD = "tfscale.study/record"
