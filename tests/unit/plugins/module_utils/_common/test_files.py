# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all, with the rights that the umask leaves, also on a disk that is full."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common import files

from tests.fixtures.disk import ROOM, SMALL, fill, small_disk

Write = Callable[[Path, bytes], None]


@pytest.fixture(params=[0o022, 0o027, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("write", [files.replace, files.create])
def test_writing_leaves_rights_to_the_umask(tmp_path: Path, umask: int, write: Write) -> None:
    write(tmp_path / "one", b"text")
    assert mode_of(tmp_path / "one") == 0o666 & ~umask
    assert (tmp_path / "one").read_bytes() == b"text"


def test_replace_keeps_a_secret_for_its_owner(tmp_path: Path, umask: int) -> None:
    files.replace(tmp_path / "one", b"text", secret=True)
    assert mode_of(tmp_path / "one") == 0o600 & ~umask


def test_replace_puts_the_new_in_the_place_of_the_old(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        files.replace(tmp_path / "one", content)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert (tmp_path / "one").read_bytes() == b"new"


@pytest.mark.parametrize("links", [True, False])
def test_create_leaves_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    files.create(tmp_path / "one", b"first")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "one", b"second")
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "dangling", b"second")
    assert (tmp_path / "one").read_bytes() == b"first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "one"]


@pytest.mark.parametrize("write", [files.replace, files.create])
def test_writing_on_a_full_disk_leaves_nothing_behind_and_works_again_with_room(tmp_path: Path, write: Write) -> None:
    with small_disk(tmp_path / "disk") as limit:
        disk = limit(size=SMALL)
        (disk / "kept").write_bytes(b"old")
        fill(disk)
        before = sorted(disk.iterdir())
        target = disk / ("kept" if write is files.replace else "made")
        with pytest.raises(OSError, match="No space left") as caught:
            write(target, b"x" * 5000)
        assert sorted(disk.iterdir()) == before
        assert (disk / "kept").read_bytes() == b"old"
        assert "no space is left in /here" in files.why(caught.value, "/here")
        limit(size=ROOM)
        write(target, b"x" * 5000)
        assert target.read_bytes() == b"x" * 5000


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left in /r (No space left on device); free some"),
        (errno.EDQUOT, "no space is left in /r (Disk quota exceeded); free some"),
        (errno.EACCES, "Permission denied; give /r its permissions, or another folder"),
        (errno.EROFS, "Read-only file system; give /r its permissions, or another folder"),
    ],
)
def test_why_says_what_to_do(number: int, words: str) -> None:
    assert files.why(OSError(number, os.strerror(number)), "/r").startswith(words)


MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:40 / /mnt/my\040share rw - nfs4 server:/export rw
31 27 0:41 / /mnt/disk rw - nfs4 server:/old rw
32 27 0:42 / /mnt/disk rw - xfs /dev/vdb rw
33 27 0:43 / /mnt/host rw - virtiofs host rw
""".strip()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/srv/results", True),
        ("/mnt", True),
        ("/mnt/my share/results", False),
        ("/mnt/my shared", True),
        ("/mnt/disk/results", True),
        ("/mnt/host", False),
        ("/proc/1", False),
    ],
)
def test_is_local_looks_at_the_nearest_mount(monkeypatch: pytest.MonkeyPatch, folder: str, expected: bool) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _path, **_options: MOUNTS)
    assert files.is_local(Path(folder)) is expected


def test_is_local_of_this_machine(tmp_path: Path) -> None:
    with small_disk(tmp_path / "a b") as limit:
        disk = limit(size=SMALL)
        assert files.is_local(disk)
    assert not files.is_local(Path("/proc"))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_locked_excludes_others_until_its_end(tmp_path: Path, kind: str) -> None:
    path, flags = (tmp_path / "new", os.O_RDWR | os.O_CREAT) if kind == "file" else (tmp_path, os.O_RDONLY)
    with files.locked(path, flags):
        other = os.open(path, os.O_RDONLY)
        assert not files.try_lock(other)
    assert files.try_lock(other)
    os.close(other)


def test_locked_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), files.locked(tmp_path, os.O_RDONLY):
        raise OSError(errno.ENOSPC, "full")
    with files.locked(tmp_path, os.O_RDONLY) as descriptor:
        assert not os.get_inheritable(descriptor)
