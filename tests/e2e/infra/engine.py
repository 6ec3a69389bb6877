# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker engine: the one that answers already, else Debian's, started by us beside everything else of the machine.

Usage: python -m tests.e2e.infra.engine start | stop | env
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.infra.base import (
    HERE,
    InfraError,
    cache_root,
    install_packages,
    only_one,
    run,
    say,
    short_hash,
    step,
    succeeds,
)

CAP_SYS_RESOURCE = 24
# Several kubelets and systemds share the host's inotify limits.
SYSCTLS = {"fs/inotify/max_user_instances": 1024, "fs/inotify/max_user_watches": 524288}
START_SECONDS = 120
STOP_SECONDS = 120


def run_folder() -> Path:
    """Pid, socket and state of our engine: one for each cache, short enough for a socket's name."""
    return Path("/run") / f"tfscale-e2e-{short_hash(str(cache_root().resolve()))[:8]}"


def socket() -> str:
    return f"unix://{run_folder()}/docker.sock"


def lacks_sys_resource() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return not int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1
    return False


def answers(env: dict[str, str] | None = None) -> bool:
    return bool(shutil.which("docker")) and succeeds("docker", "version", "--format", "{{.Server.Version}}", env=env)


def our_pid() -> int | None:
    """The engine that we started, if it still runs: a pid file may outlive its process and name another one."""
    try:
        pid = int((run_folder() / "docker.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (OSError, ValueError):
        return None
    ours = Path(command[0]).name == "dockerd" and str(run_folder() / "daemon.json") in command
    return pid if ours else None


def environment() -> dict[str, str]:
    """What docker and kind need to find the engine. Debian's 20.10 has no BuildKit front end."""
    if our_pid() is not None:
        return {"DOCKER_HOST": socket(), "DOCKER_BUILDKIT": "0"}
    return {}


def _raise_sysctls() -> None:
    for name, wanted in SYSCTLS.items():
        path = Path("/proc/sys") / name
        if int(path.read_text()) < wanted:
            path.write_text(f"{wanted}\n")


def _write_configuration(folder: Path) -> Path:
    settings: dict[str, object] = {
        "data-root": str(cache_root() / "docker"),
        "exec-root": str(folder / "exec"),
        "pidfile": str(folder / "docker.pid"),
        "hosts": [socket()],
        "log-level": "warn",
        # Nothing restarts by itself after an engine that ended badly.
        "live-restore": False,
    }
    if lacks_sys_resource():
        # The engine serves all checkouts, and may outlive this one.
        program = shutil.copy(HERE / "runc_wrapper.py", folder)
        wrapper = folder / "runc"
        wrapper.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -I -S {program} "$@"\n')
        wrapper.chmod(0o755)
        settings |= {"runtimes": {"tfscale": {"path": str(wrapper)}}, "default-runtime": "tfscale"}
    path = folder / "daemon.json"
    path.write_text(json.dumps(settings, indent=1))
    return path


def start() -> dict[str, str]:
    """Return the environment in which docker answers; start an engine when none does."""
    with only_one("engine"):
        if our_pid() is None and answers():
            return {}
        if our_pid() is not None and answers(environment()):
            return environment()
        if os.geteuid() != 0:
            raise InfraError("No Docker engine answers. Start one (see DOCKER_HOST), or run as root, which starts one.")
        if not shutil.which("dockerd"):
            install_packages(["docker.io"], "No Docker engine is installed")
        with step("start the Docker engine"):
            env = _start()
            # Whatever an engine that was killed left running belongs to nobody any more.
            _sweep(env)
            return env


def _start() -> dict[str, str]:
    _raise_sysctls()
    folder = run_folder()
    folder.mkdir(mode=0o711, exist_ok=True)
    if our_pid() is None:
        # dockerd refuses to start when another process has the pid that an earlier engine left in this file.
        (folder / "docker.pid").unlink(missing_ok=True)
        _reap(folder)
    if not (folder / "forward-policy").exists():
        # Else an engine of ours that was killed left this folder, and has already changed the policy.
        (folder / "forward-policy").write_text(_forward_policy())
    configuration = _write_configuration(folder)
    log = folder / "dockerd.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["dockerd", "--config-file", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + START_SECONDS
    env = {"DOCKER_HOST": socket()}
    while not answers(env):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text().splitlines()[-20:])
            if process.poll() is None:
                process.terminate()
            raise InfraError(f"dockerd did not answer on {socket()} ({log}):\n{tail}")
        time.sleep(0.2)
    return environment()


def stop() -> None:
    """Stop the engine that we started; one that was there before us stays as it is."""
    with only_one("engine"):
        pid = our_pid()
        if pid is None:
            return
        env = environment()
        if run("docker", "ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster", env=env):
            say("another cluster still runs on our Docker engine, so it stays; the last one to leave stops it")
            return
        with step("stop the Docker engine"):
            _sweep(env)
            _end(pid)
            _restore_network()
            # dockerd mounts its folder on itself, and one that was killed does not take that back.
            points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
            for _mount in range(points.count(str(cache_root() / "docker"))):
                succeeds("umount", cache_root() / "docker")
            shutil.rmtree(run_folder(), ignore_errors=True)


def _reap(folder: Path) -> None:
    """End the containers that a killed engine of ours left: with them alive its successor starts slowly or not at all.

    Each has a shim whose command line names our folder; the shim's child is the first process of the container.
    """
    shims = {pid for pid, command in _processes("cmdline") if "containerd-shim" in command and f"{folder}/" in command}
    children = {pid for pid, stat in _processes("stat") if int(stat.rpartition(")")[2].split()[1]) in shims}
    for pid in (*children, *shims):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if shims:
        say(f"ended {len(children)} containers that an engine which was killed had left")
        time.sleep(1)


def _processes(file: str) -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob(f"[0-9]*/{file}"):
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_text(errors="replace")


def _sweep(env: dict[str, str]) -> None:
    """Remove what clusters leave: containers, volumes, the network; images stay, as the cache."""
    containers = run("docker", "ps", "--all", "--quiet", env=env).split()
    if containers:
        run("docker", "rm", "--force", "--volumes", *containers, env=env)
    succeeds("docker", "volume", "prune", "--force", env=env)
    succeeds("docker", "network", "prune", "--force", env=env)
    # Images without a name are the cache of builds; those that no build has renewed for a week only take up disk.
    succeeds("docker", "image", "prune", "--force", "--filter", "until=168h", env=env)


def _forward_policy() -> str:
    match = re.search(r"^:FORWARD (\w+)", run("iptables-save", "-t", "filter"), re.MULTILINE)
    return match[1] if match else "ACCEPT"


def _restore_network() -> None:
    """Take back what dockerd leaves in the host's network: its bridge, its rules, and a policy that drops the rest."""
    succeeds("ip", "link", "delete", "docker0")
    policy = (run_folder() / "forward-policy").read_text().strip()
    lines = [line for line in run("iptables-save").splitlines() if "DOCKER" not in line and "docker0" not in line]
    rules = re.sub(r"^:FORWARD \w+", f":FORWARD {policy}", "\n".join(lines), flags=re.MULTILINE)
    run("iptables-restore", text=rules + "\n")


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while our_pid() == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise InfraError(f"dockerd (pid {pid}) did not end within {STOP_SECONDS} s and was killed.")
        time.sleep(0.1)


def main(argv: list[str]) -> int:
    actions = {"start": start, "stop": stop, "env": environment}
    if len(argv) != 1 or argv[0] not in actions:
        say(f"usage: engine {' | '.join(actions)}")
        return 2
    try:
        for name, value in (actions[argv[0]]() or {}).items():
            print(f"export {name}={value}")
    except InfraError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
