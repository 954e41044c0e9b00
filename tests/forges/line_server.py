"""A real HTTP server on a free port that plays one answer after another: for what a twin cannot be asked to do."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class Say:
    """An answer: status, JSON (or text) body and headers. `cut` closes the connection instead, `hang` never answers."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str
    body: Any


class LineServer:
    """Answers the n-th request with the n-th line; a request past the last line is answered 418."""

    def __init__(self, lines: list[Say]) -> None:
        self.lines = lines
        self.heard: list[Heard] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                with outer._lock:
                    place = len(outer.heard)
                    outer.heard.append(
                        Heard(
                            self.command,
                            self.path,
                            self.headers.get("Authorization") or "",
                            json.loads(raw) if raw else None,
                        )
                    )
                line = outer.lines[place] if place < len(outer.lines) else Say(418, {"message": "no line left"})
                if line.hang:
                    outer._over.wait(30)
                if line.cut or line.hang:
                    self.close_connection = True
                    self.connection.close()
                    return
                content = b"" if line.body is None else outer._encode(line.body)
                self.send_response(line.status)
                for name, value in line.headers.items():
                    self.send_header(name, value.replace("SELF", outer.url))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @staticmethod
    def _encode(body: Any) -> bytes:
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def methods(self) -> list[str]:
        return [heard.method for heard in self.heard]


@contextmanager
def refusing_url() -> Iterator[str]:
    """A URL on which nobody listens: a port bound and never listened on, so that no other test can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


class FakeTime:
    """A clock that sleeping moves on; `slept` are the pauses asked for."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def private_key() -> str:
    """A fresh RSA key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
