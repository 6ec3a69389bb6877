# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real control plane as plain processes with simulated nodes (kwok): API behaviour and scale, without containers.

Usage: python -m tests.e2e.infra.controlplane start [--name NAME] [--nodes N]      prints `export` lines for a shell
       python -m tests.e2e.infra.controlplane stop [--name NAME]
Needs neither root nor an engine. Pods of Jobs complete by themselves; nothing runs in them.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

from tests.e2e.infra.base import OUTPUT, InfraError, run, say, search_path, step, succeeds
from tests.e2e.infra.programs import KWOK_STAGES, programs

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")
DEFAULT_NAME = "controlplane"
READY_SECONDS = 300
STOP_SECONDS = 30
# Without these the clients' own brakes, not the machine, would set the pace.
FAST_CLIENT = ("--kube-api-qps=500", "--kube-api-burst=1000", "--leader-elect=false", "--secure-port=0")
SIMULATED = "kwok.x-k8s.io/node"


@dataclass
class ControlPlane:
    """The processes of one control plane and how to reach it."""

    name: str = DEFAULT_NAME
    etcd_port: int = 0
    peer_port: int = 0
    api_port: int = 0
    kwok_port: int = 0
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def folder(self) -> Path:
        return OUTPUT / "e2e" / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def _state(self) -> Path:
        return self.folder / "processes.json"

    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": search_path()}

    def kubectl(self, *words: str | Path, text: str | None = None, timeout: float = 120) -> str:
        return run(programs("kubectl") / "kubectl", *words, env=self.environment(), text=text, timeout=timeout)

    def pids(self) -> dict[str, int]:
        """Name and pid of every process that we started and that still runs."""
        try:
            known = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return {}
        return {name: pid for name, (pid, born) in known.items() if _born(pid) == born}

    def start(self, nodes: int) -> None:
        built = programs(*PROGRAMS, KWOK_STAGES)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.etcd_port, self.peer_port, self.api_port, self.kwok_port = _free_ports(4)
        try:
            with step("control plane"):
                self._start_api(built)
                self._start_controllers(built)
            with step(f"{nodes} simulated nodes"):
                self.add_nodes(nodes)
        except BaseException:
            self.stop()
            raise

    def _start_api(self, built: Path) -> None:
        etcd, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        addresses = (f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}")
        more = ("--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", "--log-level", "error")
        self._launch("etcd", built, f"--data-dir={self.folder / 'etcd'}", *addresses, *more, "--unsafe-no-fsync")
        key = self.folder / "service-account.key"
        run("openssl", "genrsa", "-out", key, "2048")
        tokens = self.folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f"{self.token},admin,admin,system:masters\n")
        self._launch(
            "kube-apiserver",
            built,
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.api_port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
        )
        self._wait_for((self.folder / "certificates" / "apiserver.crt").exists, "API server's certificate")
        self._write_kubeconfig()
        self._wait_for(lambda: succeeds(built / "kubectl", "get", "--raw", "/readyz", env=self.environment()), "API")

    def _start_controllers(self, built: Path) -> None:
        access = f"--kubeconfig={self.kubeconfig}"
        key = f"--service-account-private-key-file={self.folder / 'service-account.key'}"
        authority = f"--root-ca-file={self.folder / 'certificates' / 'apiserver.crt'}"
        self._launch("kube-controller-manager", built, access, key, authority, *FAST_CLIENT)
        self._launch("kube-scheduler", built, access, *FAST_CLIENT)
        self._launch(
            "kwok",
            built,
            access,
            f"--config={built / KWOK_STAGES}",
            f"--manage-nodes-with-annotation-selector={SIMULATED}=fake",
            f"--server-address=127.0.0.1:{self.kwok_port}",
        )
        accounts = ("get", "serviceaccounts", "--namespace=default", "--output=name")
        self._wait_for(lambda: "default" in self.kubectl(*accounts), "default service account")

    def add_nodes(self, nodes: int, *, cpu: str = "32", memory: str = "256Gi") -> None:
        """Register simulated nodes and wait until the scheduler may use them."""
        capacity = {"cpu": cpu, "memory": memory, "pods": "110"}
        items = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": f"node-{index}",
                    "annotations": {SIMULATED: "fake"},
                    "labels": {"kubernetes.io/hostname": f"node-{index}", "kubernetes.io/os": "linux"},
                },
                "status": {"allocatable": capacity, "capacity": capacity},
            }
            for index in range(nodes)
        ]
        if items:
            self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            # One list at a time: `kubectl wait` asks for each node apart, which takes 20 s for a hundred.
            self._wait_for(lambda: self._ready_nodes() >= nodes, f"{nodes} simulated nodes")

    def _ready_nodes(self) -> int:
        listed = json.loads(self.kubectl("get", "nodes", "--output=json"))["items"]
        conditions = [condition for node in listed for condition in node["status"].get("conditions", ())]
        return sum(1 for condition in conditions if (condition["type"], condition["status"]) == ("Ready", "True"))

    def _write_kubeconfig(self) -> None:
        authority = str(self.folder / "certificates" / "apiserver.crt")
        server = {"server": f"https://127.0.0.1:{self.api_port}", "certificate-authority": authority}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.name, "cluster": server}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": "admin"}}],
            "current-context": self.name,
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(document, indent=1))

    def _launch(self, name: str, built: Path, *words: str) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [built / name, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        known = json.loads(self._state.read_text()) if self._state.exists() else {}
        known[name] = (process.pid, _born(process.pid))
        self._state.write_text(json.dumps(known))

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            known = json.loads(self._state.read_text())
            for name in set(known) - set(self.pids()):
                tail = "\n".join((self.folder / f"{name}.log").read_text().splitlines()[-15:])
                raise InfraError(f"{name} ended while waiting for the {what}:\n{tail}")
            if time.monotonic() > deadline:
                raise InfraError(f"The {what} was not there after {READY_SECONDS} s; see the logs in {self.folder}.")
            time.sleep(0.1)

    def stop(self) -> None:
        """End our processes, the last one started first, and remove their data; the logs stay until the next start."""
        pids = self.pids()
        for name in reversed(pids):
            os.kill(pids[name], signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while name in self.pids():
                if time.monotonic() > deadline:
                    os.kill(pids[name], signal.SIGKILL)
                time.sleep(0.05)
        for path in (self._state, self.kubeconfig, self.folder / "tokens.csv", self.folder / "service-account.key"):
            path.unlink(missing_ok=True)
        for folder in ("etcd", "certificates"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)


def _born(pid: int) -> int | None:
    """When a process began, in ticks since boot: tells it from a later one with its number. None: gone, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket()) for _index in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("--name", default=DEFAULT_NAME)
    parser.add_argument("--nodes", type=int, default=100)
    options = parser.parse_args(argv)
    plane = ControlPlane(options.name)
    try:
        if options.action == "stop":
            plane.stop()
            return 0
        plane.start(options.nodes)
    except InfraError as error:
        say(str(error))
        return 1
    for name, value in plane.environment().items():
        print(f"export {name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
