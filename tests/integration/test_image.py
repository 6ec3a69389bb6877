# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of each container engine, by programs that answer as docker 20.10 and podman 4.3 were recorded; tests/e2e has docker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.fixtures.playbook import ROOT, Playbook

DIGEST = "sha256:" + "0123456789abcdef" * 4
DOCKER = f"""
echo "The push refers to repository [registry.example.com/trainer]"
echo "80cdf2205342: Pushed"
echo "1: digest: {DIGEST} size: 528"
"""
# Its `image inspect` would tell the digest of the layers as it keeps them, which no registry has.
PODMAN = f"""
while [ $# -gt 1 ]; do if [ "$1" = --digestfile ]; then printf %s {DIGEST} >"$2"; fi; shift; done
"""


def playbook_of(folder: Path, tasks_from: str, script: str, engine: str = "docker") -> Playbook:
    """Tasks of the role, with an engine that writes down its words, a line for each call, and does as the script says."""
    program = folder / "bin" / engine
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/words\n{script}')
    program.chmod(0o755)
    tasks = [
        {"ansible.builtin.include_role": {"name": "tfscale.study.image", "tasks_from": tasks_from}},
        {"ansible.builtin.debug": {"msg": "expected {{ __image_expected | default('') }}"}},
    ]
    (folder / "tasks.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    variables = {"image_engine": engine, "training_image": "registry.example.com/trainer:1"}
    env = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    return Playbook(folder, variables, "inventories/local", env)


def test_build_leaves_an_image_that_bears_the_name(tmp_path: Path) -> None:
    playbook = playbook_of(tmp_path, "build.yml", "echo sha256:theirs")
    result = playbook.run(os.path.relpath(tmp_path / "tasks", ROOT / "playbooks"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "changed=0" in result.stdout
    [asked] = (tmp_path / "words").read_text().splitlines()
    assert asked.startswith("image inspect ")


@pytest.mark.parametrize(("engine", "script"), [("docker", DOCKER), ("podman", PODMAN)])
def test_push_tells_the_digest_that_the_registry_has(tmp_path: Path, engine: str, script: str) -> None:
    playbook = playbook_of(tmp_path, "deliver_push.yml", script, engine)
    result = playbook.run(os.path.relpath(tmp_path / "tasks", ROOT / "playbooks"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"expected {DIGEST}" in result.stdout
    assert "changed=1" in result.stdout
    assert (tmp_path / "words").read_text().split()[0] == "push"
    assert (tmp_path / "words").read_text().split()[-1] == "registry.example.com/trainer:1"
