# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build every program of the test cluster as a Go module of its own, once for each set of versions.

Usage: python -m tests.e2e.infra.programs [NAME...]     (all that a cluster needs when none is named)
The module proxy and the checksum database are those of the machine's Go.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.infra.base import (
    COREDNS,
    CRI_TOOLS,
    ETCD,
    HELM,
    HERE,
    JOBSET,
    KIND,
    KUBERNETES,
    KUEUE,
    KWOK,
    LOCAL_PATH,
    TRAINER,
    InfraError,
    bin_folder,
    cache_root,
    gently,
    only_one,
    run,
    say,
    step,
)

KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)


@dataclass(frozen=True)
class Source:
    """A Go module and the programs that are built from it (name -> package)."""

    module: str
    version: str
    programs: dict[str, str]
    ldflags: str = "-s -w"


def _kubernetes_ldflags() -> str:
    major, minor, _patch = KUBERNETES.split(".")
    values = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return "-s -w " + " ".join(f"-X {package}.{key}={value}" for package in packages for key, value in values.items())


# Few tests need these. Their versions are in their names, because they are no part of the cluster's set.
HELM_PROGRAM = f"helm-{HELM}"
JOBSET_PROGRAM, TRAINER_PROGRAM, KUEUE_PROGRAM = f"jobset-{JOBSET}", f"kubeflow-trainer-{TRAINER}", f"kueue-{KUEUE}"

SOURCES = (
    Source("sigs.k8s.io/kind", KIND, {"kind": "sigs.k8s.io/kind"}),
    Source("go.etcd.io/etcd/server/v3", ETCD, {"etcd": "go.etcd.io/etcd/server/v3"}),
    Source("sigs.k8s.io/kwok", KWOK, {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Source(
        "k8s.io/kubernetes",
        KUBERNETES,
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        _kubernetes_ldflags(),
    ),
    Source(
        "sigs.k8s.io/cri-tools",
        CRI_TOOLS,
        {"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"},
        f"-s -w -X sigs.k8s.io/cri-tools/pkg/version.Version={CRI_TOOLS}",
    ),
    Source("github.com/coredns/coredns", COREDNS, {"coredns": "github.com/coredns/coredns"}),
    Source(
        "github.com/rancher/local-path-provisioner",
        LOCAL_PATH,
        {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
    ),
    Source("helm.sh/helm/v3", HELM, {HELM_PROGRAM: "helm.sh/helm/v3/cmd/helm"}),
    Source("sigs.k8s.io/jobset", JOBSET, {JOBSET_PROGRAM: "sigs.k8s.io/jobset"}),
    Source(
        "github.com/kubeflow/trainer/v2",
        TRAINER,
        {TRAINER_PROGRAM: "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager"},
    ),
    Source("sigs.k8s.io/kueue", KUEUE, {KUEUE_PROGRAM: "sigs.k8s.io/kueue/cmd/kueue"}),
)
PAUSE = "pause"
KWOK_STAGES = "kwok-stages.yaml"
# Only tests of `make e2e-full` need these; they are built when one of them asks.
ON_DEMAND = {HELM_PROGRAM, JOBSET_PROGRAM, TRAINER_PROGRAM, KUEUE_PROGRAM, "kwok", KWOK_STAGES}


def go_environment() -> dict[str, str]:
    # A build cache of our own: its 5 GB can be removed without touching the user's.
    return {"CGO_ENABLED": "0", "GOCACHE": str(cache_root() / "go-build"), "GOWORK": "off"}


def downloaded(module: str, version: str, folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        run("go", "mod", "download", "-json", f"{module}@v{version}", env=go_environment(), cwd=folder, timeout=1800)
    )
    return found


def _staging_replacements(folder: Path) -> str:
    """Kubernetes' own modules are published apart, as v0.<minor>.<patch>; its go.mod asks for v0.0.0 of each."""
    go_mod = Path(downloaded("k8s.io/kubernetes", KUBERNETES, folder)["GoMod"]).read_text()
    staging = sorted(set(re.findall(r"^\s*(?:require )?(k8s\.io/[\w-]+) v0\.0\.0(?=\s|$)", go_mod, re.MULTILINE)))
    published = "v0." + KUBERNETES.partition(".")[2]
    return "\n".join(f"replace {name} => {name} {published}" for name in staging)


def build(source: Source, target: Path) -> None:
    """Build all programs of one module into a temporary folder, then move them to their place."""
    with tempfile.TemporaryDirectory(prefix="tfscale-go-", dir=target) as temporary:
        folder = Path(temporary)
        lines = ["module tfscale.invalid/build", "go 1.24", f"require {source.module} v{source.version}"]
        if source.module == "k8s.io/kubernetes":
            lines.append(_staging_replacements(folder))
        (folder / "go.mod").write_text("\n".join(lines) + "\n")
        out = folder / "out"
        out.mkdir()
        for name, package in source.programs.items():
            command = ("go", "build", "-mod=mod", "-trimpath", "-ldflags", source.ldflags, "-o", out / name, package)
            run(*gently(*command), env=go_environment(), cwd=folder, timeout=3600)
        for name in source.programs:
            (out / name).rename(target / name)


def build_pause(target: Path) -> None:
    making = target / f".{PAUSE}.making"
    run("gcc", "-Os", "-static", "-s", "-o", making, HERE / "node" / "pause.c")
    making.rename(target / PAUSE)


def write_kwok_stages(target: Path) -> None:
    """Let simulated nodes become ready and simulated pods run, complete and go: kwok's own stages, in one file."""
    with tempfile.TemporaryDirectory(prefix="tfscale-go-") as temporary:
        folder = Path(downloaded("sigs.k8s.io/kwok", KWOK, Path(temporary))["Dir"]) / "kustomize" / "stage"
    names = ["node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease"]
    names += [f"pod/fast/pod-{stage}" for stage in ("ready", "complete", "delete")]
    text = "\n---\n".join((folder / f"{name}.yaml").read_text().strip() for name in names) + "\n"
    making = target / f".{KWOK_STAGES}.making"
    making.write_text(text)
    making.rename(target / KWOK_STAGES)


def programs(*wanted: str) -> Path:
    """Return the folder of the programs; build those of `wanted` that are missing (all that a cluster needs when none is named)."""
    known = {name for source in SOURCES for name in source.programs} | {PAUSE, KWOK_STAGES}
    names = set(wanted) or known - ON_DEMAND
    if unknown := names - known:
        raise InfraError(f"No such program: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}.")
    target = bin_folder()
    target.mkdir(parents=True, exist_ok=True)
    with only_one("programs"):
        for leftover in target.glob("tfscale-go-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        missing = {name for name in names if not (target / name).exists()}
        if missing - {PAUSE} and not shutil.which("go"):
            raise InfraError(
                f"Go is not installed, and {', '.join(sorted(missing))} must be built. Install Go 1.24 or later; or, "
                "where the internet is reached, install kind and kubectl and name a node image in KIND_NODE_IMAGE."
            )
        for source in SOURCES:
            if missing & set(source.programs):
                with step(f"build {', '.join(source.programs)} ({source.module} {source.version})"):
                    build(source, target)
        if PAUSE in missing:
            with step(f"build {PAUSE}"):
                build_pause(target)
        if KWOK_STAGES in missing:
            write_kwok_stages(target)
    return target


def main(argv: list[str]) -> int:
    try:
        print(programs(*argv))
    except InfraError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
