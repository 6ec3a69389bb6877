# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Common parts of the TensorFlow 2 strategies: the network on one vector, the Adam step, and the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from trainer import cluster, model
from trainer.config import Config
from trainer.context import Context
from trainer.data import PIXEL_MAX
from trainer.export import export
from trainer.sharded_parameters import BETA1, BETA2, Layout, adam, adam_rates


def configure(config: Config) -> None:
    """Set devices and threads before TensorFlow creates any object. `cluster.worker_device` names the GPU, if any."""
    gpus = tf.config.list_physical_devices("GPU")
    mine = gpus[config.task_index % config.num_gpus :][:1] if config.num_gpus else []
    for gpu in mine:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.set_visible_devices(mine, "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(config.threads)
    tf.config.threading.set_inter_op_parallelism_threads(cluster.inter_op_threads(config))


def lengths(config: Config) -> list[int]:
    """Return the numbers of steps in one call: the usual one, and the remainder for the last call."""
    return sorted({config.rounds, config.train_steps % config.rounds} - {0})


class Vector:
    """All parameters as one vector. `start` equals the initial values of the preset `fast` with the same seed."""

    def __init__(self, context: Context) -> None:
        config, dataset = context.config, context.dataset
        kind = model.NETWORKS[config.model]
        with tf1.Graph().as_default(), tf1.Session(target="") as session:
            tf1.set_random_seed(config.seed)
            self.layout = Layout(
                lambda make: kind(make, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units),
                seed=config.seed,
            )
            self.start: np.ndarray = session.run(self.layout.start)

    def loss(self, flat: Any, images: Any, classes: Any) -> Any:
        """Return the loss of `fast`, summed over the batch."""
        logits = self._logits(flat, images)
        labels = tf.cast(classes, tf.int32)
        return tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))

    def gradient(self, flat: Any, images: Any, classes: Any) -> tuple[Any, Any]:
        """Return the loss of a batch and its gradient at `flat`."""
        with tf.GradientTape() as tape:
            tape.watch(flat)
            loss = self.loss(flat, images, classes)
        return loss, tape.gradient(loss, flat)

    def accuracy(self, flat: np.ndarray, split: tuple[np.ndarray, np.ndarray]) -> float:
        images, classes = split
        return float(model.hits(self._logits(tf.constant(flat), tf.constant(images)), tf.constant(classes)))

    def _logits(self, flat: Any, images: Any) -> Any:
        return self.layout.network(flat).logits(tf.cast(images, tf.float32) / PIXEL_MAX, model.Unobserved())


def timed(work: Callable[[Any], Any], given: Any) -> tuple[Any, Any]:
    """Return the result of `work` on a tensor, and the seconds since that tensor was computed, by its device's clock."""
    with tf.control_dependencies([given]):
        began = tf.timestamp()
    with tf.control_dependencies([began]):
        given = tf.identity(given)
    made = work(given)
    with tf.control_dependencies(tf.nest.flatten(made)):
        return made, tf.timestamp() - began


def apply_adam(variable: Any, slots: Sequence[Any], powers: Sequence[Any], rate: float, gradient: Any) -> None:
    """Make one Adam step on one shard. `powers` are vectors of one number on its device; `tf.function` keeps the order."""
    with tf.device(variable.device):
        adam(variable, slots, [tf.reshape(power.read_value(), []) for power in powers], adam_rates(rate), gradient)
        for power, beta in zip(powers, (BETA1, BETA2), strict=True):
            power.assign(power.read_value() * beta)


def finish(context: Context, vector: Vector, flat: np.ndarray) -> None:
    """Evaluate and export the final parameters on the chief."""
    context.evaluated_at_the_end(lambda: vector.accuracy(flat, context.dataset.test))
    if context.config.export_dir:
        export(context, vector.layout.by_name(flat))
