# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs as frameworks write them: lines of their own documentation and sources, with the steps and seconds that they tell."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.formats import LogFormat
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.reader import Follower, parse, read_run
from ansible_collections.tfscale.study.plugins.module_utils._study.logs.recognised import Recogniser

BAR = "━" * 20
KERAS_3 = f"""\
Downloading data from https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz
\x1b[1m11490434/11490434\x1b[0m \x1b[32m{BAR}\x1b[0m\x1b[37m\x1b[0m \x1b[1m56s\x1b[0m 5us/step
Epoch 1/2

\x1b[1m  1/375\x1b[0m \x1b[37m{BAR}\x1b[0m \x1b[1m4:32\x1b[0m 145ms/step - accuracy: 0.1250 - loss: 2.3851
\x1b[1m133/375\x1b[0m \x1b[32m━━━\x1b[0m\x1b[37m{BAR}\x1b[0m \x1b[1m2s\x1b[0m 12ms/step - accuracy: 0.8127 - loss: 0.6066
\x1b[1m375/375\x1b[0m \x1b[32m{BAR}\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 12ms/step - accuracy: 0.9127 - loss: 0.3066
\x1b[1m375/375\x1b[0m \x1b[32m{BAR}\x1b[0m \x1b[1m16s\x1b[0m 12ms/step - accuracy: 0.9127 - loss: 0.3066 - val_accuracy: 0.9558 - val_loss: 0.1485
Epoch 2/2
375/375 {BAR} 14s 10ms/step - accuracy: 0.9654 - loss: 0.1207 - val_accuracy: 0.9647 - val_loss: 0.1165
313/313 {BAR} 1s 2ms/step - accuracy: 0.9650 - loss: 0.1100
"""
KERAS_2 = """\
Epoch 1/2
1875/1875 [==============================] - 4s 2ms/step - loss: 0.2950 - accuracy: 0.9142
Epoch 2/2
   1/1875 [..............................] - ETA: 5s - loss: 0.1201 - accuracy: 1.0000
1875/1875 [==============================] - 12s 2ms/step - loss: 0.1421 - accuracy: 0.9580
313/313 - 1s - loss: 0.0743 - accuracy: 0.9767 - 1s/epoch - 2ms/step
"""
TQDM = (
    "  0%|          | 0/938 [00:00<?, ?it/s]\r"
    "  5%|▌         | 47/938 [00:01<00:19, 45.32it/s, loss=1.23]\r"
    "100%|██████████| 938/938 [00:12<00:00, 75.31it/s, loss=0.301]\n"
    "Evaluating: 100%|██████████| 79/79 [00:01<00:00, 70.1it/s]\n"
    "  0%|          | 0/938 [00:00<?, ?it/s]\r"
    "100%|██████████| 938/938 [00:13<00:00, 71.21it/s, loss=0.202, val_acc=0.954]\n"
)
LIGHTNING = """\
Sanity Checking DataLoader 0: 100%|██████████| 2/2 [00:00<00:00, 12.1it/s]
Epoch 0:   0%|          | 0/1563 [00:00<?, ?it/s]
Epoch 0:   6%|█▍                         | 86/1563 [00:06<01:44, 14.19it/s, v_num=0, train_loss=1.800, train_acc=0.281]
Validation DataLoader 0: 100%|██████████| 79/79 [00:01<00:00, 60.1it/s]
Epoch 0: 100%|█| 1563/1563 [01:57<00:00, 13.25it/s, v_num=0, train_loss=1.590, val_loss=1.420, val_acc=0.494]
Epoch 1: 100%|█| 1563/1563 [01:57<00:00, 13.31it/s, v_num=0, train_loss=1.210, val_loss=1.220, val_acc=0.561]
"""
HUGGING_FACE = """\
Loading checkpoint shards: 100%|██████████| 3/3 [00:03<00:00,  1.32s/it]
  0%|          | 0/500 [00:00<?, ?it/s]
 99%|█████████▉| 495/500 [04:05<00:02,  2.02it/s]
{'loss': 0.8569, 'grad_norm': 1.615104079246521, 'learning_rate': 1.0277984159122733e-07, 'epoch': 0.99}
{'eval_loss': 1.0311684608459473, 'eval_accuracy': 0.45, 'eval_runtime': 7.031, 'eval_samples_per_second': 2.845, 'epoch': 1.0}
100%|██████████| 500/500 [04:07<00:00,  2.02it/s]
{'train_runtime': 247.4258, 'train_samples_per_second': 4.042, 'train_steps_per_second': 2.021, 'train_loss': 1.1304109792709351, 'epoch': 1.0}
"""
MLLOG = """\
:::MLLOG {"namespace": "", "time_ms": 1744838717000, "event_type": "INTERVAL_END", "key": "init_stop", "value": null, "metadata": {"lineno": 7}}
:::MLLOG {"namespace": "", "time_ms": 1744838717800, "event_type": "INTERVAL_START", "key": "run_start", "value": null, "metadata": {"lineno": 1706}}
:::MLLOG {"namespace": "", "time_ms": 1744838717900, "event_type": "INTERVAL_START", "key": "epoch_start", "value": null, "metadata": {"epoch_num": 1}}
:::MLLOG {"namespace": "", "time_ms": 1744838757900, "event_type": "INTERVAL_END", "key": "epoch_stop", "value": null, "metadata": {"epoch_num": 1}}
 0: :::MLLOG {"namespace": "", "time_ms": 1744838758410, "event_type": "POINT_IN_TIME", "key": "eval_accuracy", "value": 0.7197, "metadata": {"epoch_num": 1}}
:::MLLOG {"namespace": "", "time_ms": 1744838797800, "event_type": "INTERVAL_END", "key": "epoch_stop", "value": null, "metadata": {"epoch_num": 2}}
:::MLLOG {"namespace": "", "time_ms": 1744838798800, "event_type": "INTERVAL_END", "key": "run_stop", "value": null, "metadata": {"status": "success"}}
"""
JSON = """\
{"step": 0, "time": 1790000000.5, "loss": 2.3}
{"event": "checkpoint", "path": "/x"}
{"step": 100, "time": 1790000004.5, "loss": 0.4}
{"val_accuracy": 0.93, "time": 1790000005.0}
{"step": 200, "time": "2026-09-21T16:13:28.5+02:00", "loss": 0.2}
"""
LOGS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "keras 3": (KERAS_3, 750, {"global_steps": 750, "train_seconds": 29.855, "accuracy": 0.9650, "loss": 0.1207}),
    "keras 2": (KERAS_2, 3750, {"global_steps": 3750, "train_seconds": 12.0, "accuracy": 0.9767, "loss": 0.1421}),
    "tqdm": (TQDM, 1876, {"global_steps": 1876, "train_seconds": 25.628, "accuracy": 0.954, "loss": 0.202}),
    "lightning": (LIGHTNING, 3126, {"global_steps": 3126, "train_seconds": 235.39, "accuracy": 0.561, "loss": 1.21}),
    "huggingface": (
        HUGGING_FACE,
        500,
        {"global_steps": 500, "train_seconds": 247.4258, "accuracy": 0.45, "loss": 0.8569},
    ),
    "mllog": (MLLOG, 2, {"global_steps": 2, "train_seconds": 81.0, "accuracy": 0.7197}),
    "json": (JSON, 200, {"global_steps": 200, "train_seconds": 8.0, "accuracy": 0.93, "loss": 0.2}),
}


def run_of(folder: Path, text: str, steps: int, log_format: str) -> Any:
    (folder / "worker-0.log").write_text(text, encoding="utf-8")
    return read_run(folder, LogFormat.of(log_format), steps)


@pytest.mark.parametrize("name", LOGS)
def test_read_run_of_a_planted_log(tmp_path: Path, name: str) -> None:
    text, steps, expected = LOGS[name]
    found = run_of(tmp_path, text, steps, name.partition(" ")[0])
    assert {key: found.timings()[key] for key in expected} == pytest.approx(expected, rel=0.001)
    assert found.trouble() == ""


@pytest.mark.parametrize("name", LOGS)
def test_auto_names_the_format_and_the_line_by_which_it_knew_it(tmp_path: Path, name: str) -> None:
    text, steps, expected = LOGS[name]
    found = run_of(tmp_path, text, steps, "auto")
    chosen = name.partition(" ")[0]
    assert found.timings()["global_steps"] == expected["global_steps"]
    assert any(f"auto is {chosen} ('" in note for note in found.errors)


def test_auto_prefers_our_own_lines(tmp_path: Path) -> None:
    ours = ':::TFSCALE {"v":1,"event":"progress","replica":"worker","index":0,"mono":1.0,"global_step":3}\n'
    assert run_of(tmp_path, TQDM + ours, 3, "auto").fmt.name == "tfscale"


def test_auto_chooses_none_of_two(tmp_path: Path) -> None:
    found = run_of(tmp_path, KERAS_3 + TQDM, 750, "auto")
    assert found.fmt.name == "auto"
    assert all(part in found.trouble() for part in ("2 formats fit", "keras ('", "tqdm ('", "give one of them"))
    assert found.timings()["train_seconds"] is None


def test_auto_of_a_log_without_any_format_shows_its_first_line(tmp_path: Path) -> None:
    found = run_of(tmp_path, "hello\nstep 3\n", 3, "auto")
    assert "no line of worker-0.log fits training_log_format auto" in found.trouble()
    assert "'hello'" in found.trouble()


def test_follower_recognises_the_format_as_soon_as_a_line_fits(tmp_path: Path) -> None:
    log = tmp_path / "worker-0.log"
    follower = Follower(log, LogFormat.of("auto"))
    log.write_text("starting\n")
    assert follower.poll() is None
    log.write_text("starting\n" + JSON, encoding="utf-8")
    newest = follower.poll()
    assert newest is not None
    assert newest.fields["global_step"] == 200


def test_follower_of_a_log_without_a_known_format_looks_at_each_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "worker-0.log"
    taken: list[bytes] = []
    monkeypatch.setattr(Recogniser, "take", lambda _self, line: taken.append(line))
    follower = Follower(log, LogFormat.of("auto"))
    for number in range(5):
        with log.open("a") as file:
            file.write(f"line {number}\n")
        assert follower.poll() is None
    assert taken == [b"line %d" % number for number in range(5)]


STEP = '{"step": 7, "loss": 0.5}'


@pytest.mark.parametrize(
    ("prefix", "wall", "mono"),
    [
        ("", None, None),
        ("2026-11-30T02:41:44.250000000Z ", 1796006504.25, None),
        ("2026-11-30T03:41:44.25+01:00 ", 1796006504.25, None),
        ("[1,0]<stdout>:", None, None),
        ("[1,0]<stderr>: ", None, None),
        ("[prterun-node7-100629@1,0]<stdout>: ", None, None),
        ("Mon Nov 30 02:41:44 2026[1,0]<stdout>:", None, 1796006504.0),
        ("Thu Nov  5 02:41:44 2026[1,0]<stdout>:", None, 1793846504.0),
        ("[rank0]: ", None, None),
        ("[pod/train-worker-0/trainer] ", None, None),
        ("[pod/train-worker-0/trainer] 2026-11-30T02:41:44.250000000Z ", 1796006504.25, None),
        ("train-worker-1  | ", None, None),
        ("2026-11-30T02:41:44.250000000Z stdout F ", 1796006504.25, None),
        ("2026-11-30 02:41:44.250 | INFO     | __main__:main:10 - ", None, 1796006504.25),
        ("I1130 02:41:44.250000 139872 train.py:33] ", None, 975552104.25),
        ("11/30/2026 02:41:44 - INFO - __main__ - ", None, 1796006504.0),
        ("2026-11-30 02:41:44,250 - root - ", None, 1796006504.25),
        ("[2026-11-30 02:41:44,250][INFO] - ", None, 1796006504.25),
        ("INFO:train:", None, None),
        ("2026-11-30T02:41:44.250000000Z [1,0]<stdout>:I1130 02:41:44.100000 7 x.py:3] ", 1796006504.25, None),
    ],
)
def test_prefixes_are_taken_off_and_their_clocks_read(prefix: str, wall: float | None, mono: float | None) -> None:
    (event,), errors = parse([f"{prefix}{STEP}\n".encode()], LogFormat.of("json"))
    assert (event.fields["global_step"], event.wall, event.mono, errors) == (7, wall, mono, [])


@pytest.mark.parametrize(
    "prefix", ["[1,1]<stdout>:", "[prterun-node7-100629@1,3]<stdout>: ", "[rank3]: ", "[default1]:"]
)
def test_lines_of_other_processes_do_not_count(prefix: str) -> None:
    assert parse([f"{prefix}{STEP}\n".encode()], LogFormat.of("json")) == ([], [])


def test_clock_of_a_prefix_counts_before_that_of_a_bar(tmp_path: Path) -> None:
    text = (
        "2026-11-30T02:00:00.000000000Z   0%|          | 0/10 [00:00<?, ?it/s]\n"
        "2026-11-30T02:00:03.250000000Z 100%|██████████| 10/10 [00:03<00:00, 3.33it/s]\n"
    )
    assert run_of(tmp_path, text, 10, "tqdm").timings()["train_seconds"] == 3.25


def test_json_reads_names_of_the_users_own() -> None:
    line = b'{"iteration_number": 4, "at": 12.5, "metrics": {"nll": 0.25}}\n'
    (event,), _errors = parse([line], LogFormat.of("json:step=iteration_number,time=at,loss=metrics.nll"))
    assert (event.fields, event.wall) == ({"global_step": 4, "loss": 0.25}, 12.5)


@pytest.mark.parametrize("given", ["json:", "json:epoch=x", "json:step", "json:step=a,,"])
def test_json_refuses_names_that_are_none(given: str) -> None:
    with pytest.raises(InputError, match=r"training_log_format is .*json:step=iteration,time=ts"):
        LogFormat.of(given)


@pytest.mark.parametrize("log_format", ["keras", "tqdm", "lightning", "huggingface", "mllog", "json"])
@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"1/0",
        b"{",
        b"{'epoch':",
        b'{"step": 1e400}',
        b'{"step": "x", "time": []}',
        b':::MLLOG {"key": "epoch_stop", "time_ms": "x", "metadata": {"epoch_num": NaN}}',
        b':::MLLOG {"key": "block_stop", "metadata": {"first_epoch_num": "a", "epoch_count": []}}',
        b"100%|###| 99999999999999999999/1 [00:00<?, ?it/s]",
        b"Epoch 1/2\n5/5 " + "━".encode() + b" 0s 999999999999ms/step - loss: nan",
        b"2026-99-99T99:99:99Z {}",
        b"9999-12-31 23:59:59,9 - x - {}",
    ],
)
def test_no_line_raises(log_format: str, line: bytes) -> None:
    parse([line + b"\n"], LogFormat.of(log_format))


BARS = (
    "Epoch 1/1\n 1/4 ━━━ 0s 9ms/step - loss: 0.9\n 2/4 ━━━ 0s 9ms/step - loss: 0.5\n4/4 ━━━ 1s 9ms/step - loss: 0.4\n"
)


def came(folder: Path, *times: tuple[str, float]) -> None:
    """Each text is the last of what was there at that time."""
    sizes = [(BARS.index(text) + len(text), wall) for text, wall in times]
    lines = [f"{len(BARS[:size].encode())} {wall:.6f}\n" for size, wall in sizes]
    (folder / "worker-0.times").write_text("".join(lines))


def test_time_at_which_a_line_came_counts_where_it_tells_none(tmp_path: Path) -> None:
    came(tmp_path, ("0.9\n", 1790000001.5), ("0.5\n", 1790000002.0), ("0.4\n", 1790000004.25))
    assert run_of(tmp_path, BARS, 4, "keras").timings()["train_seconds"] == 2.75
    assert run_of(tmp_path, BARS, 4, "auto").timings()["train_seconds"] == 2.75


@pytest.mark.parametrize("times", ["", "x y\n", "10 12", "99999 1790000001.5\n", "-1 5\n"])
def test_times_that_cannot_be_read_leave_the_log_as_it_is(tmp_path: Path, times: str) -> None:
    (tmp_path / "worker-0.times").write_text(times)
    assert run_of(tmp_path, BARS, 4, "keras").timings()["global_steps"] == 4


@pytest.mark.parametrize("log_format", ["keras", "tqdm", "lightning", "huggingface", "mllog", "json"])
@pytest.mark.parametrize(
    "line",
    [
        "5/5 ━━━ 0s 9ms/step - " + "a" * 60_000,
        " " * 60_000 + "|[",
        "x|[" + ": " * 30_000,
        "{'epoch': " + "'a" * 30_000,
        "2026-11-30 02:41:44,250 - " + "a" * 30_000 + " - " * 10_000,
        "2026-11-30 02:41:44,250" + " -" * 30_000,
    ],
    ids=range(6),
)
def test_no_line_takes_long(log_format: str, line: str) -> None:
    lines = [b"Epoch 1/2\n", line.encode() + b"\n"]
    begun = time.process_time()
    parse(lines, LogFormat.of(log_format))
    assert time.process_time() - begun < 0.5
