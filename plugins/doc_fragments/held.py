# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules that remove or change something for all spare the studies of other controllers (held_studies.HELD_ARG_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  end_held:
    description:
      - Whether to remove it, or to change it for all, although other controllers run studies there. V(false) fails and names each
        study, who holds it and since when.
      - They are known by the lock of their ledger, a Lease in the cluster or a file in O(results_dir), and with O(results_dir) also
        by pods that run although neither is there.
    type: bool
    default: false
    version_added: 0.4.0
  results_dir:
    description: Folder of studies whose ledgers are kept in files. Empty is none.
    type: path
    default: ""
    version_added: 0.4.0
  part:
    description: Name by which those studies know this cluster (its host in the inventory). Empty means all of them.
    type: str
    default: ""
    version_added: 0.4.0
  owner_pid:
    description: Process whose own studies are no obstacle; by default that of C(ansible-playbook).
    type: int
    version_added: 0.4.0
"""
