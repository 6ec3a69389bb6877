"""PyTorch DistributedDataParallel with gloo. MNIST with one hidden layer and Adam, as the trainer's.

    training_framework: pytorch
    training_command: exec torchrun torch_mnist.py --data mnist.npz --steps 2000 --target 0.95

python3 in the place of torchrun works as well. tfscale_log.py lies beside this file.
"""

import argparse

import numpy as np
import tfscale_log
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

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

# Address, rank and size come from the environment: MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE.
dist.init_process_group("gloo")
torch.manual_seed(1)


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
    flat = [torch.tensor(images.reshape(len(images), -1)).float() / 255 for images in (train, test)]
    return flat[0], torch.tensor(train_labels).long(), flat[1], torch.tensor(test_labels).long()


train, train_labels, test, test_labels = examples()
network = torch.nn.Sequential(
    torch.nn.Linear(train.shape[1], args.hidden), torch.nn.ReLU(), torch.nn.Linear(args.hidden, 10)
)
model = DistributedDataParallel(network)
optimiser = torch.optim.Adam(model.parameters(), lr=0.001)
loss_of = torch.nn.CrossEntropyLoss()
order = np.random.default_rng(1 + dist.get_rank())

tfscale_log.start(dist.barrier)
for step in range(1, args.steps + 1):
    chosen = torch.from_numpy(order.integers(0, len(train), args.batch))
    optimiser.zero_grad()
    loss = loss_of(model(train[chosen]), train_labels[chosen])
    loss.backward()
    optimiser.step()
    if step % args.eval_every == 0 or step == args.steps:
        tfscale_log.progress(step, loss)
        with torch.no_grad():
            accuracy = (network(test).argmax(1) == test_labels).float().mean()
        # The parameters are the same everywhere, and so is the accuracy.
        tfscale_log.evaluation(step, accuracy)
        if 0 < args.target <= accuracy:
            break
if dist.get_rank() == 0:
    tfscale_log.finish(step)
dist.barrier()
dist.destroy_process_group()
