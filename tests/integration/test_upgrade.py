# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks/upgrade.yml refuses before it touches a cluster; tests/e2e upgrades on a real one."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.playbook import Playbook, errors, hosts

BAD_INPUT = [
    ("upgrade_state", "gone", "give upgraded or rolled_back"),
    ("upgrade_strategy", "fast", "give rolling, recreate or canary"),
    ("upgrade_order", "any", "give ps_first or workers_first"),
    ("upgrade_max_slowdown", "5", "give a share below 1, such as 0.05 for 5 %, or nothing"),
    ("upgrade_cannot_tell", "maybe", "give roll_back or keep"),
]


def test_upgrade_bad_input_gets_a_sentence(tmp_path: Path) -> None:
    # Where nothing listens: only what is refused before the cluster is asked gets its own sentence.
    (tmp_path / "kubeconfig").write_text("{}")
    given = {"cluster_provider": "existing", "cluster_kubeconfig": str(tmp_path / "kubeconfig")}
    each = {variable.replace("_", "-"): {variable: value} for variable, value, _words in BAD_INPUT}
    many = hosts(tmp_path / "inventory", each, "inventories/kind")
    told = errors(Playbook(tmp_path, given, many, {}, seconds=120).run("upgrade"))
    for host, (variable, value, words) in zip(each, BAD_INPUT, strict=True):
        assert f"{variable} is '{value}': {words}" in told[host]


def test_upgrade_with_a_gate_leaves_the_training_its_nodes(tmp_path: Path) -> None:
    given = {"cluster_provider": "kind", "cluster_nodes_method": "recreate", "upgrade_max_slowdown": "0.05"}
    result = Playbook(tmp_path, given, "inventories/kind", {}, seconds=120).run("upgrade")
    assert result.returncode != 0
    assert "cluster_nodes_method is 'recreate', with which the gate would change the nodes" in result.stderr
