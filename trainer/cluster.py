# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TensorFlow cluster of parameter servers and workers: servers, sessions, placement, and the start line."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow.compat.v1 as tf

from trainer.config import Config, ConfigError

PS_DEVICE = "/job:ps/cpu:0"
LOOK_SECONDS = 0.2
VARIABLE_OPS = ("Variable", "VariableV2", "VarHandleOp")


def host_device(config: Config) -> str:
    """Return the device that holds this worker's examples."""
    return f"/job:worker/task:{config.task_index}/cpu:0"


def worker_device(config: Config) -> str:
    """Return the device on which this worker computes: workers take the GPUs of a machine in turn, as in Listing 5.4."""
    if not config.num_gpus:
        return host_device(config)
    return f"/job:worker/task:{config.task_index}/gpu:{config.task_index % config.num_gpus}"


def check_gpus(config: Config) -> None:
    """Refuse to start when TensorFlow sees fewer GPUs than this worker needs."""
    if config.num_gpus and config.job_name == "worker":
        seen = len(tf.config.list_physical_devices("GPU"))
        if seen < config.num_gpus:
            raise ConfigError(
                f"--num_gpus is {config.num_gpus}, but TensorFlow {tf.version.VERSION} finds {seen} on this machine: give at most that number,"
                " and install a TensorFlow with the libraries of the GPU"
            )


def spec(config: Config) -> Any:
    return tf.train.ClusterSpec({"ps": list(config.ps_hosts), "worker": list(config.worker_hosts)})


def session_config(config: Config) -> Any:
    """Workers see only the ps and themselves, so that none waits for another worker's server (Listing 5.7)."""
    filters = ["/job:ps", f"/job:worker/task:{config.task_index}"] if config.job_name == "worker" else []
    gpus = config.num_gpus if config.job_name == "worker" else 0
    return tf.ConfigProto(
        allow_soft_placement=True,
        # Replicas of one machine share the memory of its GPUs; a ps uses none.
        device_count={"GPU": gpus},
        gpu_options=tf.GPUOptions(allow_growth=True),
        device_filters=filters,
        intra_op_parallelism_threads=config.threads,
        inter_op_parallelism_threads=inter_op_threads(config),
    )


def inter_op_threads(config: Config) -> int:
    """Give `tf2_ps` at least two threads: the coordinator's call occupies one while the worker's operations need another."""
    return max(2, config.threads) if config.threads and config.strategy == "tf2_ps" else config.threads


def start_server(config: Config) -> Any:
    return tf.train.Server(
        spec(config), job_name=config.job_name, task_index=config.task_index, config=session_config(config)
    )


def connect(config: Config) -> tuple[Any, str]:
    """Return this worker's server (None if another process runs it) and the address for its session."""
    if config.existing_servers:
        return None, f"grpc://{config.worker_hosts[config.task_index]}"
    server = start_server(config)
    return server, server.target


def await_ps(config: Config) -> None:
    """Return once every ps listens: after a failed connection a channel of TensorFlow waits for seconds before the next."""
    for address in config.ps_hosts:
        host, _colon, port = address.rpartition(":")
        while True:
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=2.0).close()
                break
            except OSError:
                time.sleep(LOOK_SECONDS)


def placement(config: Config) -> Callable[[Any], str]:
    """Return the device function of Listing 5.4: variables on the ps in turn, the rest on the worker."""
    setter: Callable[[Any], str] = tf.train.replica_device_setter(
        worker_device=worker_device(config), ps_device=PS_DEVICE, cluster=spec(config)
    )
    return setter


def size_of(op: Any) -> int:
    shape = tf.TensorShape(op.get_attr("shape"))
    return int(shape.num_elements() * tf.as_dtype(op.get_attr("dtype")).size)


def bytes_per_ps(graph: Any, config: Config) -> list[int]:
    """Return the size of all variables on each ps: parameters and optimiser slots."""
    totals = [0] * len(config.ps_hosts)
    for op in graph.get_operations():
        if op.type in VARIABLE_OPS and (device := tf.DeviceSpec.from_string(op.device)).job == "ps":
            totals[device.task or 0] += size_of(op)
    return totals


def step_bytes_per_ps(variables: Iterable[Any], config: Config) -> list[int]:
    """Return the size of these variables on each ps. A step pulls so many bytes from it, and pushes as many to it."""
    totals = [0] * len(config.ps_hosts)
    for variable in variables:
        task = tf.DeviceSpec.from_string(variable.device).task
        totals[task or 0] += variable.shape.num_elements() * variable.dtype.size
    return totals


class StartLine:
    """Queues on ps 0 where all workers meet before step 1.

    A worker reports that it is ready and waits for the signal to start. The chief initialises the variables, waits for
    all others, and sends each of them the current global step as that signal. By then the session of every worker has
    reached every ps.
    """

    def __init__(self, config: Config, global_step: Any) -> None:
        self._config = config
        self._others = len(config.worker_hosts) - 1
        with tf.device("/job:ps/task:0/cpu:0"):
            ready = tf.FIFOQueue(-1, [tf.int32], shapes=[()], shared_name="tfscale_ready", name="ready")
            leave = tf.FIFOQueue(-1, [tf.int64], shapes=[()], shared_name="tfscale_leave", name="leave")
            self._say_ready = ready.enqueue(config.task_index)
            self._all_ready = ready.dequeue_many(self._others)
            self._await_leave = leave.dequeue()
            step = tf.cast(tf.identity(global_step), tf.int64)
            self._give_leave = leave.enqueue_many([tf.fill([self._others], step)])
            self._step = step

    def meet(self, session: Any, initialise: Callable[[], None], last: Callable[[], None]) -> int:
        """Return the global step at the start: the chief reads it, and all workers get the same.

        The chief calls `initialise` first, and `last` when all are ready and none has started.
        """
        if not self._config.is_chief:
            session.run(self._say_ready)
            return int(session.run(self._await_leave))
        initialise()
        self.await_others(session)
        last()
        return self.give_leave(session)

    def await_others(self, session: Any) -> None:
        """Block the chief until all other workers are ready."""
        session.run(self._all_ready)

    def give_leave(self, session: Any) -> int:
        """Send all other workers the global step as the signal to start; return it."""
        step = int(session.run(self._step))
        session.run(self._give_leave)
        return step
