# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of a container registry as one push and its pulls need, in memory.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Registry(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.tags: dict[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v2/":
            return self._answer(200)
        reference = path.rpartition("/")[2]
        digest = self.server.tags.get(reference, reference)
        if digest not in self.server.blobs:
            return self._answer(404, b"{}")
        headers = {"Content-Type": self.server.types.get(digest, "application/octet-stream")}
        return self._answer(200, self.server.blobs[digest], {**headers, "Docker-Content-Digest": digest})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._body()
        self._answer(202, b"", {"Location": f"{self.path.rstrip('/')}/{len(self.server.blobs)}-{id(self)}"})

    def do_PATCH(self) -> None:
        path = urlsplit(self.path).path
        self.server.blobs[path] = self.server.blobs.get(path, b"") + self._body()
        self._answer(202, b"", {"Location": path, "Range": f"0-{len(self.server.blobs[path]) - 1}"})

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        content = self.server.blobs.pop(parts.path, b"") + self._body()
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.server.blobs[digest] = content
        if manifest := re.search(r"/manifests/([^/]+)$", parts.path):
            self.server.tags[manifest[1]] = digest
            self.server.types[digest] = self.headers["Content-Type"]
        elif parse_qs(parts.query)["digest"] != [digest]:
            return self._answer(400, b"{}")
        return self._answer(201, b"", {"Docker-Content-Digest": digest, "Location": self.path})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = bytearray()
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(content)

    def _answer(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Docker-Distribution-Api-Version": "registry/2.0", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextlib.contextmanager
def registry() -> Iterator[Registry]:
    with Registry() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
