"""Exit codes and sentences of a replica that never gets as far as TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainer import __main__ as trainer

ROOT = Path(__file__).resolve().parents[2]
PLACE = ["--job_name", "worker", "--ps_hosts", "a:1", "--worker_hosts", "b:1", "--dataset", "synthetic"]


@pytest.fixture(autouse=True)
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("TensorFlow was imported for bad input")

    monkeypatch.setattr(trainer, "_import_tensorflow", refuse)


def test_main_bad_flag_exits_two_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert trainer.main([*PLACE, "--batch_size", "none"]) == 2
    seen = capsys.readouterr()
    assert seen.err == "--batch_size is 'none', but must be a whole number of at least 1\n"
    assert seen.out == ""


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--batch_size", "601", "--synthetic_examples", "600"], "--batch_size is 601, but must be at most 600"),
        (["--dataset", "mnist", "--data_dir", "/dev/null/x"], "/dev/null/x (--data_dir) cannot be written"),
        (
            ["--log_dir", "/dev/null/x"],
            "--log_dir is '/dev/null/x', but this folder cannot be created: Not a directory",
        ),
        (["--export_dir", "/dev/null/x"], "--export_dir is '/dev/null/x', but this folder cannot be created"),
        (["--checkpoint_dir", "/dev/null/x"], "--checkpoint_dir is '/dev/null/x', but this folder cannot be created"),
    ],
)
def test_main_bad_data_exits_two_and_says_so_in_the_log(
    capsys: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert trainer.main([*PLACE, *flags]) == 2
    seen = capsys.readouterr()
    events = [json.loads(line.partition(" ")[2]) for line in seen.out.splitlines()]
    assert [event["event"] for event in events] == ["process_start", "error", "exit"]
    assert events[1]["reason"].startswith(sentence)
    assert events[2]["code"] == 2
    assert seen.err == events[1]["reason"] + "\n"


@pytest.mark.parametrize("flag", ["--export_dir", "--ready_file"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_main_removes_nothing_that_no_replica_made(tmp_path: Path, capsys: Any, flag: str, kind: str) -> None:
    """The folder was removed at the end of the training, with all that was in it."""
    place = tmp_path / "precious"
    victim = place if kind == "file" else place / "thesis.txt"
    victim.parent.mkdir(exist_ok=True)
    victim.write_text("precious")
    assert trainer.main([*PLACE, flag, str(place)]) == 2
    assert f"{flag} is '{place}'" in capsys.readouterr().err
    assert victim.read_text() == "precious"


def test_main_crash_exits_one_with_its_gist(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise RuntimeError("Graph execution error:\n\nDetected at node 'x'\nthe ps is gone\nmore")

    monkeypatch.setattr(trainer, "_import_tensorflow", crash)
    assert trainer.main(PLACE) == 1
    seen = capsys.readouterr()
    assert '"reason":"RuntimeError: the ps is gone"' in seen.out
    assert seen.err.endswith("RuntimeError: the ps is gone\n")
    assert "Traceback" in seen.err


def test_program_bad_input_answers_without_a_traceback() -> None:
    command = [sys.executable, "-m", "trainer", "--strategy", "x", *PLACE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, env=os.environ)
    assert done.returncode == 2
    assert done.stderr == "--strategy is 'x', but must be one of async_ps, sync_ps, tf2_ps, mirrored\n"
