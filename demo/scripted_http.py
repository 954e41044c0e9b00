"""The scripted model's HTTP side: keys, JSON and event streams, and the faults a transport can have.

Every fault is a real one on the wire: a cut stream is a connection closed inside a chunk, a timeout is a request that
gets no byte until the client hangs up.
"""

from __future__ import annotations

import hmac
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

from demo import scripted_wire as wire

_BODY_LIMIT = 32 << 20
_RETRY_AFTER_S = "1"
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: an assistant message (perhaps interrupted by `fault`), or an error body with its status."""

    message: wire.Json | None = None
    usage: wire.Json | None = None
    model: str = ""
    fault: str | None = None
    delay_s: float = 0.0
    status: int = 200
    body: wire.Json | None = None

    @classmethod
    def error(cls, status: int, body: wire.Json) -> Answer:
        """An answer that is an error body."""
        return cls(status=status, body=body)


@dataclass(slots=True)
class ScriptedServer:
    """A running server. `mismatches` holds what the script did not foresee: a run is good only while it is empty."""

    base_url: str
    api_key: str
    mismatches: list[str]
    handling_s: float = 0.0
    """Seconds spent between a request's last byte and its answer's last byte, all requests together."""
    connections: int = 0
    """How many connections clients opened."""


@contextmanager
def serving(
    answer: Callable[[Mapping[str, Any]], Answer],
    key: str,
    models: Callable[[], list[str]],
    port: int,
    mismatches: list[str],
) -> Iterator[ScriptedServer]:
    """Serves `answer` on 127.0.0.1 until the block ends; every connection and thread is gone by then."""
    http = _Http(("127.0.0.1", port), answer, key, models)
    server = ScriptedServer(f"http://127.0.0.1:{http.server_address[1]}/v1", key, mismatches)
    http.figures = server
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": _POLL_S}, name="scripted-model")
    thread.start()
    try:
        yield server
    finally:
        http.stopping.set()
        http.shutdown()
        thread.join()
        http.hang_up()
        http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    figures: ScriptedServer

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Mapping[str, Any]], Answer],
        key: str,
        models: Callable[[], list[str]],
    ) -> None:
        self.answer, self.key, self.models = answer, key, models
        self.stopping = threading.Event()
        self.guard = threading.Lock()
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def hang_up(self) -> None:
        """Ends connections that clients keep alive, so that their threads end."""
        with self.guard:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the play, not something to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Http

    def setup(self) -> None:
        super().setup()
        with self.server.guard:
            self.server.open.add(self.connection)
            self.server.figures.connections += 1

    def finish(self) -> None:
        with self.server.guard:
            self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: `ScriptedModel.exchanges` is the record."""

    def do_GET(self) -> None:
        if not self._authorised():
            return
        if self.path != "/v1/models":
            self._json(404, wire.error(f"no such page: {self.path}", "invalid_request_error", "not_found"))
            return
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "script"} for name in self.server.models()]
        self._json(200, {"object": "list", "data": listed})

    def do_POST(self) -> None:
        raw = self._body()
        if raw is None or not self._authorised():
            return
        began = time.perf_counter()
        if self.path != "/v1/chat/completions":
            self._json(404, wire.error(f"no such page: {self.path}", "invalid_request_error", "not_found"))
            return
        try:
            request = json.loads(raw)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            self._json(400, wire.error("the body is not a JSON object", "invalid_request_error", None))
            return
        answer = self.server.answer(request)
        if answer.delay_s:
            self.server.stopping.wait(answer.delay_s)
        if answer.body is not None:
            self._json(answer.status, answer.body)
        elif answer.fault is None or answer.fault == "cut_stream":
            self._reply(answer, stream=bool(request.get("stream")))
        else:
            self._fault(answer.fault)
        with self.server.guard:
            self.server.figures.handling_s += time.perf_counter() - began

    def _body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= _BODY_LIMIT:
            self.close_connection = True
            self._json(411, wire.error("Content-Length missing or too large", "invalid_request_error", None))
            return None
        return self.rfile.read(length)

    def _authorised(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), self.server.key.encode()):
            return True
        self._json(401, wire.error("Incorrect API key provided", "invalid_request_error", "invalid_api_key"))
        return False

    def _reply(self, answer: Answer, *, stream: bool) -> None:
        message = answer.message or wire.assistant("interrupted", [], "cut")
        figures = answer.usage or {}
        cut = answer.fault == "cut_stream"
        if not stream:
            body = wire.completion(message, figures, answer.model, "chatcmpl-scripted")
            if cut:
                raw = json.dumps(body).encode()
                self._head(200, "application/json", length=len(raw))
                self.wfile.write(raw[: len(raw) // 2])
                self._cut()
            else:
                self._json(200, body)
            return
        self._head(200, "text/event-stream", length=None)
        events = wire.chunks(message, figures, answer.model, "chatcmpl-scripted")
        for chunk in islice(events, 2) if cut else events:
            self._chunk(wire.event(chunk))
        if cut:
            self._cut()
            return
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _fault(self, fault: str) -> None:
        if fault == "rate_limit":
            body = wire.error("Rate limit reached for requests", "requests", "rate_limit_exceeded")
            self._json(429, body, {"Retry-After": _RETRY_AFTER_S})
        elif fault == "overloaded":
            self._json(529, wire.error("Overloaded", "overloaded_error", "overloaded"))
        elif fault == "context_exceeded":
            text = "This model's maximum context length is 8192 tokens. However, your messages resulted in more tokens."
            self._json(400, wire.error(text, "invalid_request_error", "context_length_exceeded"))
        else:
            self._wait_for_hang_up()

    def _wait_for_hang_up(self) -> None:
        """The fault `timeout`: no answer until the client closes its connection (or the server stops)."""
        self.close_connection = True
        while not self.server.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], _POLL_S)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _head(self, status: int, kind: str, length: int | None, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _json(self, status: int, body: wire.Json, headers: Mapping[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self._head(status, "application/json", len(raw), headers)
        self.wfile.write(raw)
        self.wfile.flush()
