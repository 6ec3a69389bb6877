# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kind cluster for the end-to-end tests, with whatever it needs below it, and nothing left of it afterwards.

Usage: python -m tests.e2e.infra.cluster up [--name NAME] [--workers N]      prints `export` lines for a shell
       python -m tests.e2e.infra.cluster down [--name NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.infra import engine
from tests.e2e.infra.base import OUTPUT, ROOT, InfraError, run, say, search_path, short_hash, step, succeeds
from tests.e2e.infra.node_image import node_image
from tests.e2e.infra.programs import programs

CREATE_SECONDS = 900
# A busy machine may take minutes for what an idle one does in seconds.
READY_SECONDS = 600
ATTEMPTS = 2
# Ready nodes are not enough: after a start, names are resolved later than nodes are ready.
DEPLOYMENTS = (("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner"))


def default_name() -> str:
    """Two checkouts on one machine must not meet."""
    return f"tfscale-{short_hash(str(ROOT))[:6]}"


@dataclass(frozen=True)
class Cluster:
    """A cluster and how to reach it."""

    name: str

    @property
    def folder(self) -> Path:
        return OUTPUT / "e2e" / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def environment(self) -> dict[str, str]:
        """For a child process: which cluster, which engine, which programs."""
        # With a published node image the user's own kind and kubectl go first.
        path = os.environ["PATH"] if os.environ.get("KIND_NODE_IMAGE") else search_path()
        return {**engine.environment(), "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def kind(self, *words: str | Path, text: str | None = None, timeout: float = 300) -> str:
        return run(_program("kind"), *words, "--name", self.name, env=self.environment(), text=text, timeout=timeout)

    def kubectl(self, *words: str | Path, text: str | None = None, timeout: float = 120) -> str:
        return run(_program("kubectl"), *words, env=self.environment(), text=text, timeout=timeout)

    def exists(self) -> bool:
        return self.name in run(_program("kind"), "get", "clusters", env=self.environment()).split()


def _program(name: str) -> str | Path:
    """With a published node image the programs of PATH serve; those that are missing are built."""
    if os.environ.get("KIND_NODE_IMAGE") and (found := shutil.which(name)):
        return found
    return programs(name) / name


def configuration(workers: int) -> str:
    """What Kind shall make; JSON is YAML."""
    nodes = [{"role": "control-plane"}, *[{"role": "worker"}] * workers]
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {"ipFamily": "ipv4"},
            "nodes": nodes,
        }
    )


def up(name: str, workers: int, *, config: str | None = None) -> Cluster:
    """Create the cluster anew and wait until pods can be scheduled, resolve names and get volumes."""
    cluster = Cluster(name)
    with step(f"cluster {name} with {workers} workers, everything"):
        engine.start()
        image = node_image()
        cluster.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _create(cluster, image, config or configuration(workers))
                wait_until_ready(cluster)
                break
            except InfraError as error:
                diagnose(cluster, f"up-{attempt}")
                if attempt == ATTEMPTS:
                    delete(cluster)
                    engine.stop()
                    raise
                say(f"attempt {attempt} to create {name} failed and is made once more: {error}")
    return cluster


def _create(cluster: Cluster, image: str, config: str) -> None:
    delete(cluster)
    with step("kind create cluster"):
        # Retained on failure: its nodes' logs are what tells why.
        words = ("create", "cluster", "--retain", "--config", "-", "--image", image, "--kubeconfig", cluster.kubeconfig)
        cluster.kind(*words, text=config, timeout=CREATE_SECONDS)


def wait_until_ready(cluster: Cluster) -> None:
    """Pods can be scheduled, resolve names and get volumes."""
    limit = f"--timeout={READY_SECONDS}s"
    with step("nodes ready, names resolved, volumes served"):
        cluster.kubectl("wait", "node", "--all", "--for=condition=Ready", limit, timeout=READY_SECONDS + 60)
        for namespace, deployment in DEPLOYMENTS:
            words = ("--namespace", namespace, "rollout", "status", f"deployment/{deployment}", limit)
            cluster.kubectl(*words, timeout=READY_SECONDS + 60)
        _wait_for_default_account(cluster)


def _wait_for_default_account(cluster: Cluster) -> None:
    """No pod is admitted before its namespace has this."""
    deadline = time.monotonic() + READY_SECONDS
    while "default" not in cluster.kubectl("get", "serviceaccounts", "--namespace=default", "--output=name"):
        if time.monotonic() > deadline:
            raise InfraError(f"Cluster {cluster.name} made no service account in {READY_SECONDS} s.")
        time.sleep(0.5)


def diagnose(cluster: Cluster, occasion: str) -> Path:
    """Save what a person needs to see why it failed; never fails itself."""
    folder = cluster.folder / f"diagnostics-{occasion}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    looks: dict[str, tuple[str, ...]] = {
        "containers.txt": ("docker", "ps", "--all", "--no-trunc"),
        "nodes.yaml": ("kubectl", "get", "nodes", "--output=yaml", "--request-timeout=20s"),
        "pods.txt": ("kubectl", "get", "pods", "--all-namespaces", "--output=wide", "--request-timeout=20s"),
        "events.txt": ("kubectl", "get", "events", "--all-namespaces", "--request-timeout=20s"),
        "kind.txt": ("kind", "export", "logs", str(folder / "kind"), "--name", cluster.name),
    }
    for file, command in looks.items():
        try:
            program = command[0] if command[0] == "docker" else _program(command[0])
            text = run(program, *command[1:], env=cluster.environment(), timeout=180)
        except InfraError as error:
            text = str(error)
        (folder / file).write_text(text + "\n")
    log = engine.run_folder() / "dockerd.log"
    if log.exists():
        shutil.copy(log, folder)
    say(f"diagnostics are in {folder}")
    return folder


def delete(cluster: Cluster) -> None:
    # Kind says nothing about a cluster that does not exist.
    words = ("delete", "cluster", "--kubeconfig", cluster.kubeconfig)
    try:
        cluster.kind(*words, timeout=CREATE_SECONDS)
    except InfraError:
        # With cgroup v1 what a node's own runtime had frozen when the node was killed outlives SIGKILL.
        for state in Path("/sys/fs/cgroup/freezer/docker").glob("**/kubelet*/**/freezer.state"):
            state.write_text("THAWED")
        cluster.kind(*words, timeout=CREATE_SECONDS)


def down(name: str) -> None:
    """Remove the cluster, what it left in the engine, and the engine if it is ours."""
    cluster = Cluster(name)
    if engine.answers(engine.environment()):
        with step(f"delete cluster {name}"):
            delete(cluster)
            # Its volumes hold the node's images: a gigabyte each.
            succeeds("docker", "volume", "prune", "--force", env=engine.environment())
    cluster.kubeconfig.unlink(missing_ok=True)
    if cluster.folder.is_dir() and not any(cluster.folder.iterdir()):
        cluster.folder.rmdir()
    engine.stop()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--name", default=default_name())
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    try:
        if options.action == "down":
            down(options.name)
            return 0
        cluster = up(options.name, options.workers)
    except InfraError as error:
        say(str(error))
        return 1
    for name, value in cluster.environment().items():
        print(f"export {name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
