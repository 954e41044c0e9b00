"""What a proxy's client asks for first, read from bytes. Pure. Form and limits: RFC 9110 and 9112."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .policy import Refusal, normal

HEAD_LIMIT = 32 << 10
_LINE = re.compile(r"([A-Z]{1,20}) ([^ ]{1,8000}) HTTP/1\.[01]")
_TARGET = re.compile(r"http://([^/?#@]+)(/[^#]*|\?[^#]*)?(#.*)?", re.I)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_HOP = {"connection", "proxy-connection", "proxy-authorization", "proxy-authenticate", "keep-alive", "te", "upgrade"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's destination. For a tunnel (`CONNECT`) `forward` is empty and everything that follows is carried;
    for a plain request `forward` is its head as the server gets it, and `body` bytes follow and no more."""

    host: str
    port: int
    tunnel: bool
    forward: bytes = b""
    body: int = 0


def read_request(data: bytes) -> tuple[Asked, int] | None:
    """The request at the start of `data` and its head's length; None while that is not whole. Refusal."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or end > HEAD_LIMIT:
        if len(data) > HEAD_LIMIT:
            raise Refusal(f"the request's head is longer than {HEAD_LIMIT} bytes", 431)
        return None
    try:
        first, *lines = data[:end].decode("latin-1").split("\r\n")
    except UnicodeDecodeError:  # pragma: no cover - latin-1 decodes everything
        raise Refusal("that is no HTTP", 400) from None
    line = _LINE.fullmatch(first)
    if not line:
        raise Refusal("that is no HTTP/1.1 request to a proxy", 400)
    method, target = line[1], line[2]
    if method == "CONNECT":
        host, port = _authority(target, None)
        return Asked(host, port, tunnel=True), end + 4
    return _plain(method, target, lines), end + 4


def _plain(method: str, target: str, lines: list[str]) -> Asked:
    url = _TARGET.fullmatch(target)
    if not url:
        raise Refusal("a request to a proxy names its whole http:// address, or is CONNECT", 400)
    host, port = _authority(url[1], 80)
    body, kept = 0, []
    for text in lines:
        field = _FIELD.fullmatch(text)
        if not field:
            raise Refusal("a header line is malformed", 400)
        name, value = field[1].lower(), field[2]
        if name == "transfer-encoding":
            raise Refusal("a body without a length cannot be followed to its end; send Content-Length", 411)
        if name == "content-length":
            if not value.isdigit() or body not in (0, int(value)):
                raise Refusal("Content-Length is no number", 400)
            body = int(value)
        if name not in _HOP and name != "host":
            kept.append(f"{field[1]}: {value}")
    path = url[2] or "/"
    head = [f"{method} {path if path.startswith('/') else '/' + path} HTTP/1.1", f"Host: {url[1]}", *kept]
    return Asked(host, port, False, "\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1"), body)


def _authority(text: str, default: int | None) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    if not port and default is None:
        raise Refusal("CONNECT names a host and a port", 400)
    number = int(port) if port.isdigit() and len(port) <= 5 else default if not port else None
    if number is None or not 0 < number < 65536:
        raise Refusal("that is no port", 400)
    return normal(host), number


def response(status: int, why: str) -> bytes:
    """An answer of the proxy's own, with the reason as text."""
    body = (why + "\n").encode()
    head = f"HTTP/1.1 {status} {_WORDS.get(status, 'Refused')}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


_WORDS = {400: "Bad Request", 403: "Forbidden", 411: "Length Required", 431: "Request Header Fields Too Large"}
_WORDS |= {502: "Bad Gateway", 504: "Gateway Timeout"}
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
