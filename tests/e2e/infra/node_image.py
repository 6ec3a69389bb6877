# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image of a Kind node from Debian's packages and the programs built here, without any registry.

Usage: python -m tests.e2e.infra.node_image      prints the image's name
The image stays in the engine and, as a file, in the cache: an engine with new data loads it.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.infra import engine
from tests.e2e.infra.base import (
    COREDNS,
    ETCD_TAG,
    HERE,
    KUBERNETES,
    PAUSE_TAG,
    InfraError,
    cache,
    only_one,
    run,
    say,
    short_hash,
    step,
    succeeds,
    versions_key,
)
from tests.e2e.infra.programs import programs
from tests.e2e.infra.rootfs import closure, codename, rootfs

NODE_FILES = HERE / "node" / "rootfs"
NODE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "mount", "kmod", "procps", "util-linux", "bash"),
    *("iptables", "nftables", "iproute2", "conntrack", "ethtool", "ca-certificates", "curl", "jq", "pigz", "e2fsprogs"),
    *("containerd", "runc", "containernetworking-plugins"),
)
NODE_PROGRAMS = ("kubelet", "kubeadm", "kubectl", "crictl")
# Units that a machine needs and a container does not, and links that start what nobody asked for.
NEEDLESS_UNITS = (
    "etc/systemd/system/*.wants/*",
    *(f"usr/lib/systemd/system/{target}.target.wants/*" for target in ("multi-user", "local-fs", "basic")),
    *(f"usr/lib/systemd/system/sockets.target.wants/*{name}*" for name in ("udev", "initctl")),
    "usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
)
ENABLED_UNITS = ("containerd.service", "kubelet.service")
TOOLS = (
    *("sh", "cat", "cp", "date", "id", "ls", "mkdir", "mv", "rm", "sleep", "hostname", "head", "stat", "env", "getent"),
    *("cmp", "awk", "grep", "sed", "curl", "jq", "ip", "conntrack"),
    *("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"),
)
TOOLBOX = "tfscale.test/toolbox:1"
SEARCH_PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin"


@dataclass(frozen=True)
class Component:
    """An image inside the node: one program, with or without the tools beside it."""

    name: str
    program: str = ""
    tools: bool = False
    entrypoint: str = ""


COMPONENTS = (
    *(
        Component(f"registry.k8s.io/{name}:v{KUBERNETES}", name)
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ),
    Component(f"registry.k8s.io/kube-proxy:v{KUBERNETES}", "kube-proxy", tools=True),
    Component(f"registry.k8s.io/etcd:{ETCD_TAG}", "etcd"),
    Component(f"registry.k8s.io/coredns/coredns:v{COREDNS}", "coredns", entrypoint="/usr/local/bin/coredns"),
    Component(f"registry.k8s.io/pause:{PAUSE_TAG}", "pause", entrypoint="/usr/local/bin/pause"),
    Component("tfscale.test/local-path-provisioner:1", "local-path-provisioner"),
    Component(TOOLBOX, tools=True),
)


def image_name() -> str:
    """The name says the content: whatever goes into the image makes another name when it changes."""
    files = sorted(path for path in NODE_FILES.rglob("*") if path.is_file())
    parts = [content for path in files for content in (str(path.relative_to(NODE_FILES)), path.read_bytes())]
    sources = [Path(__file__).read_bytes(), (HERE / "rootfs.py").read_bytes(), (HERE / "node" / "pause.c").read_bytes()]
    return f"tfscale.test/node:v{KUBERNETES}-{short_hash(versions_key(), codename(), *parts, *sources)}"


def _saved(name: str) -> Path:
    return cache() / f"node-{name.rpartition('-')[2]}.tar"


def _docker(*words: str | Path, timeout: float = 600) -> str:
    return run("docker", *words, env=engine.environment(), timeout=timeout)


def _import(name: str, fill: Callable[[tarfile.TarFile], None], *changes: str) -> None:
    """Make an image of one layer from what `fill` writes."""
    options = [word for change in changes for word in ("--change", change)]
    command = ["docker", "import", *options, "-", name]
    environment = {**os.environ, **engine.environment()}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment) as process,
    ):
        with contextlib.suppress(BrokenPipeError), tarfile.open(fileobj=process.stdin, mode="w|") as archive:
            fill(archive)
        with contextlib.suppress(BrokenPipeError):
            process.communicate()
        said.seek(0)
        if process.returncode:
            raise InfraError(f"docker import of {name} ended with {process.returncode}: {said.read().strip()}")


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _folder(archive: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)


def _text(archive: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o644, len(text.encode())
    archive.addfile(entry, io.BytesIO(text.encode()))


def _add_tools(archive: tarfile.TarFile, base: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        _link(archive, name, f"usr/{name}")
    folders = [base / place for place in ("usr/bin", "usr/sbin")]
    programs = [f"/{folder.relative_to(base)}/{name}" for name in TOOLS for folder in folders if (folder / name).exists()]
    extensions = [f"/{path.relative_to(base)}" for path in (base / "usr/lib").glob("*/xtables/*.so")]
    for name in closure(base, [*programs, *extensions]):
        archive.add(base / name.lstrip("/"), name.lstrip("/"), recursive=False)


def _add_component(archive: tarfile.TarFile, component: Component, base: Path, built: Path) -> None:
    for name, mode in (("tmp", 0o1777), ("run", 0o755), ("etc", 0o755), ("usr/local/bin", 0o755)):
        _folder(archive, name, mode)
    _text(archive, "etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    _text(archive, "etc/nsswitch.conf", "hosts: files dns\n")
    if component.tools:
        _add_tools(archive, base)
    if component.program:
        archive.add(built / component.program, f"usr/local/bin/{component.program}", filter=_owned_by_root)


def _make_components(base: Path, built: Path) -> None:
    for component in COMPONENTS:
        changes = [f"ENV {SEARCH_PATH}"]
        if component.entrypoint:
            changes.append(f'ENTRYPOINT ["{component.entrypoint}"]')
        _import(component.name, lambda archive, made=component: _add_component(archive, made, base, built), *changes)  # type: ignore[misc]


def _add_node(archive: tarfile.TarFile, base: Path, built: Path) -> None:
    """Debian, then what lies over it; Docker refuses an archive that names a file twice."""
    over = {path.relative_to(NODE_FILES) for path in NODE_FILES.rglob("*")}
    dropped = {f"./{name}" for name in over if not (base / name).is_dir()}
    dropped |= {f"./{path.relative_to(base)}" for pattern in NEEDLESS_UNITS for path in base.glob(pattern)}
    dropped |= {"./var/lib/dbus/machine-id", "./etc/machine-id"}
    archive.add(base, ".", filter=lambda entry: None if entry.name in dropped else entry)
    for name in sorted(over):
        if not (base / name).is_dir():
            archive.add(NODE_FILES / name, name, recursive=False, filter=_owned_by_root)
    for program in NODE_PROGRAMS:
        archive.add(built / program, f"usr/local/bin/{program}", filter=_owned_by_root)
    for unit in ENABLED_UNITS:
        _link(archive, f"etc/systemd/system/multi-user.target.wants/{unit}", f"/etc/systemd/system/{unit}")
    _folder(archive, "etc/cni/net.d")
    _text(archive, "etc/systemd/journald.conf.d/container.conf", "[Journal]\nReadKMsg=no\n")
    _text(archive, "kind/version", f"v{KUBERNETES}")


def _load_components(container: str) -> None:
    """Put the images where the node's own containerd finds them, without unpacking: that needs a volume."""
    _docker("exec", "--detach", container, "containerd")
    ctr = ("ctr", "--namespace", "k8s.io")
    _docker("exec", container, "sh", "-c", "until ctr version >/dev/null 2>&1; do sleep 0.2; done", timeout=120)
    environment = {**os.environ, **engine.environment()}
    names = [component.name for component in COMPONENTS]
    load = [*ctr, "images", "import", "--all-platforms", "--no-unpack", "--digests", "-"]
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE, env=environment) as saving:
        done = subprocess.run(
            ["docker", "exec", "--interactive", container, *load],
            stdin=saving.stdout,
            capture_output=True,
            text=True,
            env=environment,
        )
    if done.returncode or saving.returncode:
        raise InfraError(f"The node's images could not be loaded into it: {done.stderr.strip()}")
    present = _docker("exec", container, *ctr, "images", "list", "--quiet").split()
    if missing := set(names) - set(present):
        raise InfraError(f"The node lacks the images {', '.join(sorted(missing))} after loading.")
    _docker("exec", container, "sh", "-c", 'kill $(pidof containerd)')
    _docker("exec", container, "sh", "-c", "while pidof containerd >/dev/null; do sleep 0.1; done", timeout=60)


@contextlib.contextmanager
def _sleeping(image: str) -> Iterator[str]:
    """A container of this image that does nothing; gone afterwards."""
    name = f"tfscale-making-{uuid.uuid4().hex[:8]}"
    # An image made from it inherits the signal that tells systemd to shut down.
    options = ("--detach", "--privileged", "--name", name, "--stop-signal", "SIGRTMIN+3", "--entrypoint", "sleep")
    _docker("run", *options, image, "infinity")
    try:
        yield name
    finally:
        _docker("rm", "--force", "--volumes", name)


def _build(name: str) -> None:
    base, built = rootfs("node", NODE_PACKAGES), programs()
    plain = f"{name}-plain"
    with step("component images"):
        _make_components(base, built)
    with step("node image"):
        _import(plain, lambda archive: _add_node(archive, base, built))
        with _sleeping(plain) as container:
            _load_components(container)
            changes = (f"ENV {SEARCH_PATH}", "ENV container=docker", 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "CMD []")
            options = [word for change in changes for word in ("--change", change)]
            _docker("commit", *options, container, name)
        _docker("rmi", plain, *(component.name for component in COMPONENTS if component.name != TOOLBOX))
    with step("save the node image"):
        making = _saved(name).with_suffix(".making")
        _docker("save", "--output", making, name)
        making.rename(_saved(name))
    _forget_others(name)


def _forget_others(name: str) -> None:
    """Images of earlier sources only take up disk."""
    for path in cache().glob("node-*.tar"):
        if path != _saved(name):
            path.unlink()
    listed = _docker("images", "--format", "{{.Repository}}:{{.Tag}}", "tfscale.test/node").split()
    for other in set(listed) - {name}:
        succeeds("docker", "rmi", other, env=engine.environment())


def node_image() -> str:
    """Return the name of an image that the running engine has: the published one when it is named, else our own."""
    published = os.environ.get("KIND_NODE_IMAGE")
    if published:
        return published
    name = image_name()
    with only_one("node-image"):
        if succeeds("docker", "image", "inspect", name, env=engine.environment()):
            return name
        if _saved(name).exists():
            with step("load the node image from the cache"):
                _docker("load", "--input", _saved(name))
            return name
        _build(name)
    return name


def main() -> int:
    try:
        engine.start()
        print(node_image())
    except InfraError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
