# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Common parts of the parameter server strategies: a worker from its server to its last step, and the ps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import tensorflow.compat.v1 as tf

from trainer import cluster, presets, shutdown
from trainer.checkpoint import Checkpoints, shape_text
from trainer.config import ConfigError
from trainer.context import Context
from trainer.evaluation import Evaluator
from trainer.event_log import gist
from trainer.export import export
from trainer.ps_counters import PsCounters
from trainer.training_loop import TrainingLoop

# Errors of a session after a ps was lost or has restarted without variables.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    # gRPC's status for a broken connection of which it knows no more.
    tf.errors.UnknownError,
)
# So many losses without a step between them have another cause than a restarted ps.
MOST_LOSSES = 20
PAUSE_SECONDS = 0.5


class Aggregation(Protocol):
    """The way to combine the gradients of all workers."""

    def minimise(self, optimizer: Any, loss: Any, global_step: Any) -> Any:
        """Build the operation of one step."""

    def initialise(self, session: Any) -> None:
        """Prepare the shared state on the chief, after all variables are initialised."""

    def join(self, session: Any) -> None:
        """Prepare this worker's own state, after the chief's `initialise`."""


def train(context: Context, aggregation: Callable[[Context], Aggregation]) -> None:
    # Not at import: a parent that preloads and forks must not initialise TensorFlow.
    tf.disable_eager_execution()
    if context.config.job_name == "ps":
        serve(context)
    else:
        _work(context, aggregation(context))


def serve(context: Context) -> None:
    """Run a ps until a signal ends it."""
    if context.config.long_running or context.config.checkpoint_dir:
        shutdown.Watch().start()
    server = cluster.start_server(context.config)
    context.log.event("session_ready")
    server.join()


def _work(context: Context, aggregation: Aggregation) -> None:
    server, target = cluster.connect(context.config)
    with tf.Graph().as_default() as graph:
        worker = Worker(context, aggregation, graph, target)
        if context.config.long_running:
            worker.run_until_stopped()
        else:
            worker.run()
    # The server lives as long as its object, and a worker's session runs on it.
    del server


class Worker:
    """One worker's graph, and its course through a training."""

    def __init__(self, context: Context, aggregation: Aggregation, graph: Any, target: str) -> None:
        config = context.config
        self._context = context
        self._aggregation = aggregation
        self._target = target
        tf.set_random_seed(config.seed)
        with tf.device(cluster.placement(config)):
            self._loop = loop = presets.load(config.preset)(context, aggregation.minimise)
        self._initializer = tf.global_variables_initializer()
        self._missing = tf.report_uninitialized_variables(tf.global_variables()) if config.long_running else None
        context.progress.bytes_per_ps = cluster.bytes_per_ps(graph, config)
        context.progress.step_bytes_per_ps = cluster.step_bytes_per_ps(tf.trainable_variables(), config)
        has_checkpoints = config.is_chief and config.checkpoint_dir
        # Of the chief, with a target accuracy.
        self._evaluator: Evaluator | None = None
        self._checkpoints = Checkpoints(context, loop.global_step, twins=loop.twins) if has_checkpoints else None
        if self._checkpoints:
            save = self._checkpoints.save_if_possible
            shutdown.Watch(every=config.checkpoint_seconds, act=save, last=save).start()
        elif config.long_running or config.checkpoint_dir:
            shutdown.Watch().start()

    def _open(self) -> Any:
        session = tf.Session(self._target, config=cluster.session_config(self._context.config))
        self._loop.initialise(session)
        self._context.log.event("session_ready")
        return session

    def run(self) -> None:
        """Do a measured run: all workers meet at the start line, and each ends after the last step."""
        line = cluster.StartLine(self._context.config, self._loop.global_step)
        counters = PsCounters(self._context.config)
        session = self._open()
        arrived = self._context.clock.mono()
        step = line.meet(session, lambda: self._prepare(session), lambda: counters.begin(session))
        self._aggregation.join(session)
        self._begin(session, step, waited=self._context.clock.mono() - arrived)
        self._context.progress.ps = counters.used(session)
        self._end(session)

    def _prepare(self, session: Any) -> None:
        session.run(self._initializer)
        if (last_step := self._loop.last_step) is not None:
            session.run(last_step.initializer)
            self._evaluator = Evaluator(
                self._context,
                step=lambda: int(session.run(self._loop.global_step)),
                parameters=lambda: self._loop.parameters(session),
                stop=lambda: last_step.lower(session),
            )
        if self._checkpoints and self._context.config.restore:
            self._checkpoints.restore(session)
        self._aggregation.initialise(session)

    def _begin(self, session: Any, step: int, *, waited: float) -> None:
        if self._checkpoints:
            self._checkpoints.save_from(session)
        self._context.start(step, waited=waited)
        if self._evaluator is None:
            self._context.target_reached(self._loop.train(session))
            return
        self._evaluator.start()
        step = self._loop.train(session)
        self._context.target_reached(step, by_accuracy=self._evaluator.reached)
        self._evaluator.finish()

    def _end(self, session: Any) -> None:
        self._loop.close()
        if self._checkpoints:
            self._checkpoints.save()
        if self._context.config.is_chief:
            _finish(self._context, self._loop, session)

    def run_until_stopped(self) -> None:
        """Do a long-running training: wait for lost ps, and stay alive after the last step."""
        cluster.await_ps(self._context.config)
        try:
            session = self._open()
            arrived = self._context.clock.mono()
            self._begin(session, self._join(session), waited=self._context.clock.mono() - arrived)
            self._end(session)
        except LOST as error:
            self._restart(error)
        shutdown.sleep()

    def _restart(self, error: Any) -> NoReturn:
        """Restart this process, because TensorFlow's channels wait up to 20 s before they connect again."""
        self._context.log.event("ps_lost", reason=gist(error))
        if self._checkpoints:
            self._checkpoints.save_from(None)
        if self._context.progress.local_steps:
            self._loop.close()
        losses = shutdown.losses(self._context.progress.local_steps)
        if losses > MOST_LOSSES:
            raise error
        shutdown.restart(losses)

    def _join(self, session: Any) -> int:
        """Return the global step from which this worker continues; the chief restores or initialises the variables."""
        while len(session.run(self._missing)):
            if self._context.config.is_chief:
                # All variables at once, so that no worker trains on a part of them.
                restored = self._checkpoints.restore(session) if self._checkpoints else None
                if restored is None:
                    session.run(self._initializer)
                return int(session.run(self._loop.global_step))
            time.sleep(PAUSE_SECONDS)
        _check_network(session)
        step = int(session.run(self._loop.global_step))
        self._context.log.event("resumed", global_step=step)
        return step


def _check_network(session: Any) -> None:
    """Compare the shapes on the ps with this network's: a step of TensorFlow would accept any shapes."""
    variables = tf.trainable_variables()
    for variable, value in zip(variables, session.run(variables), strict=True):
        there, here = list(value.shape), variable.shape.as_list()
        if there != here:
            raise ConfigError(
                f"the ps hold {variable.op.name} as {shape_text(there)}, but this worker's flags make it"
                f" {shape_text(here)}: give the flags of the other workers, or restart the ps too"
            )


def _finish(context: Context, loop: TrainingLoop, session: Any) -> None:
    context.evaluated_at_the_end(lambda: loop.accuracy(session))
    if context.config.export_dir:
        export(context, loop.parameters(session))
