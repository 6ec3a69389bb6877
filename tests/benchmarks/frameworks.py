# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorFlow with ps, TensorFlow mirrored and JAX on one MNIST network to an accuracy of 0.95: one study, one report.

On this machine, or on a Kind cluster of two nodes that is made and removed. Needs `make setup-examples`; Kind needs what
`make e2e` needs.
Usage: python tests/benchmarks/frameworks.py [local, the default, or kind] [variables for playbooks/sweep.yml as JSON]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.e2e.conftest import must_succeed, provisioned
from tests.e2e.infra import engine
from tests.e2e.infra.base import run
from tests.e2e.infra.cluster import Cluster
from tests.e2e.infra.images import copy_jax
from tests.fixtures.playbook import Playbook

RESULTS = ROOT / "results"
EXAMPLES = ROOT / "docs" / "examples"
CLUSTER = "tfscale-frameworks"
STEPS, TARGET = 6000, 0.95
VARIABLES: dict[str, Any] = {
    "sweep_study": "frameworks",
    "sweep_results_dir": str(RESULTS),
    "sweep_ps": [1],
    "sweep_workers": [1, 2, 4],
    "sweep_repeats": 5,
    "training_steps": STEPS,
    "training_target_accuracy": TARGET,
}
RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1536Mi"}}
IMAGE = "tfscale.test/frameworks:1"


def variants(python: str, program: str, data: str) -> dict[str, Any]:
    jax = f"exec {python} {program} --data {data} --steps {STEPS} --target {TARGET}"
    return {
        "ps": {},
        "mirrored": {"strategy": "mirrored"},
        "jax": {"framework": "jax", "ps": 0, "command": jax},
    }


@contextmanager
def local() -> Iterator[Playbook]:
    data = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tfscale/data/mnist.npz"
    python, program = ROOT / ".venv-examples/bin/python", EXAMPLES / "jax_mnist.py"
    yield Playbook(RESULTS, {**VARIABLES, "sweep_variants": variants(str(python), str(program), str(data))})


@contextmanager
def kind() -> Iterator[Playbook]:
    cluster = {"cluster_name": CLUSTER, "cluster_nodes": 2, "image_delivery": "none", "training_image": IMAGE}
    resources = {"training_ps_resources": RESOURCES, "training_worker_resources": RESOURCES}
    jax = variants("env PYTHONPATH=/opt/packages python3", "/opt/programs/jax_mnist.py", "/opt/tfscale/data/mnist.npz")
    series = {"sweep_nodes": [2], "sweep_variants": jax}
    playbook = provisioned(RESULTS, **{**VARIABLES, **cluster, **resources, **series})
    try:
        must_succeed(playbook, "../tests/e2e/files/cluster")
        put_image(Cluster(CLUSTER))
        yield playbook
    finally:
        must_succeed(playbook, "teardown", cluster_teardown_held=True)
        engine.stop()


def put_image(cluster: Cluster) -> None:
    """The trainer's image with what .venv-examples has of JAX, and the program, on all nodes."""
    env = cluster.environment()
    trainer = f"{IMAGE}-trainer"
    run(sys.executable, "-m", "tests.e2e.infra.trainer_image", trainer, env=env, cwd=ROOT, timeout=3600)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        copy_jax(folder / "packages")
        (folder / "programs").mkdir()
        for name in ("jax_mnist.py", "tfscale_log.py"):
            shutil.copy(EXAMPLES / name, folder / "programs")
        lines = (f"FROM {trainer}", "COPY packages /opt/packages", "COPY programs /opt/programs")
        (folder / "Dockerfile").write_text("\n".join(lines))
        run("docker", "build", "--quiet", "--tag", IMAGE, folder, env=env)
    cluster.kind("load", "docker-image", IMAGE, timeout=900)


def main() -> None:
    where = {"local": local, "kind": kind}[sys.argv[1] if len(sys.argv) > 1 else "local"]
    given = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    with where() as playbook:
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors", flush=True)
        began = time.monotonic()
        subprocess.run(playbook.command("sweep", **given), cwd=ROOT, env=playbook.environment(), check=False)
        print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
