# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of pods in files: followed without a doubled line, and saved whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes import pod_logs
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.pod_logs import ChiefLog, PodLogs, save
from ansible_collections.tfscale.study.plugins.module_utils._backends.kubernetes.pod_status import (
    PodStatus,
    pod_status_of,
)

from tests.fixtures.clusters import FakeApi, pod, refusal, running, terminated
from tests.fixtures.disk import ROOM, SMALL, fill, small_disk


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def see(folder: Path, document: dict[str, Any]) -> PodStatus:
    status = pod_status_of(document, run_dir=folder, now=0.0)
    assert status is not None
    return status


class Chief:
    """A chief whose pod changes while somebody sleeps."""

    def __init__(self, api: FakeApi, folder: Path, *documents: dict[str, Any] | None) -> None:
        self.folder = folder
        self.documents = list(documents)
        self.now = 0.0
        self.naps = 0
        self.file = folder / "worker-0.log"
        self.on_nap: Callable[[], None] = lambda: None
        logs = PodLogs(api, "tfscale")  # type: ignore[arg-type]
        self.log = ChiefLog(logs, self.file, self.look, clock=lambda: self.now, sleep=self.sleep)

    def look(self) -> PodStatus | None:
        return see(self.folder, self.documents[0]) if self.documents[0] else None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.naps += 1
        if len(self.documents) > 1:
            self.documents.pop(0)
        if self.naps > 100:
            self.log.stop()
        self.on_nap()

    @property
    def text(self) -> bytes:
        return self.file.read_bytes()


def name(kind: str = "worker", index: int = 0) -> str:
    return str(pod(kind, index)["metadata"]["name"])


def test_run_follows_from_the_start_to_the_end(api: FakeApi, tmp_path: Path) -> None:
    chief = Chief(api, tmp_path, None, pod(), pod(state=running()), pod(state=terminated(0)))
    api.logs[name(), False] = [b"one\ntw", b"o\n"]
    chief.log.run()
    assert chief.text == b"one\ntwo\n"
    assert chief.log.is_complete
    assert api.opened() == [(name(), "follow")]
    query = api.asked[-1][2]
    assert query["container"] == "trainer"
    assert query["read_seconds"] == pod_logs.SILENCE_SECONDS


def test_run_begins_anew_when_the_wait_is_made_again(api: FakeApi, tmp_path: Path) -> None:
    chief = Chief(api, tmp_path, pod(state=terminated(0)))
    chief.file.write_bytes(b"of an earlier wait\n")
    api.logs[name(), False] = [b"one\n"]
    chief.log.run()
    assert chief.text == b"one\n"


def test_run_goes_on_after_a_break_without_doubling_a_byte(api: FakeApi, tmp_path: Path) -> None:
    chief = Chief(api, tmp_path, pod(state=running()))
    api.logs[name(), False] = [[b"one\ntw", refusal(0)], [b"on", b"e\ntwo\nthr", refusal(0)], [b"one\ntwo\nthree\n"]]

    def end() -> None:
        if len(api.opened()) == 3:
            chief.documents = [pod(state=terminated(0))]

    chief.on_nap = end
    chief.log.run()
    assert chief.text == b"one\ntwo\nthree\n"
    # Somebody should look once more whether all of it came.
    assert not chief.log.is_complete


def test_run_takes_the_log_of_the_container_that_has_ended(api: FakeApi, tmp_path: Path) -> None:
    chief = Chief(api, tmp_path, pod(state=running(), last=terminated(0), restarts=1, policy="Always"))
    api.logs[name(), True] = [b"one\n"]
    api.logs[name(), False] = [b"asleep\n"]
    chief.log.run()
    assert chief.text == b"one\n"
    assert api.opened() == [(name(), "previous")]


def test_run_of_a_stream_that_ended_too_early_asks_again(api: FakeApi, tmp_path: Path) -> None:
    chief = Chief(api, tmp_path, pod(state=running()))
    api.logs[name(), False] = [[b"one\n"], [b"one\ntwo\n"]]

    def end() -> None:
        if len(api.opened()) == 2:
            chief.documents = [pod(state=terminated(0))]

    chief.on_nap = end
    chief.log.run()
    assert chief.text == b"one\ntwo\n"
    assert not chief.log.is_complete
    assert chief.now >= pod_logs.NEWS_SECONDS


@pytest.mark.parametrize("document", [None, pod(), pod(state=running())])
def test_run_ends_when_it_is_told_to(api: FakeApi, tmp_path: Path, document: dict[str, Any] | None) -> None:
    chief = Chief(api, tmp_path, document)
    api.logs[name(), False] = refusal(500)
    chief.log.run()
    assert chief.naps > 100
    assert not chief.log.is_complete


def saved(
    api: FakeApi, folder: Path, *documents: dict[str, Any], clock: Callable[[], float] = lambda: 0.0
) -> list[str]:
    logs = PodLogs(api, "tfscale")  # type: ignore[arg-type]
    return save(logs, [see(folder, one) for one in documents], clock=clock, sleep=lambda _seconds: None)


def test_save_of_every_replica(api: FakeApi, tmp_path: Path) -> None:
    for kind, index in (("ps", 0), ("worker", 0), ("worker", 1)):
        api.logs[name(kind, index), False] = [f"{kind} {index}\n".encode()]
    ended = [pod("worker", index, state=terminated(0)) for index in range(2)]
    assert saved(api, tmp_path, pod("ps", state=running()), *ended) == []
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "ps-0.log": "ps 0\n",
        "worker-0.log": "worker 0\n",
        "worker-1.log": "worker 1\n",
    }
    assert len(api.asked) == 3
    assert api.asked[0][2]["read_seconds"] == pod_logs.ANSWER_SECONDS


def test_save_asks_nothing_of_a_pod_that_never_started(api: FakeApi, tmp_path: Path) -> None:
    assert saved(api, tmp_path, pod()) == []
    assert (api.asked, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("document", "logs", "asked", "files"),
    [
        pytest.param(
            pod(state=running(), last=terminated(0), restarts=1, policy="Always"),
            {True: [b"work"], False: [b"sleep"]},
            ["previous"],
            {"worker-0.log": b"work"},
            id="done and asleep",
        ),
        pytest.param(
            pod(state=terminated(0), policy="Always"),
            {False: [b"work"]},
            ["", "previous"],
            {"worker-0.log": b"work"},
            id="just done",
        ),
        pytest.param(
            pod(state=terminated(0), policy="Always"),
            {True: [b"work"], False: [b""]},
            ["", "previous"],
            {"worker-0.log": b"work"},
            id="started again while we asked",
        ),
        pytest.param(
            pod(state=running(), last=terminated(1), restarts=3, policy="Always"),
            {True: [b"crash"], False: [b"again"]},
            ["previous", ""],
            {"worker-0.log": b"crash", "worker-0.restarted.log": b"again"},
            id="restarted",
        ),
        pytest.param(
            pod(state=running(), last=terminated(1), restarts=3, policy="Always"),
            {True: [b"crash"]},
            ["previous", ""],
            {"worker-0.log": b"crash"},
            id="restarted, the new one has no log",
        ),
        pytest.param(
            pod(state=running(), last=terminated(1), restarts=1, policy="Always"),
            {False: [b"what is left"]},
            ["previous", "", "previous"],
            {"worker-0.log": b"what is left"},
            id="the old one is gone",
        ),
    ],
)
def test_save_of_containers_that_were_started_again(
    api: FakeApi,
    tmp_path: Path,
    document: dict[str, Any],
    logs: dict[bool, Any],
    asked: list[str],
    files: dict[str, bytes],
) -> None:
    api.logs = {(name(), previous): blocks for previous, blocks in logs.items()}
    assert saved(api, tmp_path, document) == []
    assert [way for _pod, way in api.opened()] == asked
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_save_keeps_what_was_followed_when_the_node_has_rotated_the_log(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "worker-0.log").write_bytes(b"one\ntwo\nthree\n")
    api.logs[name(), False] = [b"three\n"]
    assert saved(api, tmp_path, pod(state=terminated(0))) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"worker-0.log": b"one\ntwo\nthree\n"}


def test_save_leaves_a_log_whose_transfer_broke(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "worker-0.log").write_bytes(b"one\n")
    api.logs[name(), False] = [b"one\ntwo\n", refusal(0, "it does not answer")]
    assert saved(api, tmp_path, pod(state=terminated(0))) == [
        "the log of worker 0 could not be saved: it does not answer"
    ]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"worker-0.log": b"one\n"}


def test_save_asks_again_after_a_transfer_that_broke(api: FakeApi, tmp_path: Path) -> None:
    api.logs[name(), False] = [[b"one\n", refusal(0)], [b"one\ntw", refusal(503)], [b"one\ntwo\n"]]
    assert saved(api, tmp_path, pod(state=terminated(0))) == []
    assert (tmp_path / "worker-0.log").read_bytes() == b"one\ntwo\n"


def test_save_tells_of_many_in_one_note(api: FakeApi, tmp_path: Path) -> None:
    api.logs[name(index=2), False] = [b"fine"]
    notes = saved(api, tmp_path, *(pod("worker", index, state=terminated(0)) for index in range(20)))
    assert len(notes) == 1
    assert notes[0].startswith("19 logs, the first that of worker ")
    assert (tmp_path / "worker-2.log").read_bytes() == b"fine"


def test_save_stops_when_the_time_is_over(api: FakeApi, tmp_path: Path) -> None:
    times = iter([0.0])
    notes = saved(api, tmp_path, pod(state=terminated(0)), clock=lambda: next(times, 1000.0))
    assert notes == ["the log of worker 0 could not be saved: there was no time left after 60 s"]
    assert api.asked == []


def test_save_into_a_folder_that_is_gone(api: FakeApi, tmp_path: Path) -> None:
    api.logs[name(), False] = [b"x"]
    notes = saved(api, tmp_path / "gone", pod(state=terminated(0)))
    assert "No such file" in notes[0]


def test_save_on_a_full_disk_is_no_fault_of_the_run(api: FakeApi, tmp_path: Path) -> None:
    whole = b"line\n" * 2000
    api.logs[name(), False] = [[whole], [whole]]
    with small_disk(tmp_path / "disk") as limit:
        disk = limit(size=SMALL)
        (disk / "worker-0.log").write_bytes(b"line\n")
        fill(disk, leave=4096)
        with pytest.raises(OSError, match="No space left"):
            saved(api, disk, pod(state=terminated(0)))
        assert sorted(path.name for path in disk.iterdir()) == ["fill", "worker-0.log"]
        assert (disk / "worker-0.log").read_bytes() == b"line\n"
        limit(size=ROOM)
        assert saved(api, disk, pod(state=terminated(0))) == []
        assert (disk / "worker-0.log").read_bytes() == whole


def test_run_on_a_full_disk_goes_on_without_a_hole_when_there_is_room(api: FakeApi, tmp_path: Path) -> None:
    """The disk takes a part of a block; room comes before the next one does."""
    blocks = [b"%07d\n" % number * 512 for number in range(8)]
    with small_disk(tmp_path / "disk") as limit:
        disk = limit(size=SMALL)
        chief = Chief(api, disk, pod(state=running()))
        api.logs[name(), False] = [blocks, blocks]
        fill(disk, leave=2 * 4096)

        def end() -> None:
            limit(size=ROOM)
            chief.documents = [pod(state=terminated(0))] if len(api.opened()) == 2 else chief.documents

        chief.on_nap = end
        chief.log.run()
        assert chief.text == b"".join(blocks)
        assert not chief.log.is_complete


def test_append_to_a_disk_that_takes_a_part_writes_the_rest() -> None:
    """The kernel tells of it by a number that nobody has to look at."""

    class Slow:
        def __init__(self) -> None:
            self.text = b""

        def write(self, data: memoryview) -> int:
            self.text += bytes(data[:3])
            return min(3, len(data))

    slow = Slow()
    pod_logs._write(slow, b"0123456789")  # type: ignore[arg-type]
    assert slow.text == b"0123456789"
