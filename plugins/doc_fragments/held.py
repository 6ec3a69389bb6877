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
      - Whether to delete it, or to change it for all users, although other controllers run studies there. V(false) fails and names
        each study, its holder and the time since when.
      - Such studies are found by the lock of their ledger (a Lease in the cluster, or a file in O(results_dir)), and with
        O(results_dir) also by running pods without a lock.
    type: bool
    default: false
    version_added: 0.4.0
  results_dir:
    description: Folder of studies whose ledgers are files. Empty means none.
    type: path
    default: ""
    version_added: 0.4.0
  part:
    description: Name of this cluster in those studies (its host in the inventory). Empty means all.
    type: str
    default: ""
    version_added: 0.4.0
  owner_pid:
    description: Process whose own studies do not block. The default is the process of C(ansible-playbook).
    type: int
    version_added: 0.4.0
"""
