# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a cluster is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import ApiError
from ansible_collections.tfscale.study.plugins.module_utils._steps import cluster_identity_info as step


class Server:
    host = "https://somewhere:6443"

    def __init__(self, answer: dict[str, Any] | ApiError) -> None:
        self._answer = answer

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/api/v1/namespaces/kube-system"
        if isinstance(self._answer, ApiError):
            raise self._answer
        return self._answer


def run(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | ApiError) -> dict[str, Any]:
    monkeypatch.setattr(kubernetes_api, "connect", lambda _params: Server(answer))
    return step.execute({}, Context())


def test_execute_tells_the_uid_of_kube_system(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, {"metadata": {"uid": "7b5c"}})
    assert (result["identity"], result["server"], result["changed"]) == ("7b5c", Server.host, False)


def test_execute_tells_the_address_to_an_account_that_may_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, ApiError("forbidden", status=403))["identity"] == Server.host


@pytest.mark.parametrize("status", [0, 401, 500])
def test_execute_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with pytest.raises(StepError, match=r"cluster x does not answer\."):
        run(monkeypatch, ApiError("cluster x does not answer", status=status))
