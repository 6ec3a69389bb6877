"""What a run on a cluster costs beside pod start-up, training and pod termination.

A sweep of shell scripts in the trainer's place. Prints the median time of each task of a run: of the wait only what lies
outside of the pods' lives, and beside the removal how long kubectl takes to be rid of such pods, which is their termination.
Usage: python tests/benchmarks/cluster_cost.py KUBECONFIG NAMESPACE IMAGE [runs, default 20]
       IMAGE has a shell and is on the nodes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
TRAIN = 'for step in 0 1 2; do read -r now rest </proc/uptime; echo "$now step=$step"; sleep 0.3; done'
WAIT, REMOVE = "Wait for the run to end", "Remove the run's objects"
OWN = ("Select the active nodes", "Apply the run's objects", "Judge the run and add it to the ledger")
LINE = re.compile(r"^tfscale\.study\.training : (?P<task>.+?) -+ (?P<seconds>[\d.]+)s$", re.MULTILINE)


def sweep(kubeconfig: str, namespace: str, image: str, runs: int, results: str) -> str:
    variables = {
        "cluster_provider": "existing",
        "cluster_kubeconfig": kubeconfig,
        "cluster_namespace": namespace,
        "image_delivery": "none",
        "training_image": image,
        "training_image_pull_policy": "Never",
        "training_command": TRAIN,
        "training_log_format": "^(?P<time>[0-9.]+) step=(?P<step>[0-9]+)",
        "training_steps": 2,
        "training_worker_resources": {"requests": {"cpu": "50m", "memory": "32Mi"}},
        "sweep_results_dir": results,
        "sweep_study": "cost",
        "sweep_nodes": [1],
        "sweep_ps": [0],
        "sweep_workers": [2],
        "sweep_repeats": runs,
    }
    profile = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks", "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all"}
    binary = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [binary, "-i", "inventories/kind", "playbooks/sweep.yml", "-e", json.dumps(variables)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **profile}, text=True, stdout=subprocess.PIPE, check=True
    )
    return done.stdout


def termination(kubeconfig: str, namespace: str, image: str) -> float:
    """Seconds from kubectl's removal of a Job, whose two containers have just ended, until both pods are gone.

    From the end of a container the kubelet takes some time more until it lets go of the pod.
    """
    base = ["kubectl", "--kubeconfig", kubeconfig, "--namespace", namespace]
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-c", "exec sleep 1"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    profile = {"type": "RuntimeDefault"}
    spec = {
        "terminationGracePeriodSeconds": 1,
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": profile},
        "containers": [container],
    }
    size = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimit": 0}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "cost"},
        "spec": {**size, "template": {"spec": spec}},
    }

    def kubectl(*words: str, text: str = "") -> None:
        subprocess.run([*base, *words], input=text, text=True, check=True, stdout=subprocess.DEVNULL)

    kubectl("apply", "-f", "-", text=json.dumps(job))
    pods = ("pod", "--selector=job-name=cost", "--timeout=60s")
    kubectl("wait", *pods, "--for=create")
    kubectl("wait", *pods, "--for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=0")
    start = time.monotonic()
    kubectl("delete", "job", "cost", "--wait=false")
    kubectl("wait", *pods, "--for=delete")
    return time.monotonic() - start


def main(kubeconfig: str, namespace: str, image: str, runs: int) -> None:
    with tempfile.TemporaryDirectory() as results:
        output = sweep(kubeconfig, namespace, image, runs, results)
        records = [json.loads(line) for line in Path(results, "cost/ledger.jsonl").read_text().splitlines()]
    times: dict[str, list[float]] = {}
    for found in LINE.finditer(output):
        times.setdefault(found["task"], []).append(float(found["seconds"]))
    print(f"{len(records)} runs, {sum(record['verdict']['verdict'] == 'valid' for record in records)} valid")
    for task in (*OWN, WAIT, REMOVE):
        seconds = times[task]
        print(f"{task}: median {median(seconds):.2f} s (range {min(seconds):.2f} to {max(seconds):.2f})")
    lives = [record["timings"]["total_seconds"] for record in records]
    ends = [termination(kubeconfig, namespace, image) for _try in range(3)]
    waiting = median(times[WAIT]) - median(lives)
    print(f"pods lived {median(lives):.1f} s (Kubernetes counts whole seconds): the wait's own part is {waiting:.2f} s")
    print(
        f"termination of two pods of a Job, by kubectl: median {median(ends):.2f} s (range {min(ends):.2f} to {max(ends):.2f})"
    )
    own = sum(median(times[task]) for task in OWN) + max(0.0, waiting) + median(times[REMOVE]) - median(ends)
    print(f"own cost of a run: {own:.2f} s")
    print(
        f"requests of a wait to the API server: {median(record['evidence']['api_requests'] for record in records):.0f}"
    )


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(print(__doc__))
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 20)
