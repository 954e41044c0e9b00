"""A small HTTP server in front of ``git http-backend``, with tokens and faults: the far side of the mirror's tests."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class GitServer:
    """Serves the bare repositories below `root`. `accepted` is the set of live tokens; None lets everyone in.

    `before` is called with (method, path) for each authorised request: it may block or return a status to answer.
    `redirect_to` sends everyone to another address, `renamed` (old prefix, new prefix) to a new name on this host.
    `cut_after` names a service whose answer is cut off after git has done its work.
    """

    def __init__(self, root: Path, accepted: set[str] | None = None) -> None:
        self.root = root
        self.accepted = accepted
        self.before: Callable[[str, str], int | None] = lambda method, path: None
        self.cut_after: str | None = None
        self.redirect_to: str | None = None
        self.renamed: tuple[str, str] | None = None
        self.seen_tokens: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = _body(request)
        if self.redirect_to:
            _reply(request, 302, {"Location": self.redirect_to + request.path}, b"")
            return
        if self.renamed and request.path.startswith(self.renamed[0]):
            _reply(request, 301, {"Location": self.url + request.path.replace(*self.renamed, 1)}, b"")
            return
        token = _token(request.headers.get("Authorization", ""))
        if token is not None:
            self.seen_tokens.append(token)
        if self.accepted is not None and token not in self.accepted:
            _reply(request, 401, {"WWW-Authenticate": 'Basic realm="git"'}, b"no")
            return
        status = self.before(request.command, request.path)
        if status is not None:
            _reply(request, status, {}, b"as asked")
            return
        headers, answer = self._backend(request, body)
        if self.cut_after and request.command == "POST" and self.cut_after in request.path:
            request.close_connection = True
            request.connection.close()
            return
        _reply(request, int(headers.pop("Status", "200").split()[0]), headers, answer)

    def _backend(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[dict[str, str], bytes]:
        parts = urlsplit(request.path)
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "bot",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        return headers, answer


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") == "chunked":
        body = b""
        while size := int(request.rfile.readline(), 16):
            body += request.rfile.read(size)
            request.rfile.readline()
        request.rfile.readline()
        return body
    return request.rfile.read(int(request.headers.get("Content-Length") or 0))


def _token(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    return base64.b64decode(value).decode().partition(":")[2]


def _reply(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
