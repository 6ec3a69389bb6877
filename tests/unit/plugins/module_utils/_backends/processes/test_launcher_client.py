# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, starting and asking the launcher of a controller."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.processes.launcher_client import Launcher, ask
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import BackendError

GONE = 4_194_300
Server = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def short_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A socket's address is short; pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="t") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


@pytest.fixture
def serve() -> Iterator[Server]:
    """Start a stand-in for the launcher that gives these answers, one for each connection."""
    threads = []

    def start(path: Path, *answers: bytes) -> list[dict[str, Any]]:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        heard: list[dict[str, Any]] = []

        def answer_all() -> None:
            with listener:
                for answer in answers:
                    connection, _address = listener.accept()
                    with connection:
                        line = connection.makefile().readline()
                        if not line:  # the client has hung up
                            return
                        heard.append(json.loads(line))
                        connection.sendall(answer)

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        threads.append(thread)
        return heard

    yield start
    for thread in threads:
        thread.join(timeout=10)


def launcher_of(**changes: Any) -> Launcher:
    return Launcher(**{"python": sys.executable, "source_dir": "/nowhere", "owner_pid": os.getpid(), **changes})


@pytest.mark.parametrize("change", [{"python": "/usr/bin/other"}, {"source_dir": "/else"}, {"owner_pid": 1}])
def test_socket_differs_for_each_owner_python_and_trainer(change: dict[str, Any]) -> None:
    assert launcher_of().socket == launcher_of().socket
    assert launcher_of().socket != launcher_of(**change).socket


def test_socket_lies_in_a_folder_of_ones_own() -> None:
    folder = launcher_of().socket.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(BackendError, match="is not a folder of yours alone"):
        print(launcher_of().socket)


def test_socket_in_a_link_of_somebody_is_refused(short_folder: Path) -> None:
    (short_folder / "elsewhere").mkdir(mode=0o700)
    (short_folder / f"tfscale-{os.geteuid()}").symlink_to("elsewhere")
    with pytest.raises(BackendError, match="is not a folder of yours alone"):
        print(launcher_of().socket)


def test_socket_with_a_path_too_long_names_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(BackendError, match=r"TMPDIR is .* too long for a socket"):
        print(launcher_of().socket)


def test_ask_gives_the_answer(short_folder: Path, serve: Server) -> None:
    heard = serve(short_folder / "s", b'{"ok": true, "pid": 7}\n')
    assert ask(short_folder / "s", {"op": "ping"}, timeout=5) == {"ok": True, "pid": 7}
    assert heard == [{"op": "ping"}]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b'{"ok": false, "error": "no port is free"}\n', "^no port is free$"),
        (b'{"ok": false, "error": "\\u001b[31mno\\r\\nport \\udcff"}\n', "^no port \ufffd$"),
        (b"", "the launcher went away during ping"),
        (b"rubbish\n", "the launcher went away during ping"),
    ],
)
def test_ask_turns_a_refusal_into_a_sentence(short_folder: Path, serve: Server, answer: bytes, sentence: str) -> None:
    serve(short_folder / "s", answer)
    with pytest.raises(BackendError, match=sentence):
        ask(short_folder / "s", {"op": "ping"}, timeout=5)


@pytest.mark.parametrize("answer", [b"[]\n", b"7\n", b"{}\n", b"null\n"])
def test_ask_takes_nothing_for_an_answer_that_is_none(short_folder: Path, serve: Server, answer: bytes) -> None:
    serve(short_folder / "s", answer)
    with pytest.raises(BackendError):
        ask(short_folder / "s", {"op": "ping"}, timeout=5)


def test_ask_of_one_process_tells_nothing_to_another(short_folder: Path, serve: Server) -> None:
    heard = serve(short_folder / "s", b'{"ok": true}\n')
    with pytest.raises(BackendError, match=rf"is not answered by the launcher \(process {GONE}\)"):
        ask(short_folder / "s", {"op": "remove"}, timeout=5, pid=GONE)
    assert heard == []


def test_ask_of_one_process_asks_that_one(short_folder: Path, serve: Server) -> None:
    serve(short_folder / "s", b'{"ok": true}\n')
    assert ask(short_folder / "s", {"op": "remove"}, timeout=5, pid=os.getpid()) == {"ok": True}


def test_ask_does_not_wait_for_ever(short_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short_folder / "s"))
        silent.listen()
        with pytest.raises(BackendError, match=r"did not answer ping within 0\.01 s"):
            ask(short_folder / "s", {"op": "ping"}, timeout=0.01)


@pytest.mark.parametrize(("command", "operations"), [(False, ["ping", "preload", "start"]), (True, ["ping", "start"])])
def test_start_uses_the_launcher_that_is_up(serve: Server, command: bool, operations: list[str]) -> None:
    one = launcher_of()
    replies = {"ping": b'{"ok": true}\n', "preload": b'{"ok": true}\n', "start": b'{"ok": true, "state": {"a": 1}}\n'}
    heard = serve(one.socket, *(replies[operation] for operation in operations))
    assert one.start({"command": command, "argv": ["--x", "1"], "run_dir": "/r"}) == {"a": 1}
    assert [request["op"] for request in heard] == operations
    assert heard[-1]["run_dir"] == "/r"


def test_bring_up_names_a_folder_without_trainer() -> None:
    with pytest.raises(BackendError, match="training_source_dir is '/nowhere': give the folder that holds trainer/"):
        launcher_of().bring_up()


@pytest.fixture
def source_dir(tmp_path: Path) -> Path:
    (tmp_path / "trainer").mkdir()
    return tmp_path


def test_bring_up_names_a_python_that_is_missing(source_dir: Path) -> None:
    with pytest.raises(
        BackendError, match=r"training_python is '/no/python', which cannot be run .*make setup-trainer"
    ):
        launcher_of(python="/no/python", source_dir=str(source_dir)).bring_up()


def test_bring_up_on_a_full_disk_names_tmpdir(source_dir: Path, short_folder: Path) -> None:
    one = launcher_of(source_dir=str(source_dir))
    Path(f"{one.socket}.log").symlink_to("/dev/full/log")
    with pytest.raises(BackendError, match=rf"TMPDIR is '{short_folder}', where nothing can be written"):
        one.bring_up()


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("raise SystemExit('the disk is full')", "ended at once: the disk is full"),
        ("raise SystemExit(3)", "no word in"),
    ],
)
def test_bring_up_tells_the_last_words_of_a_launcher(source_dir: Path, program: str, sentence: str) -> None:
    (source_dir / "trainer" / "launch.py").write_text(program)
    with pytest.raises(BackendError, match=sentence):
        launcher_of(source_dir=str(source_dir)).bring_up()


def test_bring_up_gives_up_in_time(source_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle:
        def poll(self) -> None:
            return None

    monkeypatch.setattr("subprocess.Popen", lambda *_arguments, **_options: Idle())
    now = [0.0]
    one = launcher_of(
        source_dir=str(source_dir),
        clock=lambda: now[0],
        sleep=lambda _seconds: now.__setitem__(0, now[0] + 10),
    )
    with pytest.raises(BackendError, match="did not answer within 60 s"):
        one.bring_up()
