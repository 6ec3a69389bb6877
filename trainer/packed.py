# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All parameters as one vector, cut into equal shards: one for each ps, which is one tensor to pull and one to push.

TensorFlow's way over gRPC costs the same 0.7 CPU-ms for a tensor of ten numbers as for one of thousands, and its device
setter gives whole variables to one ps, so that a second ps carries next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from trainer import model
from trainer.config import ConfigError

# Of tf.train.AdamOptimizer, as in the thesis.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
# Under these names checkpoints hold the vector and Adam's two, whatever the number of shards.
NAME = "parameters"

Build = Callable[[model.Maker], model.Network]


class _Plan(model.Parameters):
    """Notes what a network wants instead of making it."""

    def __init__(self, seed: int | None) -> None:
        super().__init__(seed=seed, use_resource=True)
        self.names: list[str] = []
        self.starts: list[Any] = []

    def _variable(self, name: str, start: Any) -> Any:
        self.names.append(tf.get_default_graph().unique_name(name))
        self.starts.append(start)
        return start


class _Slices:
    """Hands out the parts of a vector in the order of a plan."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = iter(parts)

    def weights(self, _name: str, shape: list[int], _stddev: float) -> Any:
        return tf.reshape(next(self._parts), shape)

    def zeros(self, _name: str, _size: int) -> Any:
        return next(self._parts)


class Layout:
    """Which part of the vector is what, and where training starts: a tensor of the graph in which this is made."""

    def __init__(self, build: Build, *, seed: int | None) -> None:
        self._build = build
        plan = _Plan(seed)
        build(plan)
        self._names = plan.names
        self._shapes = [start.shape.as_list() for start in plan.starts]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self.total = sum(self._sizes)
        self.start = tf.concat([tf.reshape(one, [-1]) for one in plan.starts], 0)

    def check(self, ps_count: int) -> None:
        """Whether each ps gets a part."""
        if ps_count > self.total:
            raise ConfigError(
                f"--ps_hosts names {ps_count} ps, but the network has only {self.total} parameters: give at most so many"
            )

    def network(self, flat: Any) -> model.Network:
        """The network with these parameters, where it is built."""
        return self._build(_Slices(tf.split(flat, self._sizes)))

    def by_name(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters as the network knows them: name to array."""
        parts = np.split(flat, np.cumsum(self._sizes)[:-1])
        return {name: part.reshape(shape) for name, part, shape in zip(self._names, parts, self._shapes, strict=True)}


def adam(variable: Any, slots: Sequence[Any], powers: Sequence[Any], rate: float, gradient: Any) -> Any:
    """The operation of one step of Adam; `powers` are what the powers of beta are now, as numbers."""
    m, v = slots
    return tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=powers[0],
        beta2_power=powers[1],
        lr=rate,
        beta1=BETA1,
        beta2=BETA2,
        epsilon=EPSILON,
        grad=gradient,
    )


class Shards:
    """The vector on the ps. `pull` and `push` are built any number of times."""

    def __init__(self, build: Build, *, seed: int | None, ps_count: int) -> None:
        self.layout = Layout(build, seed=seed)
        self.layout.check(ps_count)
        self.total = self.layout.total
        cuts = [self.total * number // ps_count for number in range(ps_count + 1)]
        self._ranges = list(pairwise(cuts))
        start = self.layout.start
        self.variables = [self._shard(k, NAME, start[low:high]) for k, (low, high) in enumerate(self._ranges)]
        # Shards have powers of their own, since those of another ps would be one more tensor on its way. All count the same
        # pushes (two that meet on one ps may count as one there), so a checkpoint holds those of the first.
        self.twins: list[tuple[Any, Any]] = []

    def _shard(self, number: int, name: str, start: Any) -> Any:
        low, high = self._ranges[number]
        with tf.device(f"/job:ps/task:{number}/cpu:0"):
            made = tf.Variable(start, name=f"{name}/part_{number}", use_resource=True, trainable=name == NAME)
        made._set_save_slice_info(tf.Variable.SaveSliceInfo(name, [self.total], [low], [high - low]))
        return made

    def pull(self, after: Sequence[Any]) -> list[Any]:
        """What each ps holds once the operation of that place has been done there."""
        pulled = []
        for variable, before in zip(self.variables, after, strict=True):
            with tf.device(variable.device), tf.control_dependencies([before] if before is not None else []):
                pulled.append(tf.identity(variable.read_value()))
        return pulled

    def network(self, pulled: Sequence[Any]) -> model.Network:
        """The network with these parameters, where it is built."""
        return self.layout.network(pulled[0] if len(pulled) == 1 else tf.concat(pulled, 0))

    def add_adam(self, learning_rate: float) -> None:
        self._rate = learning_rate
        self._slots: list[list[Any]] = []
        self._powers: list[list[Any]] = []
        for number, (low, high) in enumerate(self._ranges):
            slots = [self._shard(number, f"{NAME}/{name}", tf.zeros([high - low])) for name in ("Adam", "Adam_1")]
            with tf.device(f"/job:ps/task:{number}/cpu:0"):
                powers = [
                    tf.Variable(beta, name=f"{name}_power", use_resource=True, trainable=False)
                    for beta, name in ((BETA1, "beta1"), (BETA2, "beta2"))
                ]
            self._slots.append(slots)
            self._powers.append(powers)
        for powers in self._powers[1:]:
            self.twins += zip(powers, self._powers[0], strict=True)

    def push(self, loss: Any, pulled: Sequence[Any]) -> list[Any]:
        """One operation on each ps that has its part of the gradient at what was pulled go in by Adam."""
        gradients = tf.gradients(loss, pulled)
        return [self._apply(number, *pair) for number, pair in enumerate(zip(gradients, pulled, strict=True))]

    def _apply(self, number: int, gradient: Any, pulled: Any) -> Any:
        variable, slots, (power1, power2) = self.variables[number], self._slots[number], self._powers[number]
        with tf.device(variable.device):
            # Not before the pull, which follows the push of the round before: it moves the powers as well.
            with tf.control_dependencies([pulled]):
                powers = power1.read_value(), power2.read_value()
            applied = adam(variable, slots, powers, self._rate, gradient)
            with tf.control_dependencies([applied]):
                moved = [
                    power.assign(power.read_value() * beta, read_value=False)
                    for power, beta in ((power1, BETA1), (power2, BETA2))
                ]
            return tf.group(applied, *moved)

    def by_name(self, session: Any) -> dict[str, np.ndarray]:
        """The parameters as the network knows them: name to array."""
        return self.layout.by_name(np.concatenate(session.run(self.variables)))
