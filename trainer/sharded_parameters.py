# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All parameters as one vector in equal shards, one per ps. A step pulls one tensor from each ps and pushes one to it.

A tensor over gRPC costs about 0.35 CPU-ms however small it is, and 0.7 CPU-ms more per MB (docs/performance.md), so few
tensors make a step cheap. TensorFlow's device setter places whole variables, 99 % of the bytes on one of two ps; equal shards
give each ps half.
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

# The defaults of tf.train.AdamOptimizer, as in the thesis.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
# Checkpoints store the vector and Adam's two slots under names that do not depend on the number of shards.
NAME = "parameters"

Build = Callable[[model.Maker], model.Network]


class _Plan(model.Parameters):
    """Records the parameters that a network requests, and creates no variables."""

    def __init__(self, seed: int | None) -> None:
        super().__init__(seed=seed, use_resource=True)
        self.names: list[str] = []
        self.starts: list[Any] = []

    def _variable(self, name: str, start: Any) -> Any:
        self.names.append(tf.get_default_graph().unique_name(name))
        self.starts.append(start)
        return start


class _Slices:
    """Returns the parts of a vector in the order of a plan."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = iter(parts)

    def weights(self, _name: str, shape: list[int], _stddev: float) -> Any:
        return tf.reshape(next(self._parts), shape)

    def zeros(self, _name: str, _size: int) -> Any:
        return next(self._parts)


class Layout:
    """The positions of all parameters in the vector, and their initial values: a tensor of the current graph."""

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
        """Refuse more ps than parameters."""
        if ps_count > self.total:
            raise ConfigError(
                f"--ps_hosts names {ps_count} ps, but the network has only {self.total} parameters: give at most that number"
            )

    def network(self, flat: Any) -> model.Network:
        """Build the network with these parameters."""
        return self._build(_Slices(tf.split(flat, self._sizes)))

    def by_name(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parameters by their names in the network."""
        parts = np.split(flat, np.cumsum(self._sizes)[:-1])
        return {name: part.reshape(shape) for name, part, shape in zip(self._names, parts, self._shapes, strict=True)}


def adam(variable: Any, slots: Sequence[Any], powers: Sequence[Any], rates: Sequence[Any], gradient: Any) -> Any:
    """Return the operation of one Adam step. `powers` are the current powers of both betas, `rates` come from `adam_rates`."""
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
    """Return the learning rate, both betas and epsilon."""
    return learning_rate, BETA1, BETA2, EPSILON


def read(variable: Any) -> Any:
    """Read the variable by one operation. Its own `read_value` adds two, and building every operation takes time."""
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


class Shards:
    """The vector on the ps. A graph may contain any number of `pull` and `push`."""

    def __init__(self, build: Build, *, seed: int | None, ps_count: int) -> None:
        self.layout = Layout(build, seed=seed)
        self.layout.check(ps_count)
        self.total = self.layout.total
        cuts = [self.total * number // ps_count for number in range(ps_count + 1)]
        self._ranges = list(pairwise(cuts))
        start = self.layout.start
        self.variables = [self._shard(k, NAME, start[low:high]) for k, (low, high) in enumerate(self._ranges)]
        # Each shard has its own powers of beta: reading another ps' would cost one more tensor per step. All count the same
        # pushes (two simultaneous pushes may count as one on a ps), so a checkpoint stores only the first shard's.
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
                # All rounds share these constants: fewer operations to build.
                self._rates.append([tf.constant(rate) for rate in adam_rates(learning_rate)])
                self._powers[number] = [
                    tf.Variable(beta, name=f"{name}_power", use_resource=True, trainable=False)
                    for beta, name in ((BETA1, "beta1"), (BETA2, "beta2"))
                ]
        for powers in self._powers[1:]:
            self.twins += zip(powers, self._powers[0], strict=True)

    def begin(self) -> list[Any]:
        """Return one tensor on each ps, like `push`, as the predecessor of the first `pull`."""
        begun = []
        for variable in self.variables:
            with tf.device(variable.device):
                begun.append(tf.constant(0))
        return begun

    def pull(self, after: Sequence[Any] = ()) -> tuple[Any, list[list[Any]]]:
        """Return the vector and each shard's powers. Each ps reads them after its tensor in `after` has been computed."""
        parts, powers = [], []
        for number, (variable, power) in enumerate(zip(self.variables, self._powers, strict=True)):
            with tf.device(variable.device), tf.control_dependencies(after[number : number + 1]):
                parts.append(read(variable))
                powers.append([read(one) for one in power])
        return parts[0] if len(parts) == 1 else tf.concat(parts, 0), powers

    def push(self, gradient: Any, powers: list[list[Any]]) -> list[Any]:
        """Apply each ps' part of the gradient by Adam, with the powers of the same pull. Return one tensor on each ps, computed
        after that."""
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
        """Return the current parameters by their names in the network."""
        return self.layout.by_name(np.concatenate(session.run(self.variables)))
