"""A Keras 3 program as its author wrote it: Model.fit on several processes of JAX, with its progress bar.

    training_framework: jax
    training_env: {KERAS_BACKEND: jax}
    training_command: exec python3 keras_fit.py --epochs 2 --steps 100
    training_steps: 200

Keras finds its processes in KERAS_DISTRIBUTION_*. Under TensorFlow's MultiWorkerMirroredStrategy Model.fit of Keras 3 fails on its first batch
with more than one worker: keras_multiworker.py writes the loop out.
"""

import argparse

import keras
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--steps", type=int, default=100, help="of an epoch")
args = parser.parse_args()

keras.distribution.initialize()
keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
random = np.random.default_rng(0)
images = random.random((64 * args.steps, 64), dtype="float32")
labels = (images @ random.random((64, 10))).argmax(axis=1)

model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(images, labels, batch_size=64, epochs=args.epochs)
