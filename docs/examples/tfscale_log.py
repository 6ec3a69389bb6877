# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the lines from which tfscale.study reads a training (docs/timing-log.md). Copy this file beside your program.

    tfscale_log.start(torch.distributed.barrier)    # all processes are ready; no step has been made
    tfscale_log.progress(step, loss)                # now and then
    with tfscale_log.waiting(): ...                 # optional: time that is spent waiting for others
    tfscale_log.evaluation(step, accuracy)
    tfscale_log.finish(step)                        # all steps are made

Keras: model.fit(..., callbacks=[tfscale_log.keras_callback()]).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

_state = {"start": 0.0, "cpu": 0.0, "waited": 0.0}


def say(event: str, **fields: Any) -> None:
    """Of each worker its first process alone speaks."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        place = {"replica": "worker", "index": int(os.environ.get("TASK_INDEX", "0"))}
        told = {"v": 1, "event": event, **place, "wall": time.time(), "mono": time.monotonic(), **fields}
        print(":::TFSCALE " + json.dumps(told), flush=True)


def start(barrier: Callable[[], Any] | None = None) -> None:
    if barrier:
        barrier()
    _state.update(start=time.monotonic(), cpu=time.process_time(), waited=0.0)
    say("start_line", global_step=0)


def progress(step: int, loss: Any = None) -> None:
    say("progress", global_step=int(step), **({} if loss is None else {"loss": float(loss)}))


def evaluation(step: int, accuracy: Any) -> None:
    say("eval", global_step=int(step), accuracy=float(accuracy))


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    begun = time.monotonic()
    try:
        yield
    finally:
        _state["waited"] += time.monotonic() - begun


def finish(step: int) -> None:
    say("target_reached", global_step=int(step))
    seconds, cpu = time.monotonic() - _state["start"], time.process_time() - _state["cpu"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    trained = {"seconds": seconds, "cpu_seconds": cpu, "rss_peak_bytes": peak}
    total = {"cpu_seconds": time.process_time(), "rss_peak_bytes": peak, "wait_seconds": _state["waited"]}
    say("summary", **total, trained=trained)


def keras_callback(every: int = 20) -> Any:
    """A callback for Model.fit; `every` is in steps."""
    import keras

    class TfscaleLog(keras.callbacks.Callback):  # type: ignore[misc]
        step = 0

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            start()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.step += 1
            if self.step % every == 0:
                progress(self.step, (logs or {}).get("loss"))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            accuracy = [value for name, value in (logs or {}).items() if name.startswith("val_") and "acc" in name]
            if accuracy:
                evaluation(self.step, accuracy[0])

        def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
            finish(self.step)

    return TfscaleLog()
