"""What a proxy's client asks for, and what its TLS asks for, read from bytes that may come in any pieces."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.egress.client_hello import is_tls, server_name
from sandboxes.egress.policy import Refusal
from sandboxes.egress.requests import HEAD_LIMIT, Asked, read_request


def greeting(name: str | None) -> bytes:
    """The first flight of a real TLS client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_the_name_of_a_real_greeting() -> None:
    data = greeting("files.pythonhosted.org")
    assert is_tls(data)
    assert server_name(data) == "files.pythonhosted.org"
    assert all(server_name(data[:n]) is None for n in range(len(data)))


def test_a_greeting_in_several_records() -> None:
    data = greeting("pypi.org")
    body = data[5:]
    pieces = [body[n : n + 100] for n in range(0, len(body), 100)]
    assert server_name(b"".join(b"\x16\x03\x01" + len(p).to_bytes(2, "big") + p for p in pieces)) == "pypi.org"


def test_a_greeting_without_a_name_is_refused() -> None:
    with pytest.raises(Refusal, match="server name"):
        server_name(greeting(None))


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading_of_a_greeting(data: bytes) -> None:
    for start in (data, b"\x16\x03\x01" + data, greeting("pypi.org")[: len(data)] + data):
        try:
            assert server_name(start) is None or isinstance(server_name(start), str)
        except Refusal:
            continue


def test_a_tunnel() -> None:
    head = b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\nUser-Agent: pip\r\n\r\n"
    assert read_request(head + b"abc") == (Asked("pypi.org", 443, tunnel=True), len(head))
    assert all(read_request(head[:n]) is None for n in range(len(head)))


def test_a_plain_request_goes_on_in_its_own_form() -> None:
    head = (
        b"POST http://Example.org:8080/a?b=1#c HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: x\r\n"
        b"Proxy-Connection: keep-alive\r\nContent-Length: 3\r\nX-A: b\r\n\r\n"
    )
    found = read_request(head + b"abcdef")
    assert found is not None
    assert found[0] == Asked(
        "example.org",
        8080,
        tunnel=False,
        forward=b"POST /a?b=1 HTTP/1.1\r\nHost: Example.org:8080\r\nContent-Length: 3\r\nX-A: b\r\n"
        b"Connection: close\r\n\r\n",
        body=3,
    )


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: pypi.org",
        b"GET https://pypi.org/ HTTP/1.1",
        b"GET http://user@pypi.org/ HTTP/1.1",
        b"CONNECT pypi.org HTTP/1.1",
        b"CONNECT pypi.org:0 HTTP/1.1",
        b"CONNECT pypi.org:99999 HTTP/1.1",
        b"CONNECT pypi.org:443 HTTP/2",
        b"POST http://pypi.org/ HTTP/1.1\r\nTransfer-Encoding: chunked",
        b"POST http://pypi.org/ HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4",
        b"POST http://pypi.org/ HTTP/1.1\r\nContent-Length: -1",
        b"GET http://pypi.org/ HTTP/1.1\r\nX: a\r\n folded",
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-OpenSSH",
        b"",
    ],
)
def test_other_requests_are_refused(head: bytes) -> None:
    with pytest.raises(Refusal):
        read_request(head + b"\r\n\r\n")


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(Refusal, match="longer"):
        read_request(b"GET http://pypi.org/ HTTP/1.1\r\nX: " + b"a" * HEAD_LIMIT)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_a_request(data: bytes) -> None:
    for start in (data + b"\r\n\r\n", b"GET http://a.org/ HTTP/1.1\r\n" + data + b"\r\n\r\n"):
        try:
            found = read_request(start)
        except Refusal:
            continue
        assert found is None or found[1] <= len(start)
