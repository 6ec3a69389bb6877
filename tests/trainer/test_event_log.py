"""The timing log: one line, one write, JSON behind the token."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from trainer.event_log import TOKEN, EventFiles, EventLog, NonFiniteLossError, check_finite, gist
from trainer.timing import Clock


class Stream(io.StringIO):
    """Counts what the kernel would see."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.flushed = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)

    def flush(self) -> None:
        self.flushed = self.writes


def make_log(stream: Stream) -> EventLog:
    return EventLog(replica="worker", index=2, clock=Clock(wall=lambda: 1.25, mono=lambda: 3.5), stream=stream)


def test_event_is_one_flushed_compact_line() -> None:
    stream = Stream()
    make_log(stream).event("progress", global_step=100, local_step=50, loss=0.3)
    head = '{"v":1,"event":"progress","replica":"worker","index":2,"wall":1.25,"mono":3.5,'
    assert stream.getvalue() == f'{TOKEN} {head}"global_step":100,"local_step":50,"loss":0.3}}\n'
    assert stream.writes == stream.flushed == 1


def test_event_writes_numpy_numbers() -> None:
    stream = Stream()
    make_log(stream).event("eval", global_step=np.int64(7), accuracy=np.float32(0.5))
    line = json.loads(stream.getvalue().removeprefix(TOKEN))
    assert (line["global_step"], line["accuracy"]) == (7, 0.5)


def test_event_newline_in_a_reason_stays_one_line() -> None:
    stream = Stream()
    make_log(stream).event("error", reason="a\nb")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_check_finite_names_the_step(loss: float) -> None:
    with pytest.raises(NonFiniteLossError, match=f"loss became {loss} at global step 123"):
        check_finite(loss, 123)


@pytest.mark.parametrize("loss", [0.0, 1e30, -1.0])
def test_check_finite_passes_numbers(loss: float) -> None:
    check_finite(loss, 1)


# As TensorFlow 2.21 said it when a ps was killed.
LOST = (
    "\n=====================\nUNAVAILABLE: From /job:worker/replica:0/task:0:\nSocket closed\nAdditional GRPC error information"
    " from remote target /job:ps/replica:0/task:0 while calling /tensorflow.WorkerService/RecvTensor:\n"
)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (LOST, "Socket closed"),
        (LOST[len("\n=====================\nUNAVAILABLE: ") :], "Socket closed"),
        ("Graph execution error:\n\nDetected at node 'x'\nthe ps is gone\nmore", "the ps is gone"),
        ("", "no reason given"),
        (" \n", "no reason given"),
    ],
)
def test_gist_is_the_type_and_the_first_line_that_tells_a_cause(message: str, cause: str) -> None:
    assert gist(RuntimeError(message)) == f"RuntimeError: {cause}"


def test_event_files_without_a_folder_write_nothing() -> None:
    files = EventFiles(None)
    files.write(object(), 1)
    files.write_scalars(1, loss=0.5)
    files.close()
