# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules share. PRIVATE, can break at any time."""

from __future__ import annotations

from typing import Any

# kubernetes.core's own; a copy, because importing it needs that collection and a study of local processes does without.
# https://github.com/ansible-collections/kubernetes.core/blob/6.2.0/plugins/module_utils/args_common.py
AUTH_ARG_SPEC: dict[str, dict[str, Any]] = {
    "kubeconfig": {"type": "raw", "no_log": True},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"]},
    "proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "proxy_headers": {
        "type": "dict",
        "options": {
            "proxy_basic_auth": {"type": "str", "no_log": True},
            "basic_auth": {"type": "str", "no_log": True},
            "user_agent": {"type": "str"},
        },
    },
    "persist_config": {"type": "bool"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
}
# Each is documented by the fragment of its name in plugins/doc_fragments.
NAMESPACE_ARG_SPEC: dict[str, dict[str, Any]] = {"namespace": {"type": "str", "default": "tfscale"}}
OWNER_ARG_SPEC: dict[str, dict[str, Any]] = {"owner_pid": {"type": "int"}}
RUN_ARG_SPEC: dict[str, dict[str, Any]] = {"run_id": {"type": "str"}, "attempt": {"type": "int"}}
