"""A Keras model trained by all workers together; it reads TF_CONFIG through TensorFlow and does not depend on this collection.

The loop is written out because `Model.fit` of Keras 3 does not work under MultiWorkerMirroredStrategy.
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=300)
parser.add_argument("--batch", type=int, default=64)
args = parser.parse_args()

strategy = tf.distribute.MultiWorkerMirroredStrategy()
random = np.random.default_rng(0)
images = random.random((4096, 64), dtype="float32")
labels = (images @ random.random((64, 10))).argmax(axis=1)
data = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(4096, seed=1).repeat().batch(args.batch)
batches = iter(strategy.experimental_distribute_dataset(data))

with strategy.scope():
    model = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)])
    model.build((None, 64))
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def replica_step(examples, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loss_of(targets, model(examples, training=True))) / args.batch
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(
        model.trainable_variables,
        tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients),
        strict=True,
    ):
        variable.value.assign_sub(0.05 * gradient)
    return loss


@tf.function
def train_step(batch):
    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica_step, args=batch), axis=None)


for step in range(1, args.steps + 1):
    loss = float(train_step(next(batches)))
    if step % 50 == 0:
        print(f"time={time.time():.3f} step {step}/{args.steps} loss={loss:.4f}", flush=True)
