# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files whole or not at all, locks them, and names the remedy when neither is possible. PRIVATE, can break at any time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# What file systems say that know no second name of a file.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

# Kinds of file systems that one machine at a time mounts, and where the mount point stands in /proc/self/mountinfo.
_LOCAL = {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
_POINT = 4
# A space and the like in the name of a mount point.
_OCTAL = re.compile(r"\\(\d{3})")


def replace(path: Path, content: bytes, *, secret: bool = False) -> None:
    """In one step: a reader sees the old file or the new one. A secret is for its owner alone, all else as the umask says."""
    with draft(path, content, 0o600 if secret else 0o666) as whole:
        whole.replace(path)


def create(path: Path, content: bytes) -> None:
    """In one step, and of all who try it at once only one can; FileExistsError for the others. True on NFS as well."""
    with draft(path, content, 0o666) as whole:
        try:
            os.link(whole, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
            whole.replace(path)


@contextlib.contextmanager
def draft(path: Path, content: bytes, mode: int = 0o666) -> Iterator[Path]:
    """A file beside it, to be put into its place, that is gone in the end whatever happens."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield beside
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path, flags: int) -> Iterator[int]:
    """Descriptor of a file or folder, opened with these flags of os.open; one holder at a time, the others wait.

    The lock ends with the holder's process, however that ends. It excludes processes of this machine only: NFS does not
    pass it on to its server.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the same lock if it is free. It lasts until every copy of the descriptor is closed, in child processes too."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_room(folder: Path) -> None:
    """Raise OSError where the next file would not find any."""
    about = os.statvfs(folder)
    # Those that count nothing say 0 of 0.
    if about.f_blocks and not about.f_bavail:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def is_local(folder: Path) -> bool:
    """Whether it lies on a disk that no other machine writes to."""
    place, kind = os.path.realpath(folder), ""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    # The nearest point is the last of these, and of two at one point the later one.
    for fields in sorted(mounts, key=lambda fields: len(fields[_POINT])):
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[_POINT])
        if os.path.commonpath([place, point]) == point:
            kind = fields[fields.index("-") + 1]
    return kind in _LOCAL


def why(error: OSError, folder: str | Path) -> str:
    """What stands in the way of writing into a folder and what to do; it follows `... cannot be written: `."""
    if error.errno in NO_ROOM:
        return (
            f"no space is left in {folder} ({error.strerror}); free some and run the same again, which resumes where this"
            " ended"
        )
    return f"{error.strerror or error}; give {folder} its permissions, or another folder"
