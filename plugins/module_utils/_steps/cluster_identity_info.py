# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which cluster a kubeconfig leads to, whatever it is called there. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._common.context import Context
from .._common.errors import StepError
from .._kubernetes import api as kubernetes_api
from .._kubernetes.api import Api, ApiError
from .._kubernetes.options import AUTH_ARG_SPEC

ARGUMENT_SPEC: dict[str, dict[str, Any]] = dict(AUTH_ARG_SPEC)
# There is no ID of a cluster; that of this namespace is what others take for it, for it lives as long as the cluster.
NAMESPACE = "/api/v1/namespaces/kube-system"


def execute(params: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    try:
        api = kubernetes_api.connect(params)
        uid = _uid(api)
    except ApiError as error:
        raise StepError(f"{error}.") from error
    identity = uid or api.host
    return {
        "changed": False,
        "identity": identity,
        "server": api.host,
        "msg": f"The cluster at {api.host} is {identity}.",
    }


def _uid(api: Api) -> str:
    """Empty for an account that may not look there: two of its clusters are distinguished by their addresses."""
    try:
        return str(api.get(NAMESPACE)["metadata"]["uid"])
    except ApiError as error:
        if error.status != 403:
            raise
        return ""
