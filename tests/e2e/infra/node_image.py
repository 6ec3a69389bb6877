# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image of a Kind node from Debian's packages and the programs built here, without any registry.

Usage: python -m tests.e2e.infra.node_image      prints the image's name
The image stays in the engine and, as a file, in the cache: an engine with new data loads it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
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
    say,
    short_hash,
    step,
    versions_key,
)
from tests.e2e.infra.images import (
    SEARCH_PATH,
    add_folder,
    add_link,
    add_programs,
    add_skeleton,
    add_text,
    docker,
    import_image,
    is_present,
    owned_by_root,
    remove_others,
)
from tests.e2e.infra.programs import programs
from tests.e2e.infra.rootfs import codename, rootfs

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
    sources = [(HERE / name).read_bytes() for name in ("node_image.py", "images.py", "rootfs.py", "node/pause.c")]
    return f"tfscale.test/node:v{KUBERNETES}-{short_hash(versions_key(), codename(), *parts, *sources)}"


def _saved(name: str) -> Path:
    return cache() / f"node-{name.rpartition('-')[2]}.tar"


def _add_component(archive: tarfile.TarFile, component: Component, base: Path, built: Path) -> None:
    add_skeleton(archive)
    if component.tools:
        add_programs(archive, base, TOOLS, (base / "usr/lib").glob("*/xtables/*.so"))
    if component.program:
        archive.add(built / component.program, f"usr/local/bin/{component.program}", filter=owned_by_root)


def _make_components(base: Path, built: Path) -> None:
    for component in COMPONENTS:
        changes = [f"ENV {SEARCH_PATH}"]
        if component.entrypoint:
            changes.append(f'ENTRYPOINT ["{component.entrypoint}"]')
        import_image(component.name, partial(_add_component, component=component, base=base, built=built), *changes)


def _add_node(archive: tarfile.TarFile, base: Path, built: Path) -> None:
    """Debian, then what lies over it; Docker refuses an archive that names a file twice."""
    over = {path.relative_to(NODE_FILES) for path in NODE_FILES.rglob("*")}
    dropped = {f"./{name}" for name in over if not (base / name).is_dir()}
    dropped |= {f"./{path.relative_to(base)}" for pattern in NEEDLESS_UNITS for path in base.glob(pattern)}
    dropped |= {"./var/lib/dbus/machine-id", "./etc/machine-id"}
    archive.add(base, ".", filter=lambda entry: None if entry.name in dropped else entry)
    for name in sorted(over):
        if not (base / name).is_dir():
            archive.add(NODE_FILES / name, name, recursive=False, filter=owned_by_root)
    for program in NODE_PROGRAMS:
        archive.add(built / program, f"usr/local/bin/{program}", filter=owned_by_root)
    for unit in ENABLED_UNITS:
        add_link(archive, f"etc/systemd/system/multi-user.target.wants/{unit}", f"/etc/systemd/system/{unit}")
    add_folder(archive, "etc/cni/net.d")
    add_text(archive, "etc/systemd/journald.conf.d/container.conf", "[Journal]\nReadKMsg=no\n")
    add_text(archive, "kind/version", f"v{KUBERNETES}")


def _load_components(container: str) -> None:
    """Put the images where the node's own containerd finds them, without unpacking: that needs a volume."""
    docker("exec", "--detach", container, "containerd")
    ctr = ("ctr", "--namespace", "k8s.io")
    docker("exec", container, "sh", "-c", "until ctr version >/dev/null 2>&1; do sleep 0.2; done", timeout=120)
    environment = {**os.environ, **engine.environment()}
    names = [component.name for component in COMPONENTS]
    load = [*ctr, "images", "import", "--all-platforms", "--no-unpack", "--digests", "-"]
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE, env=environment) as saving:
        done = subprocess.run(
            ["docker", "exec", "--interactive", container, *load],
            check=False,
            stdin=saving.stdout,
            capture_output=True,
            text=True,
            env=environment,
        )
    if done.returncode or saving.returncode:
        raise InfraError(f"The node's images could not be loaded into it: {done.stderr.strip()}")
    present = docker("exec", container, *ctr, "images", "list", "--quiet").split()
    if missing := set(names) - set(present):
        raise InfraError(f"The node lacks the images {', '.join(sorted(missing))} after loading.")
    docker("exec", container, "sh", "-c", "kill $(pidof containerd)")
    docker("exec", container, "sh", "-c", "while pidof containerd >/dev/null; do sleep 0.1; done", timeout=60)


@contextlib.contextmanager
def _sleeping(image: str) -> Iterator[str]:
    """A container of this image that does nothing; gone afterwards."""
    name = f"tfscale-making-{uuid.uuid4().hex[:8]}"
    # An image made from it inherits the signal that tells systemd to shut down.
    options = ("--detach", "--privileged", "--name", name, "--stop-signal", "SIGRTMIN+3", "--entrypoint", "sleep")
    docker("run", *options, image, "infinity")
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def _build(name: str) -> None:
    base, built = rootfs("node", NODE_PACKAGES), programs()
    plain = f"{name}-plain"
    with step("component images"):
        _make_components(base, built)
    with step("node image"):
        import_image(plain, lambda archive: _add_node(archive, base, built))
        with _sleeping(plain) as container:
            _load_components(container)
            start = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
            changes = (f"ENV {SEARCH_PATH}", "ENV container=docker", start, "CMD []")
            options = [word for change in changes for word in ("--change", change)]
            docker("commit", *options, container, name)
        docker("rmi", plain, *(component.name for component in COMPONENTS if component.name != TOOLBOX))
    with step("save the node image"):
        making = _saved(name).with_suffix(".making")
        docker("save", "--output", making, name)
        making.rename(_saved(name))
    for path in cache().glob("node-*.tar"):
        if path != _saved(name):
            path.unlink()
    remove_others(name)


def node_image() -> str:
    """Return the name of an image that the running engine has: the published one when it is named, else our own."""
    published = os.environ.get("KIND_NODE_IMAGE")
    if published:
        return published
    name = image_name()
    with only_one("node-image"):
        if is_present(name):
            return name
        if _saved(name).exists():
            with step("load the node image from the cache"):
                docker("load", "--input", _saved(name))
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
