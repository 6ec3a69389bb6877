"""A TensorFlow program in which only a chief trains: ParameterServerStrategy, whose ps and workers are servers that never end.

training_chief: true                          # worker 0 is the task `chief` of TF_CONFIG
training_command: exec python3 chief.py --steps 200
training_steps: 200
training_log_format: json
"""

import argparse
import json
import time

import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=200)
args = parser.parse_args()

resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
if resolver.task_type in ("ps", "worker"):
    place = {"job_name": resolver.task_type, "task_index": resolver.task_id}
    tf.distribute.Server(resolver.cluster_spec(), protocol="grpc", **place).join()

strategy = tf.distribute.ParameterServerStrategy(resolver)
coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
with strategy.scope():
    weights = tf.Variable(tf.zeros([64, 10]))


@tf.function
def train_step():
    inputs = tf.random.normal([20, 64])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.matmul(inputs, weights) - inputs[:, :10]) ** 2)
    weights.assign_sub(tape.gradient(loss, weights))
    return loss


coordinator.schedule(train_step)
coordinator.join()
print(json.dumps({"step": 0, "time": time.time()}), flush=True)
for step in range(20, args.steps + 1, 20):
    loss = [coordinator.schedule(train_step) for _step in range(20)][-1]
    coordinator.join()
    print(json.dumps({"step": step, "time": time.time(), "loss": float(loss.fetch())}), flush=True)
