# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Synchronous training: the gradients of all workers (or of `replicas_to_aggregate`) are averaged into one global step."""

from __future__ import annotations

from typing import Any

import tensorflow.compat.v1 as tf

from trainer.context import Context
from trainer.strategies import parameter_server


class Synchronous:
    """TensorFlow's SyncReplicasOptimizer: accumulators collect gradients, and a token lets a worker start its next step.

    Each step puts at least one token per worker into the queue, so every worker gets one after the last step and can end.
    """

    def __init__(self, context: Context) -> None:
        self._config = context.config
        self._workers = len(context.config.worker_hosts)
        self._coordinator = tf.train.Coordinator()

    def minimise(self, optimizer: Any, loss: Any, global_step: Any) -> Any:
        synchronous = tf.train.SyncReplicasOptimizer(
            optimizer,
            replicas_to_aggregate=self._config.replicas_to_aggregate or self._workers,
            total_num_replicas=self._workers,
        )
        train_step = synchronous.minimize(loss, global_step=global_step)
        self._enter = synchronous.chief_init_op if self._config.is_chief else synchronous.local_step_init_op
        self._tokens = synchronous.get_init_tokens_op()
        self._aggregator = synchronous.get_chief_queue_runner()
        return train_step

    def initialise(self, session: Any) -> None:
        session.run(self._tokens)
        self._aggregator.create_threads(session, coord=self._coordinator, daemon=True, start=True)

    def join(self, session: Any) -> None:
        session.run(self._enter)


def train(context: Context) -> None:
    parameter_server.train(context, Synchronous)
