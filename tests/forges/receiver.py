"""A webhook endpoint that keeps what it is sent, byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from forges.github import Signal, TriggerRules, decode, parse, verify_sha256


class Receiver:
    """Verifies, decodes and parses every delivery; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 202
        self.bodies: list[tuple[dict[str, str], bytes]] = []
        self._news = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._news:
                    outer.bodies.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    outer._news.notify_all()
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, wanted: Callable[[Signal], bool], rules: TriggerRules, secret: str) -> Signal:
        """Return the first signal that is `wanted`, of those here and those that come within ten seconds."""
        seen = 0
        with self._news:
            while True:
                for headers, body in self.bodies[seen:]:
                    seen += 1
                    assert verify_sha256(body, headers["x-hub-signature-256"], [secret.encode()])
                    signal = parse(headers["x-github-event"], decode(body, headers["content-type"]), rules)
                    if wanted(signal):
                        return signal
                if not self._news.wait(10):
                    raise AssertionError(f"not among {len(self.bodies)} deliveries within ten seconds")
