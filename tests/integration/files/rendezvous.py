"""A stand-in for a program of PyTorch: its processes meet by the environment alone, as init_process_group("gloo") does.

Rank 0 listens on MASTER_ADDR:MASTER_PORT. A rank that is missing, doubled or out of range ends the run. Argument: steps.
"""

import os
import socket
import sys
import time

import tfscale_log  # type: ignore[import-not-found]

steps = int(sys.argv[1])
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
local, each = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
node, nodes = int(os.environ["GROUP_RANK"]), int(os.environ["PET_NNODES"])
address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
assert (world, rank) == (nodes * each, node * each + local)
assert os.environ["JAX_PROCESS_ID"] == os.environ["HOROVOD_RANK"] == str(rank)
assert os.environ["JAX_COORDINATOR_ADDRESS"] == "{}:{}".format(*address)
assert "TF_NUM_INTRAOP_THREADS" not in os.environ
assert os.environ["MKL_NUM_THREADS"] == "1"


def meet() -> list[socket.socket]:
    if rank == 0:
        with socket.create_server(("", address[1])) as server:
            server.settimeout(20)
            met = [server.accept()[0] for _other in range(world - 1)]
            ranks = sorted(int(one.recv(8)) for one in met)
            assert ranks == list(range(1, world)), ranks
            for one in met:
                one.sendall(b"go")
            return met
    end = time.monotonic() + 20
    while True:
        try:
            peer = socket.create_connection(address)
        except OSError:  # nobody listens yet, or the name of a pod is not published yet
            assert time.monotonic() < end
            time.sleep(0.01)
            continue
        peer.sendall(str(rank).encode())
        assert peer.recv(2) == b"go"
        return [peer]


peers = []
tfscale_log.start(lambda: peers.extend(meet()))
for step in range(1, steps + 1):
    time.sleep(0.004 / world)
    tfscale_log.progress(step, 1 / step)
tfscale_log.finish(steps)
