# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making, resizing and removing GKE clusters at a stand-in of Google, whose nodes are only numbers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.lease import LeaseLock
from ansible_collections.tfscale.study.plugins.module_utils._steps import gke_cluster

from tests.fixtures.google import PROJECT, ZONE, Google, key_file, serving
from tests.fixtures.nodes import Cluster, node

POOL = {"cloud.google.com/gke-nodepool": "study"}


class Site:
    """Google, the kubeconfig and the key; a clock that stands still between sleeps."""

    def __init__(self, google: Google, folder: Path) -> None:
        self.google = google
        self.kubeconfig = folder / "clusters" / "one"
        self.key = key_file(folder, google.url)
        self.lines: list[str] = []
        self.ready = "True"
        self.leases = Cluster()
        self._now = 0.0

    def run(self, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {
            "name": "one",
            "kubeconfig": str(self.kubeconfig),
            "project": PROJECT,
            "location": ZONE,
            "service_account_file": str(self.key),
            "endpoint": self.google.url,
            "timeout": 60,
            **arguments,
        }
        checked = ArgumentSpecValidator(gke_cluster.ARGUMENT_SPEC).validate(given)
        assert checked.error_messages == []
        return gke_cluster.execute(
            checked.validated_parameters,
            Context(check_mode=check_mode, say=self.lines.append, clock=self.clock, sleep=self.sleep),
        )

    def failure(self, **arguments: Any) -> str:
        with pytest.raises(StepError) as caught:
            self.run(**arguments)
        text = str(caught.value)
        assert text.endswith(".")
        assert "\n" not in text
        return text

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def asked(self, method: str) -> list[str]:
        return [line for line in self.google.requests if line.startswith(method)]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with serving(Google()) as google:
        made = Site(google, tmp_path)

        class Now(Cluster):
            def list(self, path: str, **query: Any) -> tuple[list[dict[str, Any]], str]:
                count = google.machines[ZONE, "one"].count
                return Cluster(*(node(f"gke-one-{i}", labels=POOL, ready=made.ready) for i in range(count))).list(
                    path, **query
                )

        def connect(auth: dict[str, Any], *, patience: float = 0) -> Cluster:
            assert Path(auth["kubeconfig"]).exists()
            return made.leases if patience else Now()

        monkeypatch.setattr(kubernetes_api, "connect", connect)
        yield made


def test_execute_makes_a_cluster_with_what_was_asked_for(site: Site) -> None:
    result = site.run(
        nodes=2,
        machine_type="e2-standard-2",
        spot=True,
        disk_type="pd-ssd",
        labels={"team": "a", "spare": True},
        accelerator={"type": "nvidia-l4", "count": "1"},
        private_nodes=True,
        workload_identity=True,
        network="net",
        channel="stable",
    )
    assert result["changed"]
    assert result["msg"] == f"GKE cluster one in {ZONE} was created, with 2 nodes."
    assert [one["name"] for one in result["nodes"]] == ["gke-one-0", "gke-one-1"]
    assert result["versions"] == {"kubernetes": "1.34.4-gke.1"}
    made = site.google.clusters[ZONE, "one"]
    assert made["resourceLabels"] == {"team": "a", "spare": "true", "tfscale-study": "one"}
    assert made["releaseChannel"] == {"channel": "STABLE"}
    assert made["network"] == "net"
    assert made["privateClusterConfig"] == {"enablePrivateNodes": True}
    assert made["workloadIdentityConfig"] == {"workloadPool": f"{PROJECT}.svc.id.goog"}
    [pool] = made["nodePools"]
    assert (pool["name"], pool["initialNodeCount"]) == ("study", 2)
    config = pool["config"]
    assert (config["machineType"], config["diskSizeGb"], config["diskType"], config["spot"]) == (
        "e2-standard-2",
        50,
        "pd-ssd",
        True,
    )
    assert config["accelerators"][0]["acceleratorCount"] == "1"
    assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}


def test_execute_again_changes_nothing(site: Site) -> None:
    site.run(nodes=2)
    before = len(site.asked("POST"))
    result = site.run(nodes=2)
    assert not result["changed"]
    assert result["msg"] == f"GKE cluster one in {ZONE} exists, with 2 nodes."
    assert len(site.asked("POST")) == before


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"[]", b"null", b'{"clusters": [', b"\xff\xfe"])
def test_execute_bears_answers_that_are_none(site: Site, body: bytes) -> None:
    site.google.crooked = [body]
    assert site.run(nodes=1)["changed"]
    site.google.crooked = [body] * 1000
    assert "does not answer in JSON objects, but with" in site.failure(nodes=1)


@pytest.mark.parametrize("count", [1, 5])
def test_execute_resizes_the_pool_and_reads_it_back(site: Site, count: int) -> None:
    site.run(nodes=2)
    result = site.run(nodes=count)
    assert result["changed"]
    assert len(result["nodes"]) == count
    assert result["diff"] == {"before": {"nodes": 2}, "after": {"nodes": count}}
    assert site.google.machines[ZONE, "one"].count == count
    assert f"was resized from 2 to {count} node" in result["msg"]


def test_execute_without_resize_takes_the_pool_as_it_is(site: Site) -> None:
    site.run(nodes=2)
    for check_mode in (True, False):
        result = site.run(nodes=5, resize=False, check_mode=check_mode)
        assert not result["changed"]
        assert result["msg"] == f"GKE cluster one in {ZONE} exists, with 2 nodes."
    site.google.machines[ZONE, "one"].resize(0)
    assert len(site.run(nodes=1, resize=False)["nodes"]) == 1


def test_execute_gives_each_zone_its_share(site: Site) -> None:
    zones = [ZONE, "europe-west1-c"]
    site.run(nodes=4, zones=zones)
    assert site.google.clusters[ZONE, "one"]["nodePools"][0]["initialNodeCount"] == 2
    site.run(nodes=2, zones=zones)
    assert site.google.machines[ZONE, "one"].count == 2
    assert "cluster_nodes is 3, but the pool has as many nodes in each of its 2 zones" in site.failure(
        nodes=3, zones=zones
    )


def test_execute_in_check_mode_changes_nothing(site: Site) -> None:
    result = site.run(check_mode=True)
    assert result["changed"]
    assert result["msg"] == f"GKE cluster one in {ZONE} would be created with 1 node."
    assert not site.kubeconfig.exists()
    site.run(nodes=1)
    assert "would be resized from 1 to 3 nodes" in site.run(nodes=3, check_mode=True)["msg"]
    assert not site.run(nodes=1, check_mode=True)["changed"]
    assert "would be removed" in site.run(state="absent", check_mode=True)["msg"]
    assert site.google.machines[ZONE, "one"].count == 1


def test_the_kubeconfig_gives_tokens_that_are_kept_and_renewed(site: Site) -> None:
    site.run()
    config = json.loads(site.kubeconfig.read_text())
    plugin = config["users"][0]["user"]["exec"]
    assert site.kubeconfig.stat().st_mode & 0o077 == 0

    def credential() -> dict[str, Any]:
        called = subprocess.run([plugin["command"], *plugin["args"]], capture_output=True, text=True, check=True)
        credential: dict[str, Any] = json.loads(called.stdout)
        assert credential["apiVersion"] == plugin["apiVersion"]
        return dict(credential["status"])

    first = credential()
    assert first["token"] == "a token of the cluster"
    cache = site.kubeconfig.with_name("one.token")
    assert cache.stat().st_mode & 0o077 == 0
    cache.write_text(json.dumps({**json.loads(cache.read_text()), "token": "kept"}))
    assert credential()["token"] == "kept"
    cache.write_text(json.dumps({"token": "old", "until": 0}))
    assert credential()["token"] == first["token"]


def test_the_token_of_another_account_is_not_kept(site: Site) -> None:
    site.run()
    cache = site.kubeconfig.with_name("one.token")
    cache.write_text(json.dumps({"token": "kept", "until": 0}))
    site.run()
    assert cache.exists()
    other = site.key.with_name("other.json")
    other.write_bytes(site.key.read_bytes())
    assert site.run(service_account_file=str(other))["changed"]
    assert not cache.exists()


def test_execute_absent_removes_the_cluster_and_its_files(site: Site) -> None:
    site.run()
    result = site.run(state="absent")
    assert result["changed"]
    assert result["msg"] == f"GKE cluster one in {ZONE} was removed."
    assert site.google.clusters == {}
    assert list(site.kubeconfig.parent.iterdir()) == []
    again = site.run(state="absent")
    assert not again["changed"]
    assert "does not exist" in again["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("name", ["one.credentials.py", "one.token"])
@pytest.mark.parametrize("text", ["", "secret\n", '{"token": "of mine"}', "[1]", "# Copyright (c) 2026\nprint()\n"])
def test_execute_leaves_a_file_beside_its_kubeconfig(site: Site, state: str, name: str, text: str) -> None:
    site.run()
    twin = site.kubeconfig.with_name(name)
    twin.write_text(text)
    assert f"which needs {name} beside it, but that file is not ours" in site.failure(state=state)
    assert (twin.read_text(), site.asked("DELETE")) == (text, [])
    twin.unlink()
    twin.symlink_to(site.key)
    assert f"which needs {name} beside it" in site.failure(state=state)
    assert site.key.exists()


LEASES = "/apis/coordination.k8s.io/v1"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("name", ["one", "two"])
def test_execute_absent_names_a_study_that_somebody_runs_there(site: Site, name: str, check_mode: bool) -> None:
    """In the cluster itself, or in one that is to go as a left-over."""
    site.google.add(name)
    LeaseLock(site.leases, "tfscale", "mnist", 7, host="far").acquire()
    given: dict[str, Any] = {"state": "absent", "leftovers": "remove", "check_mode": check_mode}
    sentence = site.failure(**given)
    assert sentence.startswith(
        f"GKE cluster {name} in {ZONE} is left as it is, because others work with it: study mnist in"
    )
    assert "is held by process 7 on host far since 2" in sentence
    assert list(site.google.clusters) == [(ZONE, name)]
    assert site.run(**given, end_held=True)["changed"]
    site.leases.refuse("LIST", f"{LEASES}/leases", 503)
    site.google.add("three")
    assert site.run(**{**given, "check_mode": False})["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_execute_present_leaves_the_pool_of_a_study_that_somebody_runs(site: Site, check_mode: bool) -> None:
    site.run(nodes=2)
    LeaseLock(site.leases, "tfscale", "mnist", 7, host="far").acquire()
    sentence = site.failure(nodes=3, check_mode=check_mode)
    facts = ["GKE cluster one", "2 nodes", "study mnist", "process 7 on host far since 2", "cluster_teardown_held"]
    assert [fact for fact in facts if fact not in sentence] == []
    assert site.google.machines[ZONE, "one"].count == 2
    assert not site.run(nodes=2)["changed"]
    assert site.run(nodes=3, end_held=True)["changed"]
    assert site.google.machines[ZONE, "one"].count == 3


def test_execute_absent_needs_no_zones_of_a_region(site: Site) -> None:
    site.google.add("one", location="europe-west1")
    assert site.run(state="absent", location="europe-west1")["changed"]
    assert site.google.clusters == {}


def test_execute_absent_tells_of_leftovers_and_removes_them_when_asked(site: Site) -> None:
    site.google.add("forgotten", location="us-central1-a")
    site.google.add("theirs", ours=False)
    result = site.run(state="absent")
    assert not result["changed"]
    assert [one["name"] for one in result["leftovers"]] == ["forgotten"]
    assert "cost money: forgotten in us-central1-a (since 2026-11-26" in result["msg"]
    result = site.run(state="absent", leftovers="remove")
    assert result["changed"]
    assert list(site.google.clusters) == [(ZONE, "theirs")]
    assert result["leftovers"] == []


@pytest.mark.parametrize("labels", [{}, {"tfscale-study": ""}, {"tfscale-study": "costs"}])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_execute_never_touches_a_cluster_that_is_not_ours(site: Site, state: str, labels: dict[str, str]) -> None:
    """Somebody may label what a study costs with the same key."""
    site.google.add("one", resourceLabels=labels)
    site.google.add("two", resourceLabels=labels)
    assert site.run(name="three", state="absent", leftovers="remove")["removed"] == []
    assert "was not made by this collection" in site.failure(state=state)
    assert site.asked("DELETE") == []
    assert [line for line in site.asked("POST") if "clusters" in line] == []


def test_execute_waits_for_what_an_earlier_call_began(site: Site) -> None:
    site.google.add("one", status="PROVISIONING")
    with pytest.raises(StepError, match="is PROVISIONING, for longer than cluster_timeout"):
        site.run()
    site.google.clusters[ZONE, "one"]["status"] = "RUNNING"
    assert site.run(timeout=1000)["msg"].endswith("exists, with 1 node.")


def test_execute_makes_a_cluster_anew_that_could_not_be_made(site: Site) -> None:
    site.google.add("one", status="ERROR", statusMessage="no machines")
    site.run(timeout=1000)
    assert site.google.clusters[ZONE, "one"]["status"] == "RUNNING"
    assert any("no machines" in line for line in site.lines)
    assert len(site.asked("DELETE")) == 1


def test_execute_names_what_differs(site: Site) -> None:
    site.run()
    text = site.failure(machine_type="e2-standard-2", spot=True)
    assert "cluster_gke_machine_type 'e2-standard-4' instead of 'e2-standard-2'" in text
    assert "cluster_gke_spot False instead of True" in text


@pytest.mark.parametrize(
    ("faults", "arguments", "told"),
    [
        (
            {"create": (403, {"error": {"message": 'Insufficient regional quota: request requires "8.0" CPUS.'}})},
            {},
            "a quota of project",
        ),
        (
            {"create": (403, {"error": {"message": "Required container.clusters.create."}})},
            {},
            "give it the role Kubernetes Engine Admin",
        ),
        (
            {"create operation": "Google Compute Engine: out of stock."},
            {},
            f"make GKE cluster one in {ZONE} and failed: Google Compute",
        ),
        ({"stuck": True}, {}, "has not done it after 60 s (operation operation-1: waiting for machines)"),
        ({"revoked": True}, {}, "renew them, or give another cluster_gke_service_account_file"),
        ({}, {"machine_type": "e9"}, "cluster_gke_machine_type is 'e9': give another"),
        ({}, {"location": "mars-north1-a"}, "cluster_gke_location is 'mars-north1-a': give another"),
        ({}, {"project": "other-project"}, "in cluster_gke_project 'other-project' (403)"),
        ({}, {"endpoint": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_execute_says_what_google_would_not_do(
    site: Site, faults: dict[str, Any], arguments: dict[str, Any], told: str
) -> None:
    site.google.faults = faults
    assert told in site.failure(**arguments)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (
            {"resize operation": "quota CPUS exceeded"},
            f"give GKE cluster one in {ZONE} 3 nodes and failed: quota CPUS exceeded",
        ),
        ({"stuck": True}, "has not done it after 60 s"),
        ({"revoked": True}, "does not accept the credentials"),
    ],
)
def test_execute_says_why_it_could_not_resize(site: Site, faults: dict[str, Any], told: str) -> None:
    site.run(nodes=2)
    site.google.faults = faults
    assert told in site.failure(nodes=3)
    assert site.google.machines[ZONE, "one"].count == 2


def test_execute_names_a_node_that_does_not_get_ready(site: Site) -> None:
    site.ready = "False"
    assert "the cluster has not 1 ready node: gke-one-0 is not Ready" in site.failure()


def test_execute_waits_while_google_is_at_work_with_the_cluster(site: Site) -> None:
    site.run(nodes=1)
    busy = (400, {"error": {"message": "Cluster is running incompatible operation operation-9."}})
    site.google.faults = {"resize": busy}
    plain, asked = site.sleep, len(site.asked("POST"))

    def sleep(seconds: float) -> None:
        plain(seconds)
        if len(site.asked("POST")) >= asked + 3:
            site.google.faults = {}

    site.sleep = sleep  # type: ignore[method-assign]
    assert len(site.run(nodes=2)["nodes"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": "One"}, "cluster_name is 'One': give up to 40"),
        ({"project": "My Project"}, "cluster_gke_project is 'My Project'"),
        ({"project": ""}, "cluster_gke_project is ''"),
        ({"location": "Belgium"}, "cluster_gke_location is 'Belgium'"),
        ({"location": "europe-west1"}, "cluster_gke_location is the region 'europe-west1'"),
        ({"zones": ["x"]}, "cluster_gke_zones is 'x'"),
        ({"labels": {"Team": "a"}}, "cluster_gke_labels is 'Team'"),
        ({"nodes": 0}, "cluster_nodes is 0"),
        ({"disk_gb": 5}, "cluster_gke_disk_gb is 5"),
        ({"accelerator": {"type": "nvidia-l4"}}, "cluster_gke_accelerator is {'type': 'nvidia-l4'}"),
        ({"accelerator": {"type": "nvidia-l4", "count": 0}}, "cluster_gke_accelerator.count is 0"),
        ({"kubeconfig": "~/.kube/config"}, "which is not this cluster's alone"),
    ],
)
def test_execute_refuses_bad_input_before_google_is_asked(site: Site, arguments: dict[str, Any], told: str) -> None:
    assert told in site.failure(**arguments)
    assert site.google.requests == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "which is not JSON"),
        ('{"type": "authorized_user"}', "whose type is 'authorized_user' and not 'service_account'"),
        ("[]", "whose type is None"),
        ('{"type": "service_account", "client_email": "a"}', "which has no private_key and no token_uri"),
        (
            '{"type": "service_account", "client_email": "a", "private_key": "b", "token_uri": "c"}',
            "there are no credentials for Google",
        ),
        (None, "which cannot be read (No such file or directory)"),
    ],
)
def test_execute_refuses_a_file_that_is_no_service_account(site: Site, text: str | None, told: str) -> None:
    site.key.unlink()
    if text is not None:
        site.key.write_text(text)
    assert told in site.failure()
    assert site.google.requests == []
