"""JAX on several processes, data-parallel: each process holds its part of every batch. MNIST with one hidden layer and Adam, as the trainer's.

    training_framework: jax
    training_command: exec python3 jax_mnist.py --data mnist.npz --steps 2000 --target 0.95

tfscale_log.py lies beside this file.
"""

import argparse
import os

import jax
import jax.numpy as jnp
import numpy as np
import tfscale_log
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="", help="an .npz of the trainer's cache folder; else random images")
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--batch", type=int, default=20, help="of each process")
parser.add_argument("--hidden", type=int, default=100)
parser.add_argument("--eval_every", type=int, default=100)
parser.add_argument(
    "--target", type=float, default=0.0, help="accuracy at which the training ends; 0: at its last step"
)
args = parser.parse_args()

jax.distributed.initialize(
    coordinator_address=os.environ["JAX_COORDINATOR_ADDRESS"],
    num_processes=int(os.environ["JAX_NUM_PROCESSES"]),
    process_id=int(os.environ["JAX_PROCESS_ID"]),
)


def examples():
    if args.data:
        found = np.load(args.data)
        parts = [found[name] for name in ("train_images", "train_labels", "test_images", "test_labels")]
    else:
        random = np.random.default_rng(0)
        labels, kinds = random.integers(0, 10, 5000), random.integers(0, 128, (10, 784))
        images = (kinds[labels] + random.integers(0, 128, (5000, 784))).astype(np.uint8)
        parts = [images[:4000], labels[:4000], images[4000:], labels[4000:]]
    train, train_labels, test, test_labels = parts
    flat = [images.reshape(len(images), -1).astype(np.float32) / 255 for images in (train, test)]
    return flat[0], train_labels.astype(np.int32), flat[1], test_labels.astype(np.int32)


def first_parameters(key, inputs, classes=10):
    one, two = jax.random.split(key)
    hidden = jax.random.truncated_normal(one, -2, 2, (inputs, args.hidden)) / np.sqrt(inputs)
    out = jax.random.truncated_normal(two, -2, 2, (args.hidden, classes)) / np.sqrt(args.hidden)
    return {"w1": hidden, "b1": jnp.zeros(args.hidden), "w2": out, "b2": jnp.zeros(classes)}


def logits_of(parameters, images):
    return jax.nn.relu(images @ parameters["w1"] + parameters["b1"]) @ parameters["w2"] + parameters["b2"]


def loss_of(parameters, images, labels):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits_of(parameters, images)), labels[:, None], axis=1)
    return -chosen.mean()


@jax.jit
def train_step(parameters, moments, step, images, labels):
    """Adam with a learning rate of 0.001. The batch is sharded, so the gradients' mean is one over all processes."""
    loss, gradients = jax.value_and_grad(loss_of)(parameters, images, labels)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    scale = 0.001 * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    parameters = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-7), parameters, first, second)
    return parameters, (first, second), loss


@jax.jit
def right(parameters, images, labels):
    return (logits_of(parameters, images).argmax(axis=1) == labels).mean()


mesh = Mesh(np.array(jax.devices()), ("data",))
split, whole = NamedSharding(mesh, PartitionSpec("data")), NamedSharding(mesh, PartitionSpec())
train, train_labels, test, test_labels = examples()
on_all = jax.jit(lambda: first_parameters(jax.random.key(1), train.shape[1]), out_shardings=whole)()
zeros = jax.jit(lambda: (jax.tree.map(jnp.zeros_like, on_all),) * 2, out_shardings=whole)()
order = np.random.default_rng(1 + jax.process_index())


def batch():
    chosen = order.integers(0, len(train), args.batch)
    return [jax.make_array_from_process_local_data(split, part[chosen]) for part in (train, train_labels)]


def accuracy_of(parameters):
    """Each process has all parameters, and all reach the same figure."""
    mine = jax.tree.map(lambda one: one.addressable_data(0), parameters)
    return float(right(mine, test, test_labels))


# Both functions are compiled before the start line.
train_step(on_all, zeros, 1.0, *batch())
accuracy_of(on_all)
tfscale_log.start(lambda: multihost_utils.sync_global_devices("start"))
parameters, moments = on_all, zeros
for step in range(1, args.steps + 1):
    parameters, moments, loss = train_step(parameters, moments, float(step), *batch())
    if step % args.eval_every == 0 or step == args.steps:
        tfscale_log.progress(step, loss.addressable_data(0))
        accuracy = accuracy_of(parameters)
        tfscale_log.evaluation(step, accuracy)
        if 0 < args.target <= accuracy:
            break
if jax.process_index() == 0:
    tfscale_log.finish(step)
multihost_utils.sync_global_devices("end")
