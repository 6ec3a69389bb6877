# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JobSet, Kubeflow Trainer and Kueue on a Kind cluster: the manifests of their own modules, with programs built here.

Usage: python -m tests.e2e.infra.controllers install [--name NAME]      into a cluster that is there
       python -m tests.e2e.infra.controllers remove [--name NAME]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.infra.base import JOBSET, KUEUE, TRAINER, InfraError, say, step
from tests.e2e.infra.cluster import Cluster, default_name
from tests.e2e.infra.images import add_folder, import_image, is_present, owned_by_root, remove_others
from tests.e2e.infra.programs import JOBSET_PROGRAM, KUEUE_PROGRAM, TRAINER_PROGRAM, downloaded, programs

READY_SECONDS = 300
Document = dict[str, Any]


@dataclass(frozen=True)
class Controller:
    program: str
    module: str
    version: str
    # The folder of its manifests in the module, and the one below it that is installed.
    manifests: str
    overlay: str
    namespace: str

    @property
    def image(self) -> str:
        return f"tfscale.test/{self.program.rpartition('-')[0]}:{self.version}"


CONTROLLERS = (
    Controller(JOBSET_PROGRAM, "sigs.k8s.io/jobset", JOBSET, "config", "default", "jobset-system"),
    Controller(
        TRAINER_PROGRAM,
        "github.com/kubeflow/trainer/v2",
        TRAINER,
        "manifests",
        "overlays/manager",
        "kubeflow-system",
    ),
    Controller(KUEUE_PROGRAM, "sigs.k8s.io/kueue", KUEUE, "config", "default", "kueue-system"),
)
# One object for each webhook that must answer before the first study: creating it passes JobSet's, Trainer's and Kueue's.
POD = {"restartPolicy": "Never", "containers": [{"name": "node", "image": "none"}]}
REPLICATED = [{"name": "node", "template": {"spec": {"template": {"spec": POD}}}}]
PROBES = (
    {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": {"replicatedJobs": REPLICATED}},
    {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainingRuntime",
        "spec": {"template": {"spec": {"replicatedJobs": REPLICATED}}},
    },
    {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "spec": {"clusterQueue": "none"}},
)


def manifests(controller: Controller) -> Path:
    with tempfile.TemporaryDirectory() as temporary:
        module = downloaded(controller.module, controller.version, Path(temporary))
    return Path(module["Dir"]) / controller.manifests


def documents(cluster: Cluster, controller: Controller) -> list[Document]:
    """What its project installs, with our image, on the control plane's node."""
    with tempfile.TemporaryDirectory(prefix="tfscale-manifests-") as temporary:
        copy = Path(temporary) / "copy"
        # The module's files are read-only, and the copy's shall not be.
        shutil.copytree(manifests(controller), copy, copy_function=shutil.copyfile)
        kustomization = copy / controller.overlay / "kustomization.yaml"
        # Trainer would fetch another JobSet from its project's releases.
        lines = kustomization.read_text().splitlines()
        kustomization.write_text("\n".join(line for line in lines if "third-party/jobset" not in line))
        text = cluster.kubectl("kustomize", kustomization.parent)
    # Without Kueue's API of pending workloads: as long as its server is not reached, no namespace can be deleted.
    found = [document for document in yaml.safe_load_all(text) if document]
    made: list[Document] = [document for document in found if document["kind"] != "APIService"]
    for document in made:
        if document["kind"] == "Deployment":
            _adapt(document, controller.image)
    return made


def _adapt(deployment: Document, image: str) -> None:
    """Leave the nodes of the studies alone, and ask for no more than a small machine has."""
    spec = deployment["spec"]["template"]["spec"]
    spec["nodeSelector"] = {"node-role.kubernetes.io/control-plane": ""}
    spec["tolerations"] = [{"operator": "Exists"}]
    for container in spec["containers"]:
        container.update(image=image, imagePullPolicy="Never", resources={})


def _load(cluster: Cluster, controller: Controller) -> None:
    built = programs(controller.program) / controller.program
    if not is_present(controller.image):

        def fill(archive: Any) -> None:
            add_folder(archive, "tmp", 0o1777)
            archive.add(built, "manager", filter=owned_by_root)

        import_image(controller.image, fill, 'ENTRYPOINT ["/manager"]', "USER 65532")
        remove_others(controller.image)
    cluster.kind("load", "docker-image", controller.image, "--nodes", f"{cluster.name}-control-plane")


def install(cluster: Cluster) -> None:
    """Install all three, wait until their webhooks answer, and add Trainer's runtime for PyTorch."""
    with step("JobSet, Kubeflow Trainer and Kueue"):
        for controller in CONTROLLERS:
            _load(cluster, controller)
        texts = [yaml.safe_dump_all(documents(cluster, controller)) for controller in CONTROLLERS]
        # At once: each looks ever more seldom for its certificates.
        for text in texts:
            # By the server: the annotation of a client's apply would be too long for these CRDs.
            cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", text=text)
        _wait_until_they_answer(cluster)
        cluster.kubectl("apply", "--filename", manifests(CONTROLLERS[1]) / "base/runtimes/torch_distributed.yaml")


def _wait_until_they_answer(cluster: Cluster) -> None:
    meta = {"name": "probe", "namespace": "default"}
    items = [{**probe, "metadata": meta} for probe in PROBES]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    deadline = time.monotonic() + READY_SECONDS
    while True:
        # A kubelet looks at a pod's secrets once in a minute, or when the pod changes: they hold the new certificates.
        stamp = f"tfscale.test/looked={time.time()}"
        try:
            for words in (
                ("annotate", "pods", "--all", "--overwrite", stamp),
                ("wait", "deployment", "--all", "--for=condition=Available", "--timeout=3s"),
            ):
                # Kueue first: its webhook looks at the pods of the others.
                for controller in reversed(CONTROLLERS):
                    cluster.kubectl("--namespace", controller.namespace, *words)
            cluster.kubectl("create", "--dry-run=server", "--filename=-", text=text)
            return
        except InfraError as error:
            if time.monotonic() > deadline:
                raise InfraError(f"The controllers did not answer within {READY_SECONDS} s: {error}") from error
            time.sleep(1)


def remove(cluster: Cluster) -> None:
    """Remove all three, what was made of their kinds first: they have to let go of it."""
    with step("removal of JobSet, Kubeflow Trainer and Kueue"):
        found = [document for controller in CONTROLLERS for document in documents(cluster, controller)]
        kinds = [document for document in found if document["kind"] == "CustomResourceDefinition"]
        rest = [document for document in found if document["kind"] != "CustomResourceDefinition"]
        for some in (kinds, rest):
            words = ("delete", "--ignore-not-found", "--filename=-")
            cluster.kubectl(*words, text=yaml.safe_dump_all(some), timeout=READY_SECONDS)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("install", "remove"))
    parser.add_argument("--name", default=default_name())
    options = parser.parse_args(argv)
    try:
        {"install": install, "remove": remove}[options.action](Cluster(options.name))
    except InfraError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
