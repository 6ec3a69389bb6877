# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: one hidden layer as in the thesis (Listing 5.5), and a small LeNet; each has parameters and a forward pass."""

from __future__ import annotations

import math
from typing import Any, Protocol

import tensorflow.compat.v1 as tf


class Observer(Protocol):
    """Receives variables and activations while a network is built, for summaries."""

    def variable(self, variable: Any) -> None: ...

    def activations(self, name: str, tensor: Any) -> None: ...


class Unobserved:
    """Ignores everything: the fast path has no summaries."""

    def variable(self, variable: Any) -> None:
        """Ignore the call."""

    def activations(self, name: str, tensor: Any) -> None:
        """Ignore the call."""


class Network(Protocol):
    """Parameters that any number of forward passes share."""

    def logits(self, images: Any, observer: Observer) -> Any: ...


class Maker(Protocol):
    """Creates a network's parameters in the order of its requests."""

    def weights(self, name: str, shape: list[int], stddev: float) -> Any: ...

    def zeros(self, name: str, size: int) -> Any: ...


class Parameters:
    """Creates variables. Their initial values depend only on the seed and their order, not on the rest of the graph."""

    def __init__(self, *, seed: int | None, use_resource: bool) -> None:
        self._seed = seed
        self._use_resource = use_resource
        self._made = 0

    def weights(self, name: str, shape: list[int], stddev: float) -> Any:
        self._made += 1
        seed = None if self._seed is None else self._made
        return self._variable(name, tf.truncated_normal(shape, stddev=stddev, seed=seed))

    def zeros(self, name: str, size: int) -> Any:
        return self._variable(name, tf.zeros([size]))

    def _variable(self, name: str, start: Any) -> Any:
        return tf.Variable(start, name=name, use_resource=self._use_resource)


class Mlp:
    """Input, one hidden layer with ReLU, output: the network of the thesis."""

    def __init__(self, make: Maker, *, shape: tuple[int, int, int], classes: int, hidden_units: int) -> None:
        inputs = math.prod(shape)
        with tf.name_scope("layer_linear"):
            with tf.name_scope("weights"):
                # The thesis uses 1 / 28, one over the square root of the number of inputs.
                self.hid_w = make.weights("hid_w", [inputs, hidden_units], 1.0 / math.sqrt(inputs))
            with tf.name_scope("bias"):
                self.hid_b = make.zeros("hid_b", hidden_units)
        with tf.name_scope("softmax_layer"):
            self.sm_w = make.weights("sm_w", [hidden_units, classes], 1.0 / math.sqrt(hidden_units))
            self.sm_b = make.zeros("sm_b", classes)

    def logits(self, images: Any, observer: Observer) -> Any:
        # The closing slash re-enters the constructor's scope, so that names equal those of the listing.
        with tf.name_scope("layer_linear/weights/"):
            observer.variable(self.hid_w)
        with tf.name_scope("layer_linear/bias/"):
            observer.variable(self.hid_b)
        with tf.name_scope("layer_linear/"):
            with tf.name_scope("Wx_plus_b"):
                hid_lin = tf.nn.xw_plus_b(images, self.hid_w, self.hid_b)
                observer.activations("pre_activations", hid_lin)
            hid = tf.nn.relu(hid_lin)
            observer.activations("activations", hid)
        with tf.name_scope("softmax_layer/"):
            return tf.nn.xw_plus_b(hid, self.sm_w, self.sm_b)


class Cnn:
    """A small LeNet: two convolutions with pooling, one hidden layer, output."""

    FILTERS = (6, 16)
    WINDOW = 5

    def __init__(self, make: Maker, *, shape: tuple[int, int, int], classes: int, hidden_units: int) -> None:
        self._shape = shape
        self._filters = []
        channels = shape[2]
        for number, count in enumerate(self.FILTERS, 1):
            with tf.name_scope(f"conv{number}"):
                window = [self.WINDOW, self.WINDOW, channels, count]
                weights = make.weights("weights", window, math.sqrt(2.0 / math.prod(window[:3])))
                self._filters.append((weights, make.zeros("bias", count)))
            channels = count
        # Each of the two poolings halves both sides, rounded up because of the padding.
        features = math.ceil(shape[0] / 4) * math.ceil(shape[1] / 4) * channels
        with tf.name_scope("dense"):
            self.hid_w = make.weights("hid_w", [features, hidden_units], math.sqrt(2.0 / features))
            self.hid_b = make.zeros("hid_b", hidden_units)
        with tf.name_scope("softmax_layer"):
            self.sm_w = make.weights("sm_w", [hidden_units, classes], 1.0 / math.sqrt(hidden_units))
            self.sm_b = make.zeros("sm_b", classes)

    def logits(self, images: Any, observer: Observer) -> Any:
        flow = tf.reshape(images, [-1, *self._shape])
        for weights, bias in self._filters:
            observer.variable(weights)
            observer.variable(bias)
            flow = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(flow, weights, strides=1, padding="SAME"), bias))
            flow = tf.nn.max_pool2d(flow, ksize=2, strides=2, padding="SAME")
        observer.variable(self.hid_w)
        observer.variable(self.hid_b)
        flat = tf.reshape(flow, [-1, self.hid_w.shape[0]])
        hid = tf.nn.relu(tf.nn.xw_plus_b(flat, self.hid_w, self.hid_b))
        observer.activations("activations", hid)
        return tf.nn.xw_plus_b(hid, self.sm_w, self.sm_b)


NETWORKS: dict[str, type[Mlp] | type[Cnn]] = {"mlp": Mlp, "cnn": Cnn}


def hits(scores: Any, classes: Any) -> Any:
    """Return the share of examples whose own class has the highest score."""
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(scores, 1), tf.cast(classes, tf.int64)), tf.float32))
