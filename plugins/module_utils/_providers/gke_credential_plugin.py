# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's credentials, as a credential plugin of a kubeconfig and for our own requests. PRIVATE, can break at any time.

A program of its own: a kubeconfig calls it (`users[].user.exec`), so that a sweep outlives the hour for which a token is good.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC
from pathlib import Path
from typing import Any

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
# Longer than any request of ours takes, and than two clocks differ.
SPARE_SECONDS = 300


def credentials(service_account_file: str) -> Any:
    """Those of the file, or where it is '' those that Google's libraries find: GOOGLE_APPLICATION_CREDENTIALS, gcloud's, the machine's."""
    if service_account_file:
        from google.oauth2.service_account import Credentials

        load: Any = Credentials.from_service_account_file
        return load(service_account_file, scopes=SCOPES)
    import google.auth

    return google.auth.default(scopes=SCOPES)[0]


def kept(cache: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("until", 0) - SPARE_SECONDS > time.time() else None


def fetch(service_account_file: str) -> dict[str, Any]:
    from google.auth.transport.requests import Request

    found = credentials(service_account_file)
    found.refresh(Request())
    return {
        "token": found.token,
        "until": time.time() + SPARE_SECONDS + 1 if found.expiry is None else _seconds(found.expiry),
    }


def keep(cache: Path, token: dict[str, Any]) -> None:
    """Where it cannot be kept, the next call asks for another."""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=cache.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(token, file)
            os.replace(name, cache)
        except OSError:
            os.unlink(name)


def _seconds(expiry: Any) -> float:
    """Google's datetimes know no zone and mean UTC."""
    return float(expiry.replace(tzinfo=UTC).timestamp())


def main(service_account_file: str, cache: str) -> None:
    token = kept(Path(cache))
    if token is None:
        token = fetch(service_account_file)
        keep(Path(cache), token)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(token["until"]))
    status = {"token": token["token"], "expirationTimestamp": until}
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    sys.stdout.write(json.dumps(credential))


if __name__ == "__main__":
    main(*sys.argv[1:])
