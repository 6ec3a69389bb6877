# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the strategies with parameter servers share: one worker from its server to its last step, and the ps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import tensorflow.compat.v1 as tf

from trainer import cluster, presets
from trainer.export import export
from trainer.job import Job


class Aggregation(Protocol):
    """How the gradients of the workers come together."""

    def minimise(self, optimizer: Any, loss: Any, global_step: Any) -> Any:
        """Build the operation of one step."""

    def initialise(self, session: Any) -> None:
        """Let the chief prepare what is shared, once all variables are initialised."""

    def join(self, session: Any) -> None:
        """Prepare what is this worker's own, once the chief is done."""


def train(job: Job, aggregation: Callable[[Job], Aggregation]) -> None:
    # Here and not earlier: a parent that preloads and forks must not have touched TensorFlow.
    tf.disable_eager_execution()
    if job.config.job_name == "ps":
        server = cluster.start_server(job.config)
        job.log.event("session_ready")
        server.join()
    else:
        _work(job, aggregation(job))


def _work(job: Job, aggregation: Aggregation) -> None:
    config = job.config
    server, target = cluster.connect(config)
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(config.seed)
        preset = presets.load(config.preset)
        with tf.device(cluster.placement(config, balanced=preset.balanced)):
            trial = preset(job, aggregation.minimise)
        line = cluster.StartLine(config, trial.global_step)
        initializer = tf.global_variables_initializer()
        job.progress.bytes_per_ps = cluster.bytes_per_ps(graph, config)
        session = tf.Session(target, config=cluster.session_config(config))

        def initialise() -> None:
            session.run(initializer)
            aggregation.initialise(session)

        trial.initialise(session)
        job.log.event("session_ready")
        arrived = job.clock.mono()
        step = line.meet(session, initialise)
        aggregation.join(session)
        job.start(step, waited=job.clock.mono() - arrived)
        job.target_reached(trial.train(session))
        trial.close()
        if config.is_chief:
            _finish(job, trial, session)
    # The server lives as long as its object, and a worker's session runs on it.
    del server


def _finish(job: Job, trial: presets.Trial, session: Any) -> None:
    job.log.event("eval", global_step=job.progress.global_step, accuracy=round(trial.accuracy(session), 6))
    if job.config.export_dir:
        export(job, {variable.op.name: value for variable, value in _values(session)})


def _values(session: Any) -> Iterator[tuple[Any, Any]]:
    variables = tf.trainable_variables()
    return zip(variables, session.run(variables), strict=True)
