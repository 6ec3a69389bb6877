# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a run: the timing log on stdout, and scalars for TensorBoard."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any, TextIO

from trainer.timing import Clock

TOKEN = ":::TFSCALE"
VERSION = 1
# Lines of TensorFlow's messages that tell no cause: rulers, where an error was seen, and the source lines of an operation.
_HEADING = re.compile(r"=*$|([A-Z_]+: )?From /job:|Graph execution error|Detected at node")


class NonFiniteLossError(Exception):
    """The loss is NaN or infinite, so measuring further steps would be meaningless."""

    def __init__(self, loss: float, global_step: int) -> None:
        super().__init__(f"loss became {loss} at global step {global_step}")


def check_finite(loss: float, global_step: int) -> None:
    if not math.isfinite(loss):
        raise NonFiniteLossError(loss, global_step)


def gist(error: Exception) -> str:
    """Return the error's type and the first line of its message that tells a cause; a message may be empty."""
    # TensorFlow adds to the text of an error where its operation was made.
    lines = (line.strip() for line in getattr(error, "message", str(error)).splitlines())
    return f"{type(error).__name__}: {next((line for line in lines if not _HEADING.match(line)), 'no reason given')}"


class EventLog:
    """The timing log: one line of JSON after a token. Each line is flushed, so that a killed replica loses none."""

    def __init__(self, *, replica: str, index: int, clock: Clock, stream: TextIO | None = None) -> None:
        self._who = {"replica": replica, "index": index}
        self._clock = clock
        self._stream = stream

    def event(self, name: str, **fields: Any) -> None:
        times = {"wall": round(self._clock.wall(), 6), "mono": round(self._clock.mono(), 6)}
        line = {"v": VERSION, "event": name, **self._who, **times, **fields}
        self.text(f"{TOKEN} {json.dumps(line, separators=(',', ':'), default=_plain)}")

    def text(self, line: str) -> None:
        # One write for line and newline: replicas of one machine may share a stream.
        stream = self._stream or sys.stdout
        stream.write(line + "\n")
        stream.flush()


def _plain(value: Any) -> Any:
    """Convert a NumPy number for JSON."""
    return value.item()


class EventFiles:
    """Writes TensorBoard's event files into a folder, or nothing if there is none."""

    def __init__(self, folder: Path | None, *, graph: Any = None) -> None:
        self._writer: Any = None
        if folder is not None:
            import tensorflow.compat.v1 as tf

            with tf.Graph().as_default():  # the writer needs a graph, which eager execution does not have
                self._writer = tf.summary.FileWriter(str(folder), graph)

    def write(self, summary: Any, global_step: int) -> None:
        if self._writer is not None:
            self._writer.add_summary(summary, global_step)

    def write_scalars(self, global_step: int, **scalars: float | None) -> None:
        if self._writer is None:
            return
        from tensorflow.compat.v1 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items() if value is not None]
        self._writer.add_summary(Summary(value=values), global_step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
