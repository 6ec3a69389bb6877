"""A Keras 3 program as its author wrote it: Model.fit under MultiWorkerMirroredStrategy, with its progress bar. It reads TF_CONFIG."""

import argparse

import keras
import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--steps", type=int, default=100, help="of an epoch")
args = parser.parse_args()

strategy = tf.distribute.MultiWorkerMirroredStrategy()
random = np.random.default_rng(0)
images = random.random((4096, 64), dtype="float32")
labels = (images @ random.random((64, 10))).argmax(axis=1)
data = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(4096, seed=1).repeat().batch(64)

with strategy.scope():
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(data, epochs=args.epochs, steps_per_epoch=args.steps)
