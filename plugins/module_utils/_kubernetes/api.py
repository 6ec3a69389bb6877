# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to a Kubernetes API server in plain documents, and says in a sentence why it would not. PRIVATE, can break at any time.

The one file that touches kubernetes.core and the package kubernetes: they find the server and the credentials (kubeconfig,
context, in-cluster, K8S_AUTH_* of AWX). The requests themselves go through the client's own pool of connections, because its
models of a thousand pods cost seconds that a wait does not have.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from .._common.errors import BackendError
from .._common.format import readable
from . import kubeconfigs
from .options import AUTH_ARG_SPEC

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
SILENCE_SECONDS = 90.0
# A server that restarts answers nothing, or these, for a while.
TRANSIENT = (429, 500, 502, 503, 504)
PAUSE_SECONDS = 0.5
PAGE = 500
# The reason of an ApiError whose answer was none of a Kubernetes API.
GARBLED = "Garbled"
# https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
EVENTS = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")
PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
_FORBIDDEN = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"')


class ApiError(BackendError):
    """The server refused (`status` is HTTP's) or was not reached (`status` is 0); `reason` is Kubernetes' own word."""

    def __init__(self, text: str, *, status: int = 0, reason: str = "", message: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def is_transient(self) -> bool:
        return self.status == 0 or self.status in TRANSIENT


class Api:
    """One API server as one user may use it.

    `patience` is how many seconds a server that does not answer is asked again. `requests` counts what was sent.
    """

    def __init__(
        self,
        pool: Any,
        *,
        host: str,
        headers: Callable[[], Mapping[str, str]],
        patience: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = host.rstrip("/")
        self.patience = patience
        self.requests = 0
        self._pool = pool
        self._headers = headers
        self._clock = clock
        self._sleep = sleep

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self._document("GET", path, query, is_whole=_is_object)

    def list(self, path: str, **query: Any) -> tuple[list[dict[str, Any]], str]:
        """All items, in pages, and the resourceVersion from which a watch goes on."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            wanted = {"limit": PAGE, **query, **({"continue": token} if token else {})}
            page = self._document("GET", path, wanted, is_whole=_is_list)
            items += page.get("items") or []
            token = page["metadata"].get("continue", "")
            if not token:
                return items, page["metadata"].get("resourceVersion", "")

    def collections(self, path: str) -> set[str]:
        """Collections of an API such as /apis/batch/v1; none where the server does not know the API."""
        try:
            found = self._document("GET", path, {}, is_whole=_is_discovery)
        except ApiError as error:
            if error.status != 404:
                raise
            return set()
        return {one["name"] for one in found["resources"]}

    def versions(self, group: str) -> tuple[str, ...]:
        """In which the server has a group of APIs such as batch; none where it does not know the group."""
        try:
            found = self._document("GET", f"/apis/{group}", {}, is_whole=_is_group)
        except ApiError as error:
            if error.status != 404:
                raise
            return ()
        return tuple(one["version"] for one in found["versions"])

    def fields(self, path: str, kind: str) -> set[str]:
        """Of the spec of a kind of an API such as /apis/batch/v1; none where the server does not tell."""
        try:
            found = self._document("GET", f"/openapi/v3{path}", {}, is_whole=_is_openapi)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return set()
        schemas: dict[str, Any] = found["components"]["schemas"]
        whole: dict[str, Any] = next((one for name, one in schemas.items() if name.endswith(f".{kind}")), {})
        return set(whole.get("properties", {}).get("spec", {}).get("properties", ()))

    def create(self, path: str, document: Mapping[str, Any], **query: Any) -> dict[str, Any]:
        return self._document("POST", path, query, document)

    def replace(self, path: str, document: Mapping[str, Any], **query: Any) -> dict[str, Any]:
        return self._document("PUT", path, query, document)

    def patch(self, path: str, document: Any, *, how: str = "merge", **query: Any) -> dict[str, Any]:
        return self._document("PATCH", path, query, document, content_type=PATCHES[how])

    def delete(
        self,
        path: str,
        options: Mapping[str, Any] | None = None,
        *,
        read_seconds: float = READ_SECONDS,
        **query: Any,
    ) -> dict[str, Any]:
        """One object, or with a labelSelector on a collection all that it matches, one after the other."""
        return self._document("DELETE", path, query, options, read_seconds=read_seconds)

    @contextlib.contextmanager
    def open(self, path: str, *, read_seconds: float | None = READ_SECONDS, **query: Any) -> Iterator[Any]:
        """A response as it comes: a log that is followed, a watch. Asked once; closed with the block."""
        response = self._send("GET", path, query, None, "", read_seconds)
        try:
            yield response
        finally:
            # Read to its end it could serve another request; an endless one must be cut.
            response.close()

    def watch(
        self, path: str, *, since: str, seconds: int, opened: Callable[[], None] = lambda: None, **query: Any
    ) -> Iterator[dict[str, Any]]:
        """Events {type, object} until the server ends the watch; raises ApiError 410 when `since` is too old.

        `opened` is called when the server has granted the watch, which may be long before it has something to tell.
        """
        wanted = {"watch": "true", "resourceVersion": since, "timeoutSeconds": seconds, "allowWatchBookmarks": "true"}
        # Bookmarks come every minute: a connection that is silent for longer leads nowhere any more.
        with self.open(path, read_seconds=SILENCE_SECONDS, **wanted, **query) as response:
            opened()
            for line in filter(bytes.strip, lines_of(response, self.host)):
                event = document_of(self.host, line, lambda one: isinstance(one.get("object"), dict))
                if event.get("type") == "ERROR":
                    raise refusal(self.host, "watch", path, event["object"])
                if event.get("type") not in EVENTS or not _has_version(event["object"]):
                    raise garbled(self.host, line)
                yield event

    def _document(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any = None,
        *,
        content_type: str = "application/json",
        read_seconds: float = READ_SECONDS,
        is_whole: Callable[[dict[str, Any]], bool] = lambda _document: True,
    ) -> dict[str, Any]:
        end = self._clock() + self.patience
        while True:
            try:
                response = self._send(method, path, query, body, content_type, read_seconds)
                document = document_of(self.host, response.read() or b"{}", is_whole)
            except ApiError as error:
                if not error.is_transient or self._clock() >= end:
                    raise
            except Exception as error:
                # urllib3's own errors of a connection that broke within an answer; it is imported with the client only.
                if not _is_broken(error):
                    raise
                if self._clock() >= end:
                    raise _unreachable(self.host, error) from error
            else:
                response.release_conn()
                return document
            self._sleep(PAUSE_SECONDS)

    def _send(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, content_type: str, read_seconds: float | None
    ) -> Any:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", **self._headers()}
        if body is not None:
            headers["Content-Type"] = content_type
        self.requests += 1
        try:
            response = self._pool.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body),
                timeout=Timeout(connect=CONNECT_SECONDS, read=read_seconds),
                retries=False,
                preload_content=False,
            )
            # A redirection leads to a page where people log in.
            if response.status >= 300:
                raise refusal(self.host, method, path, _status_of(response))
        except (HTTPError, OSError) as error:
            raise _unreachable(self.host, error) from error
        if str(response.headers.get("Content-Type")).startswith("text/html"):
            raise garbled(self.host, b"a page of HTML")
        return response


def preload() -> None:
    """Import what `connect` will need; where it is missing, `connect` says so."""
    with contextlib.suppress(ImportError):
        # It imports the package kubernetes itself.
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client  # noqa: F401


def connect(auth: Mapping[str, Any], *, patience: float = 10.0) -> Api:
    """The server that kubernetes.core would take for these arguments (AUTH_ARG_SPEC, K8S_AUTH_*, in-cluster, kubeconfig)."""
    try:
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
        from kubernetes.client import ApiClient
        from kubernetes.config import ConfigException
    except ImportError as error:
        raise ApiError(
            f"Python's package {error.name or 'kubernetes'} is missing: `make setup-kubernetes` installs the packages for clusters"
            " (collection kubernetes.core, packages kubernetes and jsonpatch)"
        ) from error
    given = {name: value for name, value in auth.items() if name in AUTH_ARG_SPEC and value not in (None, "")}
    try:
        # Without its dynamic client, which asks the server for all its resources first.
        auth_spec = core._create_auth_spec(None, **given)
        paths = auth_spec.get("kubeconfig") or ""
        if isinstance(paths, str):
            auth_spec["context"] = auth_spec.get("context") or kubeconfigs.current_context(paths) or None
            auth_spec["kubeconfig"] = kubeconfigs.without_empty(paths) or paths or None
        configuration = core._create_configuration(auth_spec)
        extra = core._create_headers(None, **given)
        client = ApiClient(configuration)
    except (ConfigException, OSError, ValueError, TypeError) as error:
        named = given.get("kubeconfig") or "KUBECONFIG or ~/.kube/config"
        named = named if isinstance(named, str) else "(given as a dictionary)"
        known = _contexts(given.get("kubeconfig"))
        if known and given.get("context", known[0]) not in known:
            raise ApiError(
                f"cluster_context is {given['context']!r}, which kubeconfig {named} does not have: give one of {', '.join(known)}"
            ) from error
        raise ApiError(
            f"kubeconfig {named} cannot be used: {_first_line(error)}; give cluster_kubeconfig and cluster_context"
        ) from error

    def headers() -> dict[str, str]:
        # Asked for each request: a token of a cloud or of a service account is renewed on its way.
        tokens = {one["key"]: one["value"] for one in configuration.auth_settings().values() if one["in"] == "header"}
        lists = {name: value if isinstance(value, str) else ",".join(value) for name, value in extra.items()}
        return {**client.default_headers, **tokens, **lists}

    return Api(client.rest_client.pool_manager, host=configuration.host, headers=headers, patience=patience)


def _contexts(kubeconfig: Any) -> list[str]:
    """The names in a file, as far as it can be read at all."""
    from kubernetes.config import ConfigException, list_kube_config_contexts

    listed: Any = list_kube_config_contexts
    paths = kubeconfig if isinstance(kubeconfig, str) else ""
    try:
        found, _current = listed(kubeconfigs.without_empty(paths) or paths or None)
    except (ConfigException, OSError, ValueError, TypeError, KeyError):
        return []
    return [readable(one["name"]) for one in found or []]


def disown() -> None:
    """A process that was copied leaves the files of `forget` to the one that made them."""
    made = sys.modules.get("kubernetes.config.kube_config")
    if made is not None:
        made._temp_files.clear()


def forget() -> None:
    """Remove the files with keys and certificates that `connect` has had made out of a kubeconfig.

    The package kubernetes does so when Python ends, which a worker of ansible-playbook never does: it leaves by os._exit.
    """
    made = sys.modules.get("kubernetes.config.kube_config")
    if made is not None:
        made._cleanup_temp_files()


def _is_object(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("metadata"), dict)


def _has_version(document: Mapping[str, Any]) -> bool:
    return _is_object(document) and isinstance(document["metadata"].get("resourceVersion"), str)


def _is_list(document: Mapping[str, Any]) -> bool:
    items = document.get("items") or []
    return (
        _is_object(document)
        and isinstance(items, list)
        and all(isinstance(one, dict) and _is_object(one) for one in items)
    )


def _is_discovery(document: Mapping[str, Any]) -> bool:
    found = document.get("resources")
    return isinstance(found, list) and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in found)


def _is_openapi(document: Mapping[str, Any]) -> bool:
    return isinstance((document.get("components") or {}).get("schemas"), dict)


def _is_group(document: Mapping[str, Any]) -> bool:
    found = document.get("versions")
    return isinstance(found, list) and all(
        isinstance(one, dict) and isinstance(one.get("version"), str) for one in found
    )


def document_of(host: str, data: bytes, is_whole: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What a server says, or an ApiError for what is cut, or is somebody else's who stands between."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise garbled(host, data) from error
    if not isinstance(document, dict) or not is_whole(document):
        raise garbled(host, data)
    return document


def garbled(host: str, data: bytes) -> ApiError:
    """To be borne like a connection that broke: the next answer may be whole."""
    shown = readable(data[:400].decode("utf-8", "replace"), 80)
    return ApiError(
        f"cluster {host} does not answer like Kubernetes, but with {shown or 'nothing'}: look for something in between (a proxy,"
        " a load balancer)",
        reason=GARBLED,
    )


def blocks_of(response: Any, host: str) -> Iterator[bytes]:
    """Whatever comes as it comes; a connection that breaks is an ApiError, one that ends is an end."""
    try:
        yield from response.stream(1 << 16, decode_content=True)
    except Exception as error:
        if not _is_broken(error):
            raise
        raise _unreachable(host, error) from error


def lines_of(response: Any, host: str) -> Iterator[bytes]:
    """Whole lines; what is long comes in many blocks, so they are joined only once."""
    rest: list[bytes] = []
    for block in blocks_of(response, host):
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            yield from others[:-1]
            rest = [others[-1]]
    if last := b"".join(rest):
        yield last


def refusal(host: str, method: str, path: str, status: Mapping[str, Any]) -> ApiError:
    """From the API's Status to a sentence; https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""
    code, reason, message = (
        code if isinstance(code := status.get("code"), int) else 0,
        readable(status.get("reason") or ""),
        readable(status.get("message") or ""),
    )
    text = f"cluster {host} refused {method} {path} ({f'{code} {reason}'.strip()}): {message}"
    if code == 401:
        text = f"cluster {host} does not accept our credentials (401): renew them, or give another cluster_kubeconfig or cluster_context"
    elif "because it is being terminated" in message:
        text = f"namespace {_namespace_of(path)} is being deleted: wait until it is gone, or give another cluster_namespace"
    elif code == 403 and (found := _FORBIDDEN.search(message)):
        where = f" in namespace {_namespace_of(path)}" if _namespace_of(path) else ""
        text = (
            f"user {found['user']} may not {found['verb']} {found['resource']}{where}: give that right"
            " (docs/kubernetes.md lists all that are needed)"
        )
    return ApiError(text, status=code, reason=reason, message=message)


def _status_of(response: Any) -> dict[str, Any]:
    data = response.read()
    response.release_conn()
    try:
        status = json.loads(data)
        if isinstance(status, dict) and status.get("kind") == "Status":
            return {**status, "code": response.status}
    except (ValueError, RecursionError):
        pass
    # A proxy or a server that starts speaks in its own words.
    return {
        "code": response.status,
        "reason": response.reason,
        "message": data[:200].decode("utf-8", "replace"),
    }


def _namespace_of(path: str) -> str:
    found = re.search(r"/namespaces/([^/]+)", path)
    return found[1] if found else ""


def _is_broken(error: Exception) -> bool:
    from urllib3.exceptions import HTTPError

    return isinstance(error, (HTTPError, OSError, EOFError))


def _unreachable(host: str, error: Exception) -> ApiError:
    return ApiError(
        f"cluster {host} does not answer: {_first_line(error)}; check that it runs and that cluster_kubeconfig names it"
    )


def _first_line(error: Exception) -> str:
    """urllib3 writes `HTTPSConnection(host='x', port=1): Failed to ...`; only the end is for people."""
    text = readable((str(error).strip() or type(error).__name__).splitlines()[0])
    return re.sub(r"^.*(?:object at [^>]*>|HTTPS?Connection(?:Pool)?\([^)]*\)):\s*", "", text)
