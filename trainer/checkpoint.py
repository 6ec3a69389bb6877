# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chief saves and restores parameters, optimiser slots and the global step in TensorFlow's own checkpoint format."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from trainer import cluster
from trainer.config import ConfigError
from trainer.context import Context
from trainer.event_log import gist

KEPT = 3


class Checkpoints:
    """Create it after all variables of the chief's graph. Any thread may call `save`."""

    def __init__(self, context: Context, global_step: Any, *, twins: Sequence[tuple[Any, Any]] = ()) -> None:
        """A checkpoint leaves the first variable of each twin out; a restore copies the second one's value into it."""
        self._context = context
        self._folder = Path(context.config.checkpoint_dir)
        unsaved = {twin.ref() for twin, _other in twins}
        self._variables = [variable for variable in tf.global_variables() if variable.ref() not in unsaved]
        self._spread = [tf.assign(twin, other) for twin, other in twins]
        self._global_step = global_step
        # The chief writes: the variables lie on a ps, which may be another machine with another disk.
        with tf.device(cluster.host_device(context.config)):
            self._saver = tf.train.Saver(self._variables, max_to_keep=KEPT)
        self._lock = threading.Lock()
        self._session: Any = None
        self._saved_step: int | None = None

    def save_from(self, session: Any) -> None:
        """Save from this session from now on; None stops saving."""
        self._session = session

    def save(self) -> None:
        """Write the current values of the ps, unless the last checkpoint holds the same step."""
        with self._lock:
            session, began = self._session, self._context.clock.mono()
            if session is None:
                return
            step = int(session.run(self._global_step))
            if step == self._saved_step:
                return
            path = self._saver.save(session, str(self._folder / "model.ckpt"), global_step=step, write_meta_graph=False)
            # The other workers have continued meanwhile, so the file may hold a later step.
            held = int(tf.train.load_variable(path, self._global_step.op.name))
            self._saved_step = held
            self._context.log.event(
                "checkpoint_saved", global_step=held, seconds=round(self._context.clock.mono() - began, 6)
            )

    def save_if_possible(self) -> None:
        """Log a failure, such as a lost ps, and leave the saving to the next call."""
        try:
            self.save()
        except (tf.errors.OpError, RuntimeError, OSError) as error:
            self._context.log.event("checkpoint_failed", reason=gist(error))

    def restore(self, session: Any) -> int | None:
        """Restore the last checkpoint; return its global step, or None when there is none yet."""
        path = tf.train.latest_checkpoint(str(self._folder))
        if path is None:
            return None
        self._check(path)
        self._saver.restore(session, path)
        session.run(self._spread)
        step = int(session.run(self._global_step))
        self._context.log.event("restored", global_step=step)
        return step

    def _check(self, path: str) -> None:
        """Refuse a checkpoint of another network in one sentence; TensorFlow's own error has a hundred lines."""
        try:
            found = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        except (tf.errors.OpError, ValueError) as error:
            raise ConfigError(f"--checkpoint_dir holds {path!r}, but it cannot be read as a checkpoint") from error
        for variable in self._variables:
            name, shape = variable.op.name, variable.shape.as_list()
            if whole := variable._save_slice_info:
                # The checkpoint may come from another number of shards, so the whole vector counts.
                name, shape = whole.full_name, whole.full_shape
            if found.get(name) != shape:
                there = "is not there" if name not in found else f"is {shape_text(found[name])} there"
                raise ConfigError(
                    f"--checkpoint_dir holds {path!r} of another network: {name} {there}, but {shape_text(shape)} here;"
                    " give the flags it was saved with, or another folder"
                )


def shape_text(sizes: list[int]) -> str:
    return "x".join(map(str, sizes)) or "one number"
