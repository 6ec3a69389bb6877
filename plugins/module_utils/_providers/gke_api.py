# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's Container API in plain documents, and in a sentence why it would not. PRIVATE, can break at any time.

https://cloud.google.com/kubernetes-engine/docs/reference/rest. google.cloud's own modules do not resize a pool, know no check mode and wait
without limit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._common.errors import BackendError
from .._common.format import readable
from . import gke_credential_plugin

ENDPOINT = "https://container.googleapis.com"
REQUEST_SECONDS = 30.0
PAUSE_SECONDS = 5.0
# A server that does not answer is asked again for so long.
PATIENCE_SECONDS = 30.0
TRANSIENT = (429, 500, 502, 503, 504)
FIELDS = ("client_email", "private_key", "token_uri")


class GkeError(BackendError):
    """The API refused (`status` is HTTP's) or was not reached (`status` is 0)."""

    def __init__(self, text: str, *, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Container:
    """The clusters of one project; `endpoint` is for a stand-in."""

    def __init__(
        self,
        session: Any,
        project: str,
        *,
        endpoint: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.project = project
        self._base = f"{(endpoint or ENDPOINT).rstrip('/')}/v1/projects/{project}/locations"
        self._session = session
        self._clock = clock
        self._sleep = sleep

    def clusters(self) -> list[dict[str, Any]]:
        """Those of every location; a zone of Google's that does not answer is an error, for its clusters cost as well."""
        answer = self._ask("GET", "-/clusters")
        if missing := answer.get("missingZones"):
            raise GkeError(
                f"Google does not answer for {_told(', '.join(missing))}, where clusters may be: try again later"
            )
        return list(answer.get("clusters") or [])

    def cluster(self, location: str, name: str) -> dict[str, Any] | None:
        try:
            return self._ask("GET", f"{location}/clusters/{name}")
        except GkeError as error:
            if error.status != 404:
                raise
            return None

    def create(self, location: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("POST", f"{location}/clusters", {"cluster": cluster})

    def resize(self, location: str, name: str, pool: str, count: int) -> dict[str, Any]:
        """`count` is for each zone of the pool."""
        return self._ask("POST", f"{location}/clusters/{name}/nodePools/{pool}:setSize", {"nodeCount": count})

    def delete(self, location: str, name: str) -> dict[str, Any]:
        return self._ask("DELETE", f"{location}/clusters/{name}")

    def finish(self, location: str, operation: Mapping[str, Any], what: str, *, seconds: float) -> None:
        """Return when the operation is done; an error of its own or no end within `seconds` raises."""
        end = self._clock() + seconds
        while operation.get("status") != "DONE":
            if self._clock() >= end:
                told = operation.get("detail") or operation.get("statusMessage") or operation.get("status", "PENDING")
                raise GkeError(
                    f"Google was asked to {what}, but has not done it after {seconds:.0f} s (operation"
                    f" {operation.get('name')}: {_told(str(told))}): look at the project, or give a larger cluster_timeout"
                )
            self._sleep(PAUSE_SECONDS)
            operation = self._ask("GET", f"{location}/operations/{operation.get('name')}")
        error = operation.get("error") or {}
        message = error.get("message") or operation.get("statusMessage")
        if message:
            raise GkeError(f"Google was asked to {what} and failed: {_told(str(message))}")

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What only reads, and what was refused for being asked too often, is asked again."""
        end = self._clock() + PATIENCE_SECONDS
        while True:
            try:
                return self._send(method, path, document)
            except GkeError as error:
                again = error.status == 429 or (method == "GET" and error.status in (0, *TRANSIENT))
                if not again or self._clock() >= end:
                    raise
            self._sleep(PAUSE_SECONDS)

    def _send(self, method: str, path: str, document: Mapping[str, Any] | None) -> dict[str, Any]:
        from google.auth import exceptions
        from requests import RequestException

        url = f"{self._base}/{path}"
        try:
            response = self._session.request(method, url, json=document, timeout=REQUEST_SECONDS)
        except exceptions.RefreshError as error:
            raise GkeError(
                f"Google does not accept the credentials: {_first_line(error)}; renew them, or give another"
                " cluster_gke_service_account_file",
                status=401,
            ) from error
        except (exceptions.GoogleAuthError, RequestException, OSError) as error:
            raise GkeError(f"Google's API {self._base} does not answer: {_first_line(error)}") from error
        if response.status_code >= 400:
            raise refusal(self.project, response.status_code, _error_of(response))
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise GkeError(
                f"Google's API {self._base} does not answer in JSON objects, but with {readable(response.text, 80) or 'nothing'}:"
                " look for something in between (a proxy)"
            )
        return answer


def connect(
    project: str,
    service_account_file: str,
    *,
    endpoint: str = "",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Container:
    if service_account_file:
        check_service_account(service_account_file)
    try:
        from google.auth import exceptions
        from google.auth.transport.requests import AuthorizedSession
    except ImportError as error:
        raise GkeError(
            "Python's package google-auth or requests is missing: `make setup-kubernetes` installs the packages for clusters"
        ) from error
    try:
        authorized: Any = AuthorizedSession
        session = authorized(gke_credential_plugin.credentials(service_account_file))
    except (exceptions.GoogleAuthError, ValueError, OSError) as error:
        raise GkeError(
            f"there are no credentials for Google: {_first_line(error)}; give cluster_gke_service_account_file, or"
            " GOOGLE_APPLICATION_CREDENTIALS"
        ) from error
    return Container(session, project, endpoint=endpoint, clock=clock, sleep=sleep)


def check_service_account(path: str) -> None:
    """https://developers.google.com/workspace/guides/create-credentials#service-account"""
    wanted = "give the JSON key file of a service account"
    named = f"cluster_gke_service_account_file is {path!r}"
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        raise GkeError(f"{named}, which cannot be read ({error.strerror}): {wanted}") from error
    except ValueError as error:
        raise GkeError(f"{named}, which is not JSON: {wanted}") from error
    kind = found.get("type") if isinstance(found, dict) else None
    if kind != "service_account":
        raise GkeError(f"{named}, whose type is {kind!r} and not 'service_account': {wanted}")
    if lacking := [field for field in FIELDS if not found.get(field)]:
        raise GkeError(f"{named}, which has no {' and no '.join(lacking)}: {wanted}")


def refusal(project: str, status: int, message: str) -> GkeError:
    """https://cloud.google.com/apis/design/errors"""
    text = f"Google refused ({status}): {_told(message)}"
    if status == 401:
        text = f"Google does not accept the credentials (401): {_told(message)}; renew them, or give another cluster_gke_service_account_file"
    elif "quota" in message.lower():
        text = f"a quota of project {project} does not suffice: {_told(message)}; ask for less, or have it raised"
    elif status == 403:
        text = (
            f"the account may not do this in cluster_gke_project {project!r} (403): {_told(message)}; give it the role"
            " Kubernetes Engine Admin, or another project"
        )
    return GkeError(text, status=status)


def _error_of(response: Any) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        # A proxy speaks in its own words.
        return str(response.text[:200]).strip() or str(response.reason)


def _told(message: str) -> str:
    return readable(message).rstrip(".")


def _first_line(error: Exception) -> str:
    return _told((str(error).strip() or type(error).__name__).splitlines()[0])
