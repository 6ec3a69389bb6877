# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the test cluster's infrastructure that need neither a cluster nor root."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.infra import base, controlplane, engine, programs, rootfs, runc_wrapper


def test_filled_interrupted_leaves_no_half(tmp_path: Path) -> None:
    def interrupted() -> None:
        with base.filled(tmp_path / "made") as folder:
            (folder / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_filled_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "made"
    target.mkdir()
    (target / "old").touch()
    with base.filled(target) as folder:
        (folder / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]


def test_run_failing_command_shows_its_last_words() -> None:
    with pytest.raises(base.InfraError, match=r"(?s)ended with 3:.*no such thing"):
        base.run("sh", "-c", "echo no such thing >&2; exit 3")


@pytest.mark.parametrize(("command", "seen"), [(("no-such-program",), "not installed"), (("sleep", "9"), "within 0 s")])
def test_run_that_cannot_end_is_a_sentence(command: tuple[str, ...], seen: str) -> None:
    with pytest.raises(base.InfraError, match=seen):
        base.run(*command, timeout=0.1)


def test_search_path_names_our_programs_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFSCALE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("PATH", base.search_path())
    assert base.search_path() == f"{base.bin_folder()}:/bin"


def test_only_one_says_that_it_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(base, "cache_root", lambda: tmp_path)
    waits, inside = threading.Event(), threading.Event()

    def say(text: str) -> None:
        if "parts" in text:
            waits.set()

    monkeypatch.setattr(base, "say", say)

    def second() -> None:
        with base.only_one("parts"):
            inside.set()

    thread = threading.Thread(target=second)
    with base.only_one("parts"):
        assert not waits.is_set()
        thread.start()
        assert waits.wait(30)
        assert not inside.is_set()
    thread.join(30)
    assert inside.is_set()


def test_versions_key_changes_with_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base.versions_key()
    monkeypatch.setattr(base, "KIND", "9.9.9")
    assert base.versions_key() != before


def test_programs_unknown_name_lists_the_known() -> None:
    with pytest.raises(base.InfraError, match=r"No such program: kubelett; known are .*kubelet"):
        programs.programs("kubelett")


def test_programs_present_are_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFSCALE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    base.bin_folder().mkdir(parents=True)
    (base.bin_folder() / "etcd").touch()
    assert programs.programs("etcd") == base.bin_folder()
    with pytest.raises(base.InfraError, match="Go is not installed, and kind must be built"):
        programs.programs("kind")


def test_engine_pid_of_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "run_folder", lambda: tmp_path)
    assert engine.our_pid() is None
    (tmp_path / "docker.pid").write_text(str(os.getpid()))
    assert engine.our_pid() is None
    assert engine.environment() == {}


def test_engine_does_not_need_the_checkout_that_started_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "lacks_sys_resource", lambda: True)
    settings = json.loads(engine._write_configuration(tmp_path).read_text())
    runc = tmp_path / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text("#!/bin/sh\necho ours\n")
    runc.chmod(0o755)
    wrapper = Path(settings["runtimes"]["tfscale"]["path"])
    assert str(base.ROOT) not in wrapper.read_text()
    assert base.run(wrapper, "--version", env={"PATH": f"{runc.parent}:/bin"}) == "ours\n"


def test_controlplane_forgets_a_process_that_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(controlplane, "OUTPUT", tmp_path)
    plane = controlplane.ControlPlane("one")
    assert plane.pids() == {}
    plane.folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as process:
        known = {"etcd": (process.pid, controlplane._born(process.pid)), "kwok": (os.getpid(), 1)}
        (plane.folder / "processes.json").write_text(json.dumps(known))
        assert plane.pids() == {"etcd": process.pid}
        plane.stop()
        assert process.wait() == -15
    assert plane.pids() == {}


def test_closure_follows_links_to_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr/bin/real").touch()
    (tmp_path / "etc/chosen").symlink_to("/bin/real")
    (tmp_path / "usr/bin/name").symlink_to("../../etc/chosen")
    monkeypatch.setattr(rootfs, "run_in", lambda *_: "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n")
    (tmp_path / "usr/lib").mkdir()
    (tmp_path / "usr/lib/libc.so.6").touch()
    found = rootfs.closure(tmp_path, ["/bin/name"])
    assert found == ["/usr/bin/name", "/etc/chosen", "/usr/bin/real", "/usr/lib/libc.so.6"]


def test_closure_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(base.InfraError, match="/usr/bin/jq is not in"):
        rootfs.closure(tmp_path, ["/usr/bin/jq"])


def test_runc_wrapper_asks_for_no_more_than_there_is() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    process: dict[str, Any] = {
        "capabilities": {"bounding": ["CAP_KILL", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": hard + 1, "soft": hard + 1}, {"type": "RLIMIT_NEW", "hard": 1}],
        "oomScoreAdj": -1000,
    }
    runc_wrapper.lower(process)
    assert process["capabilities"] == {"bounding": ["CAP_KILL"], "effective": []}
    assert process["rlimits"][0] == {"type": "RLIMIT_NOFILE", "hard": hard, "soft": hard}
    assert process["oomScoreAdj"] == int(Path("/proc/self/oom_score_adj").read_text())


@pytest.mark.parametrize("words", [["create", "--bundle", "/b", "id"], ["run", "--bundle=/b"], ["run", "-b", "/b"]])
def test_runc_wrapper_finds_the_bundle(words: list[str]) -> None:
    assert runc_wrapper.value_of(words, "--bundle", "-b") == "/b"


def test_runc_wrapper_without_a_bundle_finds_none() -> None:
    assert runc_wrapper.value_of(["state", "id"], "--bundle", "-b") is None
