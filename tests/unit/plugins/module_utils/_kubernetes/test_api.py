# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an API server that answers, refuses, breaks off and stays away."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC as CORE_AUTH_ARG_SPEC
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes import api as kubernetes_api
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.api import (
    GARBLED,
    Api,
    ApiError,
    connect,
    forget,
    lines_of,
    refusal,
)
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.options import AUTH_ARG_SPEC
from urllib3 import HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from tests.fixtures.loopback import Silent, listening

HOST = "https://cluster:6443"
PODS = "/api/v1/namespaces/tfscale/pods"


class Answer:
    """A response as urllib3 gives it."""

    def __init__(self, body: Any = b"", status: int = 200, kind: str = "application/json") -> None:
        self.status = status
        self.headers = {"Content-Type": kind}
        self.reason = "Somehow"
        self._body = body if isinstance(body, (bytes, list)) else json.dumps(body).encode()
        self.is_closed = False
        self.is_released = False

    def read(self) -> bytes:
        if isinstance(self._body, list):
            raise next(block for block in self._body if isinstance(block, Exception))
        return self._body

    def stream(self, _size: int, *, decode_content: bool) -> Iterator[bytes]:
        for block in self._body if isinstance(self._body, list) else [self._body]:
            if isinstance(block, Exception):
                raise block
            yield block

    def close(self) -> None:
        self.is_closed = True

    def release_conn(self) -> None:
        self.is_released = True


class Pool:
    """Answers in turn; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **how: Any) -> Any:
        self.asked.append((method, url.removeprefix(HOST), how))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Server:
    """An Api whose clock moves only when it sleeps."""

    def __init__(self, *answers: Any, patience: float = 10.0) -> None:
        self.now = 0.0
        self.pool = Pool(*answers)
        self.tokens = iter(["Bearer one", "Bearer two"])
        self.api = Api(
            self.pool,
            host=f"{HOST}/",
            headers=lambda: {"authorization": next(self.tokens, "Bearer last")},
            patience=patience,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def status(code: int, reason: str = "Some", message: str = "no") -> Answer:
    return Answer({"kind": "Status", "code": code, "reason": reason, "message": message}, code)


def items(*names: str, token: str = "", version: str = "7") -> Answer:
    meta = {"resourceVersion": version} | ({"continue": token} if token else {})
    return Answer({"metadata": meta, "items": [{"metadata": {"name": name}} for name in names]})


def test_get_sends_what_was_asked_and_returns_the_document() -> None:
    pod = {"kind": "Pod", "metadata": {}}
    server = Server(Answer(pod))
    assert server.api.get(f"{PODS}/a", fieldSelector="a=b,c!=d") == pod
    method, url, how = server.pool.asked[0]
    assert (method, url) == ("GET", f"{PODS}/a?fieldSelector=a%3Db%2Cc%21%3Dd")
    assert how["headers"] == {"Accept": "application/json", "authorization": "Bearer one"}
    assert (how["body"], how["retries"], how["preload_content"]) == (None, False, False)
    assert (how["timeout"].connect_timeout, how["timeout"].read_timeout) == (5.0, 30.0)


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (Answer({"kind": "APIResourceList", "resources": [{"name": "jobs"}, {"name": "jobs/status"}]}), True),
        # An API server's words about an API that it does not know.
        (Answer(b"404 page not found\n", 404, "text/plain"), False),
    ],
)
def test_collections_of_an_api(answer: Answer, known: bool) -> None:
    server = Server(answer)
    assert server.api.collections("/apis/batch/v1") == ({"jobs", "jobs/status"} if known else set())
    assert server.pool.asked[0][:2] == ("GET", "/apis/batch/v1")


@pytest.mark.parametrize("answer", [{}, {"resources": None}, {"resources": [{"kind": "Job"}]}, {"resources": ["jobs"]}])
def test_collections_of_what_is_no_discovery(answer: Any) -> None:
    with pytest.raises(ApiError, match="does not answer like Kubernetes"):
        Server(Answer(answer), patience=0.0).api.collections("/apis/batch/v1")


@pytest.mark.parametrize(
    ("answer", "versions"),
    [
        (Answer({"kind": "APIGroup", "versions": [{"version": "v1"}, {"version": "v1beta1"}]}), ("v1", "v1beta1")),
        (status(404), ()),
    ],
)
def test_versions_of_a_group(answer: Answer, versions: tuple[str, ...]) -> None:
    server = Server(answer)
    assert server.api.versions("batch") == versions
    assert server.pool.asked[0][:2] == ("GET", "/apis/batch")


SCHEMA: dict[str, Any] = {"properties": {"spec": {"properties": {"trainer": {}, "suspend": {}}}}}


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        (
            Answer({"components": {"schemas": {"org.x.v1.Job": {}, "org.x.v1.TrainJob": SCHEMA}}}),
            {"trainer", "suspend"},
        ),
        (Answer({"components": {"schemas": {"org.x.v1.Job": {}}}}), set()),
        (status(403), set()),
    ],
)
def test_fields_of_a_kind(answer: Answer, fields: set[str]) -> None:
    assert Server(answer).api.fields("/apis/x.org/v1", "TrainJob") == fields


def test_requests_ask_for_the_credentials_each_time() -> None:
    server = Server(Answer({"metadata": {}}))
    server.api.get(PODS)
    server.api.get(PODS)
    assert [how["headers"]["authorization"] for _method, _url, how in server.pool.asked] == ["Bearer one", "Bearer two"]
    assert server.api.requests == 2


@pytest.mark.parametrize(
    ("call", "method", "content_type"),
    [
        (lambda api: api.create(PODS, {"a": 1}), "POST", "application/json"),
        (lambda api: api.replace(PODS, {"a": 1}), "PUT", "application/json"),
        (lambda api: api.patch(PODS, {"a": 1}), "PATCH", "application/merge-patch+json"),
        (lambda api: api.patch(PODS, {"a": 1}, how="strategic"), "PATCH", "application/strategic-merge-patch+json"),
        (lambda api: api.patch(PODS, {"a": 1}, how="json"), "PATCH", "application/json-patch+json"),
        (lambda api: api.delete(PODS, {"a": 1}), "DELETE", "application/json"),
    ],
)
def test_changes_send_a_document(call: Any, method: str, content_type: str) -> None:
    server = Server(Answer({"done": True}))
    assert call(server.api) == {"done": True}
    sent, _url, how = server.pool.asked[0]
    assert (sent, how["body"], how["headers"]["Content-Type"]) == (method, '{"a": 1}', content_type)


def test_delete_of_a_collection_may_take_longer() -> None:
    server = Server(Answer(b""))
    assert server.api.delete(PODS, read_seconds=120.0, labelSelector="a=b") == {}
    _method, url, how = server.pool.asked[0]
    assert (url, how["timeout"].read_timeout, how["body"]) == (f"{PODS}?labelSelector=a%3Db", 120.0, None)


def test_list_joins_its_pages() -> None:
    server = Server(items("a", "b", token="t1"), items("c", token="t2", version="8"), items("d", version="9"))
    found, version = server.api.list(PODS, labelSelector="x")
    assert ([one["metadata"]["name"] for one in found], version) == (["a", "b", "c", "d"], "9")
    assert [url.partition("?")[2] for _method, url, _how in server.pool.asked] == [
        "limit=500&labelSelector=x",
        "limit=500&labelSelector=x&continue=t1",
        "limit=500&labelSelector=x&continue=t2",
    ]


def test_list_of_nothing() -> None:
    server = Server(Answer({"metadata": {"resourceVersion": "7"}, "items": None}))
    assert server.api.list(PODS) == ([], "7")


REFUSED = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "trouble",
    [status(503), status(429), status(500), REFUSED, ConnectionResetError(), Answer([ProtocolError("broken")])],
)
def test_requests_are_made_again_while_the_server_is_away(trouble: Any) -> None:
    server = Server(trouble, trouble, Answer({"metadata": {}}))
    assert server.api.get(PODS) == {"metadata": {}}
    assert server.now == 2 * kubernetes_api.PAUSE_SECONDS
    assert server.api.requests == 3


@pytest.mark.parametrize(
    ("trouble", "code"), [(status(503), 503), (REFUSED, 0), (Answer([ProtocolError("broken")]), 0)]
)
def test_requests_end_when_patience_does(trouble: Any, code: int) -> None:
    server = Server(trouble)
    with pytest.raises(ApiError) as caught:
        server.api.get(PODS)
    assert (caught.value.status, caught.value.is_transient) == (code, True)
    assert server.now == 10.0


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 422])
def test_requests_that_are_refused_are_not_made_again(code: int) -> None:
    server = Server(status(code))
    with pytest.raises(ApiError) as caught:
        server.api.get(PODS)
    assert (caught.value.status, caught.value.is_transient, server.now) == (code, False, 0.0)


def test_requests_that_meet_an_error_of_ours_do_not_hide_it() -> None:
    server = Server(Answer([ZeroDivisionError()]))
    with pytest.raises(ZeroDivisionError):
        server.api.get(PODS)


def test_open_closes_its_connection() -> None:
    answer = Answer([b"a", b"b"])
    server = Server(answer)
    with server.api.open(f"{PODS}/a/log", read_seconds=3.0, follow="true") as response:
        assert list(response.stream(1, decode_content=True)) == [b"a", b"b"]
        assert not answer.is_closed
    assert answer.is_closed
    assert server.pool.asked[0][2]["timeout"].read_timeout == 3.0


def test_open_is_asked_once() -> None:
    server = Server(status(503))
    with pytest.raises(ApiError), server.api.open(PODS):
        pytest.fail("there is nothing to read")
    assert (server.api.requests, server.now) == (1, 0.0)


def told(event: str, **document: Any) -> bytes:
    return json.dumps({"type": event, "object": {"metadata": {"resourceVersion": "9"}, **document}}).encode() + b"\n"


def test_watch_tells_events_however_they_are_cut() -> None:
    lines = told("ADDED", name="a") + told("MODIFIED", name="b" * 100) + told("BOOKMARK", name="c")
    answer = Answer([lines[at : at + 7] for at in range(0, len(lines), 7)])
    server = Server(answer)
    granted: list[int] = []
    events = list(
        server.api.watch(
            PODS, since="41", seconds=60, opened=lambda: granted.append(server.api.requests), labelSelector="x"
        )
    )
    assert granted == [1]
    assert [event["object"]["name"][0] for event in events] == ["a", "b", "c"]
    assert answer.is_closed
    _method, url, how = server.pool.asked[0]
    assert url == f"{PODS}?watch=true&resourceVersion=41&timeoutSeconds=60&allowWatchBookmarks=true&labelSelector=x"
    assert how["timeout"].read_timeout == kubernetes_api.SILENCE_SECONDS


def test_watch_from_a_version_that_is_too_old() -> None:
    expired = told("ERROR", kind="Status", code=410, reason="Expired", message="too old resource version: 1 (5)")
    with pytest.raises(ApiError) as caught:
        list(Server(Answer([expired])).api.watch(PODS, since="1", seconds=60))
    assert (caught.value.status, caught.value.reason) == (410, "Expired")


@pytest.mark.parametrize("trouble", [ProtocolError("Connection broken: IncompleteRead"), TimeoutError("timed out")])
def test_watch_whose_connection_breaks_tells_what_came_before(trouble: Exception) -> None:
    watch = Server(Answer([told("ADDED", name="a"), trouble])).api.watch(PODS, since="1", seconds=60)
    assert next(watch)["type"] == "ADDED"
    with pytest.raises(ApiError) as caught:
        next(watch)
    assert (caught.value.status, caught.value.is_transient) == (0, True)


# What answered in the place of Kubernetes, or was cut on its way.
CROOKED = {
    "cut": b'{"metadata": {"resourceVersion": "7"}, "items": [{"metad',
    "a page": b"<html><body>Log in</body></html>",
    "an array": b'[{"metadata": {}}]',
    "null": b"null",
    "nothing": b"",
    "a number": b"7",
    "no metadata": b'{"items": []}',
    "metadata of another type": b'{"metadata": "x", "items": []}',
    "items of another type": b'{"metadata": {}, "items": {"a": 1}}',
    "an item without metadata": b'{"metadata": {}, "items": [{}, null]}',
    "other bytes": b'{"metadata": {"resourceVersion": "\xff\xfe"}, "items": []}',
    "too deep": b"[" * 100_000,
}


@contextmanager
def http(*answers: tuple[int, bytes, str], patience: float = 10.0) -> Iterator[tuple[Api, list[str]]]:
    """An Api of a real server, which answers in turn and the last one again and again; its clock moves when it sleeps."""
    left, asked, now = list(answers), list[str](), [0.0]

    class Handler(Silent):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path.partition('?')[0]}")
            status, data, kind = left.pop(0) if len(left) > 1 else left[0]
            self.reply(status, data, Content_Type=kind)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with listening(Handler) as url, PoolManager() as pool:
        yield Api(pool, host=url, headers=dict, patience=patience, clock=lambda: now[0], sleep=sleep), asked


JSON, LIST = "application/json", b'{"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]}'


@pytest.mark.parametrize("body", CROOKED.values(), ids=CROOKED)
def test_list_that_is_none_is_asked_for_again(body: bytes) -> None:
    with http((200, body, JSON), (200, LIST, JSON)) as (api, asked):
        assert api.list(PODS) == ([{"metadata": {"name": "a"}}], "7")
    assert len(asked) == 2
    with http((200, body, JSON)) as (api, asked), pytest.raises(ApiError) as caught:
        api.list(PODS)
    assert (caught.value.status, caught.value.reason, caught.value.is_transient) == (0, GARBLED, True)
    assert api.host in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(asked) == 1 + 10 / kubernetes_api.PAUSE_SECONDS


@pytest.mark.parametrize("name", ["cut", "a page", "an array", "null", "a number", "other bytes", "too deep"])
@pytest.mark.parametrize("act", ["get", "create", "replace", "patch", "delete"])
def test_answers_that_are_none_pass_like_a_broken_connection(act: str, name: str) -> None:
    body: list[Any] = [] if act in ("get", "delete") else [{}]
    with http((200, CROOKED[name], JSON), patience=0.0) as (api, _asked), pytest.raises(ApiError) as caught:
        getattr(api, act)(PODS, *body)
    assert caught.value.reason == GARBLED


@pytest.mark.parametrize("status", [200, 302, 400, 503])
def test_page_of_a_proxy_is_no_answer_whatever_is_asked(status: int) -> None:
    for ask in (
        lambda api: api.get(PODS),
        lambda api: api.delete(PODS),
        lambda api: list(api.watch(PODS, since="1", seconds=60)),
        lambda api: api.open(f"{PODS}/a/log").__enter__(),
    ):
        with (
            http((status, CROOKED["a page"], "text/html; charset=utf-8"), patience=0.0) as (api, _asked),
            pytest.raises(ApiError) as caught,
        ):
            ask(api)
        assert caught.value.is_transient is (status in (200, 503))


def test_refusal_in_strange_words() -> None:
    for body in (
        b'{"kind": "Status", "code": "x", "message": 7}',
        b'{"kind": "Status", "code": null}',
        b"[" * 100_000,
        b"\xff",
    ):
        with http((403, body, JSON)) as (api, _asked), pytest.raises(ApiError) as caught:
            api.get(PODS)
        assert caught.value.status == 403


WATCHED = {
    "cut": told("MODIFIED", kind="Pod")[:30],
    "no metadata": b'{"type": "ADDED", "object": {"kind": "Pod"}}\n',
    "no version": b'{"type": "ADDED", "object": {"metadata": {}}}\n',
    "no object": b'{"type": "ADDED"}\n',
    "null": b'{"type": "ADDED", "object": null}\n',
    "an unknown type": told("RENAMED"),
    "no type": b'{"object": {"metadata": {"resourceVersion": "8"}}}\n',
    "a type that is none": b'{"type": [], "object": {"metadata": {"resourceVersion": "8"}}}\n',
    "an error that says nothing": b'{"type": "ERROR", "object": {}}\n',
    "an error without object": b'{"type": "ERROR", "object": null}\n',
    "an array": b"[]\n",
    "a page": b"<html>\n",
    "other bytes": b"\xff\xfe\n",
}


@pytest.mark.parametrize("line", WATCHED.values(), ids=WATCHED)
def test_watch_that_is_garbled_passes_like_a_broken_connection(line: bytes) -> None:
    with http((200, told("ADDED") + b"\n" + line, JSON)) as (api, _asked):
        watch = api.watch(PODS, since="1", seconds=60)
        assert next(watch)["type"] == "ADDED"
        with pytest.raises(ApiError) as caught:
            next(watch)
    assert caught.value.is_transient


@pytest.mark.parametrize(
    ("blocks", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b", b"\nc"], [b"ab", b"c"]),
        ([b"\n\n", b"a"], [b"", b"", b"a"]),
        ([b"a\n", b"\n"], [b"a", b""]),
    ],
)
def test_lines_of(blocks: list[bytes], lines: list[bytes]) -> None:
    assert list(lines_of(Answer(blocks), HOST)) == lines


FORBIDDEN = (
    'pods is forbidden: User "system:serviceaccount:tfscale:runner" cannot list resource "pods" in API group "" in the'
    ' namespace "tfscale"'
)


@pytest.mark.parametrize(
    ("told", "path", "sentence"),
    [
        (
            {"code": 403, "reason": "Forbidden", "message": FORBIDDEN},
            PODS,
            "user system:serviceaccount:tfscale:runner may not list pods in namespace tfscale: give that right",
        ),
        (
            {
                "code": 403,
                "message": 'nodes is forbidden: User "u" cannot get resource "nodes" in API group "" at the cluster scope',
            },
            "/api/v1/nodes/a",
            "user u may not get nodes: give that right",
        ),
        (
            {"code": 401, "reason": "Unauthorized", "message": "Unauthorized"},
            PODS,
            "does not accept our credentials (401)",
        ),
        (
            {
                "code": 403,
                "message": "unable to create new content in namespace tfscale because it is being terminated",
            },
            PODS,
            "namespace tfscale is being deleted: wait until it is gone, or give another cluster_namespace",
        ),
        (
            {"code": 409, "reason": "AlreadyExists", "message": 'pods "a" already exists'},
            PODS,
            f'cluster {HOST} refused GET {PODS} (409 AlreadyExists): pods "a" already exists',
        ),
    ],
)
def test_refusal_is_a_sentence(told: dict[str, Any], path: str, sentence: str) -> None:
    error = refusal(HOST, "GET", path, told)
    assert sentence in str(error)
    assert (error.status, error.message) == (told["code"], told["message"])


def test_refusal_and_silence_say_nothing_that_acts_on_a_terminal() -> None:
    said = "\x1b]0;owned\x07no\r\n\x1b[31mroom\u202e\udcff"
    refused = refusal(HOST, "GET", PODS, {"code": 500, "reason": f"Bad\x1b[1m{said}", "message": said})
    assert (refused.reason, refused.message) == ("Badno room \ufffd", "no room \ufffd")
    silent = Server(OSError(said), patience=0.0)
    with pytest.raises(ApiError) as caught:
        silent.api.get(PODS)
    for error in (refused, caught.value):
        assert str(error).isprintable()


def test_refusal_of_something_that_is_not_kubernetes() -> None:
    with pytest.raises(ApiError) as caught:
        Server(Answer(b"<html>404 page not found", 404)).api.get(PODS)
    assert "(404 Somehow): <html>404 page not found" in str(caught.value)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (NewConnectionError(HTTPSConnection("x"), "Failed to connect: refused"), "Failed to connect: refused"),
        (
            ReadTimeoutError(HTTPSConnectionPool("x"), "/", "Read timed out. (read timeout=30.0)"),
            "Read timed out. (read timeout=30.0)",
        ),
        (OSError("<urllib3.connection.HTTPSConnection object at 0x7f>: Failed: [Errno 111]"), "Failed: [Errno 111]"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_unreachable_server_is_told_without_the_librarys_own_words(trouble: Exception, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        Server(trouble, patience=0.0).api.get(PODS)
    assert str(caught.value) == (
        f"cluster {HOST} does not answer: {words}; check that it runs and that cluster_kubeconfig names it"
    )


def kubeconfig(folder: Path, **user: str) -> str:
    server = {"server": HOST, "insecure-skip-tls-verify": True}
    document = {
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return str(path)


def test_connect_takes_server_and_token_from_the_kubeconfig(tmp_path: Path) -> None:
    api = connect({"kubeconfig": kubeconfig(tmp_path, token="secret"), "context": None, "namespace": "other"})
    assert api.host == HOST
    assert api._headers()["authorization"] == "Bearer secret"


@pytest.mark.parametrize(("order", "server"), [("ab", "https://a:6443"), ("ba", "https://b:6443")])
@pytest.mark.parametrize("how", ["given", "KUBECONFIG", "K8S_AUTH_KUBECONFIG"])
def test_connect_takes_the_current_context_that_kubectl_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, order: str, server: str
) -> None:
    """The package kubernetes would take that of the last file."""
    for name in order:
        document = json.loads(Path(kubeconfig(tmp_path, token=name)).read_text().replace(HOST, f"https://{name}:6443"))
        for part in ("clusters", "users", "contexts"):
            document[part][0]["name"] = name
        document["contexts"][0]["context"] = {"cluster": name, "user": name}
        (tmp_path / name).write_text(json.dumps({**document, "current-context": name}))
    paths = ":".join(str(tmp_path / name) for name in order)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", paths)
    if how != "given":
        monkeypatch.setenv(how, paths)
    api = connect({"kubeconfig": paths if how == "given" else None})
    assert (api.host, api._headers()["authorization"]) == (server, f"Bearer {order[0]}")
    other = connect({"kubeconfig": paths if how == "given" else None, "context": order[1]})
    assert other._headers()["authorization"] == f"Bearer {order[1]}"


@pytest.mark.parametrize("text", ["", "\n# later\n", "---\n", "apiVersion: v1\nkind: Config\nclusters: null\n"])
@pytest.mark.parametrize("order", ["{empty}:{whole}", "{whole}:{empty}", "{empty}:{gone}:{whole}:{empty}"])
@pytest.mark.parametrize("how", ["given", "KUBECONFIG", "K8S_AUTH_KUBECONFIG"])
def test_connect_passes_over_a_kubeconfig_that_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, order: str, text: str
) -> None:
    """As kubectl does; the package kubernetes refuses the whole list."""
    (tmp_path / "empty").write_text(text)
    whole = kubeconfig(tmp_path, token="secret")
    paths = order.format(empty=tmp_path / "empty", whole=whole, gone=tmp_path / "gone")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", paths)
    if how != "given":
        monkeypatch.setenv(how, paths)
    given = paths if how == "given" else None
    api = connect({"kubeconfig": given})
    assert (api.host, api._headers()["authorization"]) == (HOST, "Bearer secret")
    with pytest.raises(ApiError, match=r"cluster_context is 'west', .* give one of x$"):
        connect({"kubeconfig": given, "context": "west"})


def test_connect_with_empty_kubeconfigs_alone_says_so(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("")
    with pytest.raises(ApiError) as caught:
        connect({"kubeconfig": f"{tmp_path}/a:{tmp_path}/b"})
    told = str(caught.value)
    facts = [f"kubeconfig {tmp_path}/a:{tmp_path}/b", f"{tmp_path}/a file is empty", "give cluster_kubeconfig"]
    assert [fact for fact in facts if fact not in told] == []
    assert "\n" not in told


def test_forget_leaves_no_key_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    data = base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----").decode()
    connect({"kubeconfig": kubeconfig(tmp_path, **{"client-certificate-data": data, "client-key-data": data})})
    assert list(made.iterdir())
    forget()
    assert not list(made.iterdir())
    forget()


def test_connect_takes_what_awx_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://awx:6443")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "secret")
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "no")
    api = connect(dict.fromkeys(AUTH_ARG_SPEC))
    assert api.host == "https://awx:6443"
    assert "secret" in api._headers()["authorization"]


def test_connect_with_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ApiError) as caught:
        connect({"kubeconfig": str(tmp_path / "none")})
    assert str(caught.value).startswith(f"kubeconfig {tmp_path / 'none'} cannot be used: ")
    assert "cluster_kubeconfig" in str(caught.value)


def test_connect_with_a_context_that_the_kubeconfig_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(ApiError) as caught:
        connect({"kubeconfig": kubeconfig(tmp_path, token="secret"), "context": "west"})
    assert str(caught.value) == (
        f"cluster_context is 'west', which kubeconfig {tmp_path / 'kubeconfig'} does not have: give one of x"
    )


def test_connect_without_the_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    with pytest.raises(ApiError) as caught:
        connect({})
    assert "make setup-kubernetes" in str(caught.value)


def test_auth_arguments_are_those_of_kubernetes_core() -> None:
    assert {name: option["type"] for name, option in AUTH_ARG_SPEC.items()} == {
        name: option.get("type", "str") for name, option in CORE_AUTH_ARG_SPEC.items()
    }
