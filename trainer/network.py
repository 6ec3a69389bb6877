# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of a run's replicas: the machine's own, or a network namespace that has only a loopback interface.

TensorFlow's servers listen on every address without authentication: any client can read and write files as their user.
The launcher stays in its own namespace. Its child creates the new one, finds free ports there and passes both to the launcher;
each replica enters the namespace first.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import random
import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

CHOICES = ("", "loopback", "host")
LOWEST_PORT = 10000

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
# capset(2): the version of its header, and three empty sets of 64 capabilities.
CAPABILITIES_VERSION, NO_CAPABILITIES = 0x20080522, bytes(24)

_libc = ctypes.CDLL(None, use_errno=True)


class LaunchError(Exception):
    """The run cannot start; the text is one sentence for the user."""


@dataclass(kw_only=True)
class Network:
    """The network of one run's replicas."""

    kind: str = "host"
    ports: list[int] = field(default_factory=list)
    # Descriptors of its namespaces: the user namespace, if there is one, before the network namespace.
    namespaces: list[int] = field(default_factory=list)
    # The kernel's reason for refusing a separate network.
    refused: str = ""

    def enter(self) -> None:
        for namespace in self.namespaces:
            _done(_libc.setns(namespace, 0))
        if len(self.namespaces) > 1:
            # Entering a user namespace grants all capabilities inside it; a replica needs none.
            _done(_libc.capset(struct.pack("=Ii", CAPABILITIES_VERSION, 0), NO_CAPABILITIES))

    def close(self) -> None:
        """Close the descriptors. The namespaces last as long as a process is inside."""
        while self.namespaces:
            os.close(self.namespaces.pop())


def of(count: int, port_range: str, *, alone: bool) -> Network:
    """Return a network with `count` free ports: a separate one if `alone`, and if the kernel allows it."""
    made = _make(count, port_range) if alone else Network()
    return made if made.ports else Network(ports=free_ports(count, port_range), refused=made.refused)


def _make(count: int, port_range: str) -> Network:
    """Create the namespaces in a child process, so that a failure half-way leaves the launcher unchanged."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its:
        pid = os.fork()
        if pid == 0:
            _be_maker(its, count, port_range)
        its.close()
        told, namespaces, _flags, _address = socket.recv_fds(ours, 1 << 20, 2)
        os.waitpid(pid, 0)
    answer = json.loads(told or b'{"refused": "its maker was killed"}')
    if "error" in answer:
        raise LaunchError(answer["error"])
    return Network(kind="loopback", namespaces=namespaces, **answer)


def _be_maker(to_launcher: socket.socket, count: int, port_range: str) -> NoReturn:
    """Run the child process; never return."""
    answer: dict[str, Any] = {}
    namespaces: list[int] = []
    try:
        try:
            kinds = _leave()
            answer["ports"] = free_ports(count, port_range)
            namespaces = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds]
        except OSError as error:
            answer["refused"] = error.strerror
        except LaunchError as error:
            answer["error"] = str(error)
        socket.send_fds(to_launcher, [json.dumps(answer).encode()], namespaces)
    finally:
        os._exit(0)


def _leave() -> tuple[str, ...]:
    """Move this process into a new network; return the kinds of its new namespaces.

    Root needs no user namespace, and inside one would lose access to the files of other users. Any other user keeps his
    identity by a map of one line, which the kernel allows him to write.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _done(_libc.unshare(CLONE_NEWNET))
    else:
        _done(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNET))
        for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_text(line, encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
    return ("user", "net") if user else ("net",)


def _done(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def free_ports(count: int, port_range: str) -> list[int]:
    """Bind `count` free ports at once, so that all differ; release them just before the replicas bind them."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for candidate in _candidates(port_range, count):
            if len(ports) == count:
                break
            listener = held.enter_context(socket.socket())
            try:
                listener.bind(("127.0.0.1", candidate))
                listener.listen(1)
            except OSError:
                continue
            ports.append(listener.getsockname()[1])
        if len(ports) < count:
            raise LaunchError(
                f"only {len(ports)} ports of {port_range or 'the system'} are free, but {count} replicas need one each;"
                " choose another range with training_port_range"
            )
    return ports


def _candidates(port_range: str, count: int) -> Iterable[int]:
    if not port_range:
        return _below_outgoing_ports(count)
    match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", port_range)
    first, last = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise LaunchError(
            f"training_port_range is {port_range!r}, but must be FIRST-LAST with ports from 1 to 65535, as in 20000-20100"
        )
    return range(first, last + 1)


def _below_outgoing_ports(count: int) -> Iterable[int]:
    """Return ports below the range of outgoing connections: none of these takes a port before the replica binds it."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    if lowest - LOWEST_PORT < 10 * count:
        return [0] * count
    return (random.randrange(LOWEST_PORT, lowest) for _attempt in range(100 * count))  # noqa: S311 - not a secret
