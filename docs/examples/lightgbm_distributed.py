"""LightGBM on several workers, each with its part of the examples. WORKER_HOSTS is its list of machines.

training_framework: none
training_command: exec python3 lightgbm_distributed.py --rounds 200
training_steps: 200
"""

import argparse
import os
import socket

import lightgbm
import numpy as np
import tfscale_log

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=200)
args = parser.parse_args()

hosts = [one.rpartition(":") for one in os.environ["WORKER_HOSTS"].split(",")]
rank = int(os.environ["TASK_INDEX"])
network = {}
if len(hosts) > 1:
    # LightGBM compares addresses, and pods have names.
    machines = ",".join(f"{socket.gethostbyname(host)}:{port}" for host, _colon, port in hosts)
    network = {"machines": machines, "num_machines": len(hosts), "local_listen_port": int(hosts[rank][2])}

random = np.random.default_rng(0)
images = random.random((20_000, 50))
labels = (images @ random.normal(size=50) > 0).astype(int)
mine = slice(rank, None, len(hosts))
threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
parameters = {"objective": "binary", "tree_learner": "data", "num_threads": threads, "verbosity": -1, **network}


def begin(environment):
    """The machines have met."""
    if environment.iteration == 0:
        tfscale_log.start()


def tell(environment):
    if (environment.iteration + 1) % 20 == 0:
        tfscale_log.progress(environment.iteration + 1)


begin.before_iteration = True
lightgbm.train(parameters, lightgbm.Dataset(images[mine], labels[mine]), args.rounds, callbacks=[begin, tell])
tfscale_log.finish(args.rounds)
