# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a run: nothing of anybody else's goes, and no end of a launcher makes it useless."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.disk import small_disk
from tests.fixtures.processes import needs_root, sleepers
from tests.trainer.test_launch import run_request
from trainer import procfs
from trainer.network import LaunchError
from trainer.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
HEAD = '{"version": 1, "run_dir": "'
SECONDS = 60


def ours(folder: Path, **facts: Any) -> str:
    return json.dumps({"version": 1, "run_dir": str(folder), "ended_wall": 1.0, **facts})


def snapshot(folder: Path) -> dict[str, Any]:
    """Everything below, links as links."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        kind = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else path.is_dir()
        found[str(path.relative_to(folder))] = kind
    return found


def refusal(folder: Path, *, keeps: Path | None = None) -> str:
    """Why the folder is not claimed; nothing in it has changed."""
    before = snapshot(keeps or folder)
    with pytest.raises(LaunchError) as refused:
        RunFolder(str(folder)).claim()
    assert snapshot(keeps or folder) == before
    assert "\n" not in str(refused.value)
    assert str(RunFolder(str(folder)).path) in str(refused.value)
    return str(refused.value)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """The folder of a run that is over."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("ps-0.log", "worker-0.log", "worker-11.log", ".state.json", ".ballast"):
        (folder / name).write_text("left")
    (folder / "state.json").write_text(ours(folder))
    return folder


def test_claim_removes_what_runs_make(run_dir: Path) -> None:
    for name in ("events/worker-0", "model/variables", "checkpoints", ".model.draft"):
        (run_dir / name).mkdir(parents=True)
        (run_dir / name / "left").touch()
    for name in ("checkpoint", "model.ckpt-20.index", "graph.pbtxt", "events.out.tfevents.1.host"):
        (run_dir / name).touch()
    RunFolder(str(run_dir)).claim()
    # It is the proof until the next one takes its place.
    assert snapshot(run_dir) == {"state.json": ours(run_dir).encode()}


@pytest.mark.parametrize("place", ["new", "new/below", "empty"])
def test_claim_takes_a_new_or_empty_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    RunFolder(str(tmp_path / place)).claim()
    assert (tmp_path / place).is_dir()


@pytest.mark.parametrize(
    "state",
    [
        *("", "{", "[]", "{}", "null", "\0", "[" * 100_000, '{"version": 2, "run_dir": "FOLDER"}', '{"version": 1}'),
        *('{"run_dir": "FOLDER"}', '{"version": 1, "run_dir": null}', '{"version": "1", "run_dir": "FOLDER"}'),
        '{"terraform_version": "1.5", "version": 4, "resources": []}',
    ],
)
def test_claim_refuses_a_state_that_no_launcher_wrote(run_dir: Path, state: str) -> None:
    (run_dir / "state.json").write_text(state.replace("FOLDER", str(run_dir)))
    assert "contains files that no run wrote" in refusal(run_dir)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "link", "dangling link"])
def test_claim_refuses_a_state_that_is_no_file(run_dir: Path, kind: str) -> None:
    state = run_dir / "state.json"
    shutil.move(state, run_dir.parent / "elsewhere")
    makers: dict[str, Callable[[], Any]] = {
        "missing": lambda: None,
        "folder": state.mkdir,
        "pipe": lambda: os.mkfifo(state),
        "link": lambda: state.symlink_to("../elsewhere"),
        "dangling link": lambda: state.symlink_to("../nothing"),
    }
    makers[kind]()
    assert "contains files that no run wrote" in refusal(run_dir)
    assert (run_dir.parent / "elsewhere").read_text() == ours(run_dir)


@pytest.mark.parametrize("way", ["copied", "moved", "moved and linked", "parent moved and linked"])
def test_claim_refuses_a_run_that_came_from_elsewhere(run_dir: Path, way: str) -> None:
    """A run that somebody has put away is an archive, whatever path leads to it."""
    base = run_dir.parent
    archive = base / "archive"
    archive.mkdir()
    if way == "copied":
        shutil.copytree(run_dir, archive / "run")
        asked = archive / "run"
    elif way == "parent moved and linked":
        (archive / "parent").mkdir()
        shutil.move(run_dir, archive / "parent" / "run")
        (archive / "parent" / "run" / "state.json").write_text(ours(base / "parent" / "run"))
        (base / "parent").symlink_to("archive/parent")
        asked = base / "parent" / "run"
    else:
        shutil.move(run_dir, archive / "run")
        if way == "moved and linked":
            run_dir.symlink_to("archive/run")
        asked = run_dir if way == "moved and linked" else archive / "run"
    told = refusal(asked, keeps=archive)
    assert f"contains the run of {base / 'parent' if 'parent' in way else base}/run, which was moved or copied" in told


def test_claim_takes_its_run_again_by_any_path(run_dir: Path) -> None:
    (run_dir.parent / "results").symlink_to(".")
    RunFolder(str(run_dir.parent / "results" / "run")).claim()
    assert list(snapshot(run_dir)) == ["state.json"]


def test_claim_refuses_a_run_that_goes_on(run_dir: Path) -> None:
    with sleepers() as start:
        launcher = start({}, launcher=True)
        facts = {"launcher_pid": launcher, "launcher_start": procfs.start_time(launcher)}
        (run_dir / "state.json").write_text(ours(run_dir, ended_wall=None, **facts))
        assert f"contains a run that is still running; stop its launcher, process {launcher}" in refusal(run_dir)
        (run_dir / "state.json").write_text(ours(run_dir, ended_wall=2.0, **facts))
        RunFolder(str(run_dir)).claim()


@pytest.mark.parametrize("facts", [{}, {"launcher_pid": "x"}, {"launcher_pid": 1, "launcher_start": 0}])
def test_claim_takes_a_run_whose_launcher_is_gone(run_dir: Path, facts: dict[str, Any]) -> None:
    (run_dir / "state.json").write_text(ours(run_dir, ended_wall=None, **facts))
    RunFolder(str(run_dir)).claim()


@pytest.mark.parametrize(
    "name",
    [
        "thesis.txt",
        "worker-0.log.bak",
        "worker-x.log",
        "chief-0.log",
        ".hidden",
        "State.json",
        "state.json~",
        "events2",
    ],
)
def test_claim_refuses_a_run_with_a_foreign_file(run_dir: Path, name: str) -> None:
    (run_dir / name).write_text("precious")
    assert f"holds {name}, which no run creates" in refusal(run_dir)


@pytest.mark.parametrize("name", ["worker-0.log", ".state.json", ".ballast", "checkpoint"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_claim_refuses_a_name_of_ours_that_is_no_file(run_dir: Path, name: str, kind: str) -> None:
    (run_dir / name).unlink(missing_ok=True)
    (run_dir.parent / "precious").write_text("precious")
    (run_dir / name).symlink_to("../precious") if kind == "link" else (run_dir / name).mkdir()
    assert f"holds {name}, which no run creates" in refusal(run_dir)


@pytest.mark.parametrize("name", ["events", "model", "checkpoints"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_claim_refuses_a_folder_of_ours_that_is_none(run_dir: Path, name: str, kind: str) -> None:
    (run_dir.parent / "precious").mkdir()
    (run_dir / name).symlink_to("../precious") if kind == "link" else (run_dir / name).write_text("precious")
    assert f"holds {name}, which no run creates" in refusal(run_dir)


def test_claim_does_not_follow_a_link_inside(run_dir: Path) -> None:
    (run_dir.parent / "precious").mkdir()
    (run_dir.parent / "precious" / "data").write_text("precious")
    (run_dir / "events").mkdir()
    (run_dir / "events" / "link").symlink_to(run_dir.parent / "precious")
    RunFolder(str(run_dir)).claim()
    assert (run_dir.parent / "precious" / "data").read_text() == "precious"


@pytest.mark.parametrize("length", [0, 1, 10, len(HEAD) + 5, 10_000])
def test_claim_takes_a_draft_that_begins_as_ours(tmp_path: Path, length: int) -> None:
    """Its launcher was killed, or the disk was full, in the middle of the first word."""
    (tmp_path / ".state.json").write_text(ours(tmp_path, replicas=[])[:length])
    RunFolder(str(tmp_path)).claim()
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("text", ["precious", '{"version": 2', HEAD + '/elsewhere"}', "{}", "{ "])
def test_claim_refuses_a_draft_that_is_not_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / ".state.json").write_text(text)
    assert "contains files that no run wrote" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["worker-0.log", "events", "thesis.txt"])
def test_claim_refuses_a_draft_beside_anything_else(tmp_path: Path, name: str) -> None:
    """Nothing is made before the first word stands."""
    (tmp_path / ".state.json").write_text(ours(tmp_path))
    (tmp_path / name).write_text("precious")
    refusal(tmp_path)


def test_claim_of_a_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    with pytest.raises(LaunchError, match=r"run \(run_dir\) cannot be used: File exists"):
        RunFolder(str(tmp_path / "run")).claim()
    assert (tmp_path / "run").read_text() == "precious"


def test_open_log_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "worker-0.log").symlink_to("precious")
    with pytest.raises(LaunchError, match="File exists"):
        RunFolder(str(tmp_path)).open_log("worker-0.log")
    assert not (tmp_path / "precious").exists()


def launch(run_dir: Path, script: str, *, tracer: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    words = ["--ps", "1", "--workers", "1", "--run_dir", str(run_dir), "--command", "--", "sh", "-c", script]
    command = [*tracer, sys.executable, "-m", "trainer.launch", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


def assert_starts(run_dir: Path) -> None:
    done = launch(run_dir, SUCCEEDING)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert json.loads((run_dir / "state.json").read_text())["replicas"][1]["state"] == "succeeded"


SUCCEEDING = '[ "$JOB_NAME" = worker ] || exec sleep 60; mkdir -p "$TFSCALE_RUN_DIR/events"'
# The calls that change what a disk holds, opening a new file among them.
CHANGING = ("mkdir", "openat", "write", "rename", "unlink", "rmdir", "unlinkat")


def strace(log: Path, run_dir: Path, *words: str) -> tuple[str, ...]:
    """Of the launcher alone, and of calls about this folder alone."""
    made = ("", "/state.json", "/.state.json", "/.ballast", "/ps-0.log", "/worker-0.log", "/events", "/events/left")
    paths = [word for name in made for word in ("-P", f"{run_dir}{name}")]
    return ("strace", "-o", str(log), "-e", f"trace={','.join(CHANGING)}", *paths, *words)


def changes(log: Path) -> list[tuple[str, int]]:
    """Every call of a launcher that changed its folder, with its number among those of its name."""
    lines = re.findall(r"^((\w+)\(.*)", log.read_text(), re.MULTILINE)
    calls = [name for _line, name in lines]
    is_change = ["O_DIRECTORY" not in line for line, _name in lines]
    return [(name, calls[: at + 1].count(name)) for at, name in enumerate(calls) if is_change[at]]


def leave_a_run(run_dir: Path) -> None:
    (run_dir / "events").mkdir(parents=True)
    for name in ("ps-0.log", "worker-0.log", ".state.json", ".ballast", "events/left"):
        (run_dir / name).write_text("left")
    (run_dir / "state.json").write_text(ours(run_dir))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace kills the launcher at each of its system calls")
@pytest.mark.parametrize(
    ("prepare", "every"),
    [
        pytest.param(leave_a_run, 4, id="some writes, the folder of an earlier run"),
        pytest.param(leave_a_run, 1, marks=pytest.mark.full, id="the folder of an earlier run"),
        pytest.param(Path.mkdir, 1, marks=pytest.mark.full, id="a new folder"),
    ],
)
def test_a_launcher_killed_at_any_write_leaves_a_folder_that_can_be_used(
    tmp_path: Path, prepare: Callable[[Path], None], every: int
) -> None:
    log = tmp_path / "trace"
    prepare(tmp_path / "whole")
    assert launch(tmp_path / "whole", SUCCEEDING, tracer=strace(log, tmp_path / "whole")).returncode == 0
    moments = changes(log)
    assert len(moments) > 12
    for number, (call, when) in enumerate(moments[::every]):
        run_dir = tmp_path / f"killed-{number}"
        prepare(run_dir)
        tracer = strace(log, run_dir, "-e", f"inject={call}:signal=KILL:when={when}")
        killed = launch(run_dir, SUCCEEDING, tracer=tracer)
        assert killed.returncode in (-9, 137), (call, when, killed)
        RunFolder(str(run_dir)).claim()
        assert set(snapshot(run_dir)) <= {"state.json"}
    assert_starts(run_dir)
    print(f"survived {number + 1} kills")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    with small_disk(tmp_path / "disk") as limit:
        yield limit


ROOMY = {"size": 4 << 20, "nr_inodes": 100}


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize(
    "limits",
    [
        *({"size": pages << 12} for pages in (1, 19)),
        *({"nr_inodes": n} for n in (2, 5)),
        *(pytest.param({"size": pages << 12}, marks=pytest.mark.full) for pages in (2, 3, 17, 18, 20)),
        *(pytest.param({"nr_inodes": n}, marks=pytest.mark.full) for n in (1, 3, 4, 6)),
    ],
    ids=str,
)
def test_a_full_disk_gives_a_sentence_and_a_folder_that_can_be_used(disk: Any, limits: dict[str, int]) -> None:
    run_dir = disk(**{**ROOMY, **limits}) / "run"
    # The one who writes is the worker, the ps only watches.
    done = launch(run_dir, '[ "$JOB_NAME" = worker ] || exec sleep 60; yes || exit 3')
    told = done.stderr or done.stdout
    assert done.returncode, done
    assert len(told.splitlines()) == 1
    assert f"the disk of {run_dir} (run_dir) is full (No space left on device; " in told
    assert "files are free); make room there" in told
    disk(**ROOMY)
    assert_starts(run_dir)


@needs_root
@pytest.mark.parametrize("files", [5, 8, *(pytest.param(files, marks=pytest.mark.full) for files in (4, 6, 7, 9))])
def test_a_disk_without_a_file_for_the_times_of_a_log_gives_a_sentence(disk: Any, files: int) -> None:
    run_dir = disk(**{**ROOMY, "nr_inodes": files}) / "run"
    done = run_request(run_dir, "sleep 0.1", workers=2, arrivals=True)
    told = done.stderr or done.stdout
    assert "Traceback" not in told
    if done.returncode:
        assert len(told.splitlines()) == 1
        assert f"the disk of {run_dir} (run_dir) is full" in told
    disk(**ROOMY)
    assert run_request(run_dir, "sleep 0.1", workers=2, arrivals=True).returncode == 0
    assert (run_dir / "worker-0.times").exists()


@needs_root
def test_a_disk_that_fills_up_during_a_run_is_the_reason_of_its_end(disk: Any) -> None:
    """The room that was kept takes the last word, though the replicas' logs have taken all other."""
    run_dir = disk(**{**ROOMY, "size": 1 << 20}) / "run"
    done = launch(run_dir, '[ "$JOB_NAME" = worker ] || exec sleep 60; yes || exit 3')
    assert done.returncode == 3
    state = json.loads((run_dir / "state.json").read_text())
    failed = state["replicas"][1]
    assert state["first_failure"] == {"replica": "worker", "index": 0}
    assert state["ended_wall"] is not None
    assert (failed["state"], failed["exit_code"]) == ("failed", 3)
    assert f"the disk of {run_dir} (run_dir) is full (No space left on device; 0 bytes and" in failed["reason"]
    assert (run_dir / "worker-0.log").stat().st_size > 500_000


@needs_root
def test_a_log_that_may_be_cut_is_no_success(disk: Any) -> None:
    """The program passes over the error and exits with 0."""
    run_dir = disk(**{**ROOMY, "size": 1 << 20}) / "run"
    done = launch(run_dir, '[ "$JOB_NAME" = worker ] || exec sleep 60; yes; exit 0')
    assert done.returncode == 1
    assert "worker 0 was given up: the disk of" in done.stdout
