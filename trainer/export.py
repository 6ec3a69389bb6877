# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of the trained network as a SavedModel without any device of the cluster, so that any server can load it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from trainer import model
from trainer.config import EXPORT_MARK, check_export_dir
from trainer.context import Context


def export(context: Context, parameters: dict[str, np.ndarray]) -> None:
    """Rebuild the network without a cluster, with the final parameters; write all of it or nothing."""
    target = Path(context.config.export_dir).resolve()
    draft = target.with_name(f".{target.name}.draft")
    _clear(draft)
    _mark(draft)
    with tf.Graph().as_default(), tf.Session(target="") as session:
        images, probabilities = _network(context)
        for variable in tf.global_variables():
            variable.load(parameters[variable.op.name], session)
        tf.saved_model.simple_save(session, str(draft / "model"), {"images": images}, {"probabilities": probabilities})
    _mark(draft / "model")
    _clear(target)
    (draft / "model").rename(target)
    _clear(draft)


def _clear(folder: Path) -> None:
    check_export_dir(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _mark(folder: Path) -> None:
    (folder / EXPORT_MARK).parent.mkdir(parents=True)
    (folder / EXPORT_MARK).touch()


def _network(context: Context) -> tuple[Any, Any]:
    config, dataset = context.config, context.dataset
    make = model.Parameters(seed=0, use_resource=True)
    network = model.NETWORKS[config.model](
        make, shape=dataset.shape, classes=dataset.classes, hidden_units=config.hidden_units
    )
    images = tf.placeholder(tf.float32, [None, dataset.train[0].shape[1]], name="images")
    return images, tf.nn.softmax(network.logits(images, model.Unobserved()))
