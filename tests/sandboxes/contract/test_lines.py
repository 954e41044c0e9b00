"""A conversation with one program of a box, on every backend."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandboxes import Box, SandboxError
from sandboxes.contract import CommandResult, Line
from tests.sandboxes.conftest import MakeBox

ECHO = """
import socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while data := line.recv(65536):
    line.sendall(data.upper())
"""
FLOOD = """
import socket, sys, time
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sent = 0
line.setblocking(False)
until = time.monotonic() + 2
while time.monotonic() < until:
    try:
        sent += line.send(bytes(65536))
    except BlockingIOError:
        time.sleep(0.01)
print(sent)
"""
DEAF = """
import socket, sys, time
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.sendall(b"here")
time.sleep(60)
"""
TWO = """
import socket, sys
first = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
first.sendall(b"first")
second = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
try:
    second.sendall(b"second")
    heard = second.recv(10)
except OSError:
    heard = b""
first.sendall(b" and the other heard " + (heard or b"nothing"))
"""


class Running:
    def __init__(self) -> None:
        self.result: CommandResult | None = None


@contextmanager
def program(box: Box, source: str, port: int, timeout: float = 60) -> Iterator[tuple[Line, Running]]:
    line = box.listen(port)
    running = Running()

    def run() -> None:
        try:
            running.result = box.run(["python3", "-c", source, str(port)], timeout=timeout)
        except SandboxError:
            return  # the box was closed under it

    thread = threading.Thread(target=run)
    thread.start()
    try:
        line.accept(60)
        yield line, running
    finally:
        line.close()
        thread.join(90)
        assert not thread.is_alive()


def whole(line: Line, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := line.receive(30)):
        data += part
    return data


def free_port() -> int:
    """A plain box shares the machine's loopback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_many_questions_have_many_answers(box: Box) -> None:
    with program(box, ECHO, free_port()) as (line, _):
        for number in range(50):
            question = f"question {number}".encode()
            line.send(question, 10)
            assert whole(line, len(question)) == question.upper()


def test_megabytes_go_both_ways_and_arrive_whole(box: Box) -> None:
    data = bytes(range(256)) * 12_000
    with program(box, ECHO, free_port()) as (line, _):
        sender = threading.Thread(target=line.send, args=(data, 60))
        sender.start()
        assert whole(line, len(data)) == data.upper()
        sender.join()


def test_the_end_of_the_program_is_the_end_of_the_line(box: Box) -> None:
    with program(box, "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))", free_port()) as (
        line,
        _,
    ):
        assert line.receive(30) == b""
        assert line.receive(30) == b""
        with pytest.raises(ConnectionResetError):
            line.send(bytes(100 << 20), 30)


def test_who_connects_later_is_not_heard(box: Box) -> None:
    with program(box, TWO, free_port()) as (line, _):
        assert whole(line, 33) == b"first and the other heard nothing"


def test_silence_ends_a_wait_and_not_the_line(box: Box) -> None:
    with program(box, ECHO, free_port()) as (line, _):
        with pytest.raises(TimeoutError):
            line.receive(0.2)
        line.send(b"still here", 10)
        assert whole(line, 10) == b"STILL HERE"


def test_nothing_is_taken_that_was_not_asked_for(box: Box) -> None:
    with program(box, FLOOD, free_port()) as (_, running):
        deadline = time.monotonic() + 60
        while running.result is None and time.monotonic() < deadline:
            time.sleep(0.05)  # nothing tells of a command's end but its result
        assert running.result is not None
        # What the kernel's own socket buffers of the loopback hold.
        assert int(running.result.stdout) < 16 << 20


def test_a_program_that_takes_nothing_costs_the_line_and_not_the_box(make_box: MakeBox) -> None:
    box = make_box()
    with program(box, DEAF, free_port(), timeout=5) as (line, _):
        assert whole(line, 4) == b"here"
        with pytest.raises(TimeoutError):
            line.send(bytes(64 << 20), 1.0)
    assert box.run(["echo", "well"], timeout=30).stdout == b"well\n"


def test_nobody_comes(box: Box) -> None:
    with pytest.raises(TimeoutError):
        box.listen(free_port()).accept(0.1)


def test_one_line_a_box(box: Box) -> None:
    box.listen(free_port())
    with pytest.raises(SandboxError):
        box.listen(free_port())


def test_a_closed_box_ends_the_line(make_box: MakeBox) -> None:
    box = make_box()
    line = box.listen(free_port())
    threading.Timer(0.3, box.close).start()
    with pytest.raises(SandboxError):
        line.accept(30)
