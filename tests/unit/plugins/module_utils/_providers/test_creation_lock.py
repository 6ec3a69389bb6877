# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark beside a half-made cluster: it outlives a killed maker and keeps a second one away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError
from ansible_collections.tfscale.study.plugins.module_utils._providers.creation_lock import Making

THING = "Kind cluster one of docker"


@pytest.fixture
def making(tmp_path: Path) -> Making:
    return Making(tmp_path / "folder" / "kubeconfig.making", THING)


def test_hold_leaves_nothing_behind(making: Making) -> None:
    with making.hold(seconds=1):
        making.begin()
        assert making.is_half
        making.end()
    assert not making.is_half
    assert not making.path.exists()


def test_hold_that_fails_half_way_is_known_as_such(making: Making) -> None:
    def interrupted() -> None:
        with making.hold(seconds=1):
            making.begin()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert Making(making.path, THING).is_half
    with making.hold(seconds=1):
        assert making.is_half
        making.end()
    assert not making.is_half


def test_hold_keeps_the_mark_until_it_is_ended(making: Making) -> None:
    with making.hold(seconds=1):
        making.begin()
    assert making.is_half


def test_hold_waits_for_another_and_then_gives_up(making: Making) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    other = Making(making.path, THING, clock=lambda: now[0], sleep=sleep)
    with making.hold(seconds=1):
        with (
            pytest.raises(BackendError, match=r"is held by another controller .* the same cluster: wait"),
            other.hold(seconds=3),
        ):
            pass
        assert now[0] >= 3


def test_hold_goes_on_when_the_other_has_ended(making: Making) -> None:
    first = making.hold(seconds=1)
    first.__enter__()

    def sleep(_seconds: float) -> None:
        first.__exit__(None, None, None)

    other = Making(making.path, THING, sleep=sleep)
    with other.hold(seconds=60):
        assert not other.is_half
        assert os.path.samestat(os.fstat(other.lock), other.path.stat())


def test_hold_lasts_as_long_as_a_program_that_was_given_the_lock(making: Making) -> None:
    with making.hold(seconds=1):
        making.begin()
        program = subprocess.Popen(["sleep", "60"], pass_fds=[making.lock])
    try:
        with pytest.raises(BackendError), Making(making.path, THING).hold(seconds=0):
            pass
    finally:
        program.kill()
        program.wait()
    with Making(making.path, THING).hold(seconds=10):
        assert making.is_half


def test_mark_outlives_a_maker_that_is_killed(making: Making) -> None:
    maker = (
        "import sys, os, signal\n"
        "from ansible_collections.tfscale.study.plugins.module_utils._providers.creation_lock import Making\n"
        "making = Making(*sys.argv[1:])\n"
        "with making.hold(seconds=1):\n"
        "    making.begin()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[5] / "collections"
    command = [sys.executable, "-c", maker, str(making.path), THING]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    assert ended.returncode == -signal.SIGKILL
    with making.hold(seconds=1):
        assert making.is_half


@pytest.mark.parametrize(
    "text", ["", "being made\n", "notes of mine\n", "tfscale.study, Kind cluster two of docker: half\n"]
)
def test_hold_leaves_a_file_that_is_no_mark_of_this_cluster(making: Making, text: str) -> None:
    making.path.parent.mkdir()
    making.path.write_text(text)
    assert not making.is_half
    with pytest.raises(
        BackendError, match=r"kubeconfig\.making is needed as a mark, but it is not ours for this cluster"
    ):
        making.check()
    with pytest.raises(BackendError, match="is not ours for this cluster"), making.hold(seconds=0):
        pass
    assert making.path.read_text() == text


def test_hold_follows_no_link(making: Making, tmp_path: Path) -> None:
    making.path.parent.mkdir()
    making.path.symlink_to(tmp_path / "target")
    for target in (None, "tfscale.study, Kind cluster one of docker: held\n"):
        if target:
            (tmp_path / "target").write_text(target)
        with pytest.raises(BackendError, match="is not ours"), making.hold(seconds=60):
            pass
    assert making.path.is_symlink()
    assert (tmp_path / "target").exists()


def test_hold_waits_for_the_mark_of_one_who_is_just_making_it(making: Making) -> None:
    making.path.parent.mkdir()
    making.path.touch()

    def sleep(_seconds: float) -> None:
        making.path.unlink()

    with Making(making.path, THING, sleep=sleep).hold(seconds=60):
        assert making.path.read_text().startswith("tfscale.study, ")
