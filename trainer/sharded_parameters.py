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


def adam(variable: Any, slots: Sequence[Any], powers: Sequence[Any], rates: Sequence[Any], gradient: Any) -> Any:
    """The operation of one step of Adam; `powers` are what the powers of beta are now, `rates` is what `adam_rates` gives."""
    (m, v), (rate, beta1, beta2, epsilon) = slots, rates
    return tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=powers[0],
        beta2_power=powers[1],
        lr=rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        grad=gradient,
    )


def adam_rates(learning_rate: float) -> tuple[float, float, float, float]:
    """The learning rate, both betas and epsilon."""
    return learning_rate, BETA1, BETA2, EPSILON


def read(variable: Any) -> Any:
    """One operation where the variable's own `read_value` makes two: a graph is built at a price for each."""
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


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
        self._rates: list[list[Any]] = []
        self._slots: list[list[Any]] = []
        self._powers: list[list[Any]] = [[] for _shard in self._ranges]

    def _shard(self, number: int, name: str, start: Any) -> Any:
        low, high = self._ranges[number]
        with tf.device(f"/job:ps/task:{number}/cpu:0"):
            made = tf.Variable(start, name=f"{name}/part_{number}", use_resource=True, trainable=name == NAME)
        made._set_save_slice_info(tf.Variable.SaveSliceInfo(name, [self.total], [low], [high - low]))
        return made

    def add_adam(self, learning_rate: float) -> None:
        for number, (low, high) in enumerate(self._ranges):
            start = tf.zeros([high - low])
            self._slots.append([self._shard(number, f"{NAME}/{name}", start) for name in ("Adam", "Adam_1")])
            with tf.device(f"/job:ps/task:{number}/cpu:0"):
                # Made once for all rounds.
                self._rates.append([tf.constant(rate) for rate in adam_rates(learning_rate)])
                self._powers[number] = [
                    tf.Variable(beta, name=f"{name}_power", use_resource=True, trainable=False)
                    for beta, name in ((BETA1, "beta1"), (BETA2, "beta2"))
                ]
        for powers in self._powers[1:]:
            self.twins += zip(powers, self._powers[0], strict=True)

    def begin(self) -> list[Any]:
        """For each ps a tensor there, as `push` gives: what the first `pull` comes after."""
        begun = []
        for variable in self.variables:
            with tf.device(variable.device):
                begun.append(tf.constant(0))
        return begun

    def pull(self, after: Sequence[Any] = ()) -> tuple[Any, list[list[Any]]]:
        """The vector and each shard's powers, read on each ps once the tensor of that place is there."""
        parts, powers = [], []
        for number, (variable, power) in enumerate(zip(self.variables, self._powers, strict=True)):
            with tf.device(variable.device), tf.control_dependencies(after[number : number + 1]):
                parts.append(read(variable))
                powers.append([read(one) for one in power])
        return parts[0] if len(parts) == 1 else tf.concat(parts, 0), powers

    def push(self, gradient: Any, powers: list[list[Any]]) -> list[Any]:
        """Have each ps' part of the gradient go in by Adam, with the powers that came with the pull: a tensor there when done."""
        parts = [tf.slice(gradient, [low], [high - low]) for low, high in self._ranges]
        return [self._apply(number, *pair) for number, pair in enumerate(zip(parts, powers, strict=True))]

    def _apply(self, number: int, gradient: Any, powers: list[Any]) -> Any:
        variable, rates = self.variables[number], self._rates[number]
        with tf.device(variable.device):
            applied = adam(variable, self._slots[number], powers, rates, gradient)
            with tf.control_dependencies([applied]):
                moved = [
                    tf.raw_ops.AssignVariableOp(resource=power.handle, value=read(power) * beta)
                    for power, beta in zip(self._powers[number], rates[1:3], strict=True)
                ]
            with tf.control_dependencies(moved):
                return tf.constant(0)

    def by_name(self, session: Any) -> dict[str, np.ndarray]:
        """The parameters as the network knows them: name to array."""
        return self.layout.by_name(np.concatenate(session.run(self.variables)))
