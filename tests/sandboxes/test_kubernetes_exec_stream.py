"""The stream of an executed program, against the other end of a real socket that answers as a kubelet does, or not."""

import contextlib
import json
import socket
import struct
import threading
import time

import pytest

from sandboxes.on_kubernetes.exec_stream import ExecStream, status_words
from sandboxes.on_kubernetes.framing import Op
from tests.sandboxes.test_kubernetes_framing import frame, unmasked


@pytest.fixture
def ends():
    """A stream, and the kubelet's end of its socket."""
    ours, theirs = socket.socketpair()
    stream = ExecStream(ours, lambda said: f"because: {said}", stall_s=0.5)
    with theirs:
        yield stream, theirs
        stream.dispose()


def said(channel, data):
    return frame(Op.BINARY, bytes([channel]) + data)


def test_output_is_read_and_input_is_framed(ends):
    stream, kubelet = ends
    kubelet.sendall(said(1, b"hello") + said(1, b"") + said(1, b" there"))
    assert stream.read() + stream.read() == b"hello there"
    stream.write(b"ls\n")
    assert unmasked(kubelet.recv(1000)) == (Op.BINARY, b"\0ls\n")


def test_a_ping_is_answered(ends):
    stream, kubelet = ends
    kubelet.sendall(frame(Op.PING, b"you there?") + said(1, b"x"))
    assert stream.read() == b"x"
    assert unmasked(kubelet.recv(1000)) == (Op.PONG, b"you there?")


def test_a_silent_connection_is_kept_awake():
    ours, kubelet = socket.socketpair()
    stream = ExecStream(ours, ping_s=0.1)
    reader = threading.Thread(target=stream.read)
    reader.start()
    with kubelet:
        pings = [unmasked(kubelet.recv(6)) for _ in range(3)]
        kubelet.sendall(frame(Op.PONG, b"") + said(1, b"x"))
        reader.join(10)
    stream.dispose()
    assert pings == [(Op.PING, b"")] * 3


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (
            said(3, json.dumps({"status": "Failure", "message": "command terminated: 3"}).encode()),
            "command terminated: 3",
        ),
        (said(2, b"no runner answers\n") + said(3, b'{"status": "Failure", "message": "m"}'), "no runner answers"),
        (frame(Op.CLOSE, b"\x03\xe8"), "it ended"),
        (said(3, b'{"status": "Success"}'), "it ended"),
        (b"", "it ended"),
    ],
)
def test_an_ending_is_explained(ends, ending, words):
    stream, kubelet = ends
    kubelet.sendall(said(1, b"last") + ending)
    kubelet.shutdown(socket.SHUT_WR)
    assert stream.read() == b"last"
    for _ in range(2):
        with pytest.raises(OSError, match=f"because: {words}"):
            stream.read()


def test_what_is_no_websocket_is_an_error(ends):
    stream, kubelet = ends
    kubelet.sendall(b"HTTP/1.1 500 oh")
    with pytest.raises(OSError, match="no websocket"):
        stream.read()


def test_a_broken_connection_is_explained_too():
    server = socket.create_server(("127.0.0.1", 0))
    stream = ExecStream(socket.create_connection(server.getsockname()), lambda said: f"because: {said}")
    kubelet, _ = server.accept()
    kubelet.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    kubelet.close()  # by a reset
    with pytest.raises(OSError, match=r"because: .*reset"):
        stream.read()
    stream.dispose()
    server.close()


def test_a_close_wakes_who_reads(ends):
    stream, _ = ends
    timer = threading.Timer(0.1, stream.close)
    timer.start()
    assert stream.read() == b""
    stream.close()
    with pytest.raises(OSError, match="closed"):
        stream.write(b"x")


def test_who_takes_nothing_is_given_up(ends):
    stream, _ = ends
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="took no input"):
        stream.write(bytes(64 << 20))
    assert time.monotonic() - began < 10


def test_much_goes_through_both_ways_at_once(ends):
    stream, kubelet = ends
    sent = bytes(range(256)) * 40_000

    def echo():
        with contextlib.suppress(OSError):
            for start in range(0, len(sent), 30_000):
                kubelet.sendall(said(1, sent[start : start + 30_000]))

    def swallow():
        with contextlib.suppress(OSError):
            while kubelet.recv(1 << 16):
                pass

    writer = threading.Thread(target=lambda: stream.write(sent))
    threads = [threading.Thread(target=echo), threading.Thread(target=swallow), writer]
    for thread in threads:
        thread.start()
    got = b""
    while len(got) < len(sent):
        got += stream.read()
    assert got == sent
    writer.join(20)
    assert not writer.is_alive()
    stream.close()
    kubelet.close()
    for thread in threads:
        thread.join(10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ""),
        (b'{"status": "Success"}', ""),
        (b"[]", ""),
        (b"not json \xff", "not json \ufffd"),
        (b'{"status": "Failure", "reason": "NonZeroExitCode"}', "NonZeroExitCode"),
        (b'{"status": "Failure"}', "it failed"),
    ],
)
def test_a_status_is_read_whoever_wrote_it(data, words):
    assert status_words(data) == words
