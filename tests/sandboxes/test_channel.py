"""The host's end against runners that lie, stall and break off: always a clear end, never a hang or a bad value."""

import io
import socket
import tarfile
import threading
import time

import pytest

from sandboxes.box import ChannelBox
from sandboxes.channel import Channel, Failure, SocketTransport
from sandboxes.contract import BoxLost, ChangesTooLarge, SandboxError
from sandboxes.inside.frames import Decoder, encode

GOOD_RUN = {
    "exit_code": 0,
    "timed_out": False,
    "oom": False,
    "seconds": 0.1,
    "truncated": False,
    "stdout_bytes": 2,
    "stderr_bytes": 1,
    "stdout_kept": 2,
}


class Liar:
    """A runner's end of a stream that answers each request with whatever `answer` makes of its header."""

    def __init__(self, answer):
        self.host, self._own = socket.socketpair()
        self.seen = []
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        decoder = Decoder()
        with self._own:
            while data := self._own.recv(1 << 16):
                for frame in decoder.feed(data):
                    self.seen.append(frame.header)
                    reply = self._answer(frame.header)
                    if reply is None:
                        return
                    try:
                        self._own.sendall(reply)
                    except OSError:
                        return

    def join(self):
        self._thread.join()
        self.host.close()


@pytest.fixture
def liar(request):
    made = []

    def make(answer):
        runner = Liar(answer)
        channel = Channel(SocketTransport(runner.host, stall_s=1), "liar")
        box = ChannelBox("liar", "none", channel, lambda: None)
        made.append((box, runner))
        return box, runner

    yield make
    for box, runner in made:
        box.close()
        runner.join()


def fixed(payload=b"", **fields):
    return lambda header: encode({"id": header["id"], "ok": True, **fields}, payload)


def test_a_good_answer(liar):
    box, _ = liar(fixed(b"abc", **GOOD_RUN))
    result = box.run(["x"], timeout=1)
    assert (result.stdout, result.stderr, result.exit_code) == (b"ab", b"c", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exit_code": None},
        {"exit_code": "0"},
        {"exit_code": True},
        {"exit_code": 256},
        {"exit_code": -65},
        {"timed_out": 1},
        {"oom": None},
        {"truncated": "no"},
        {"seconds": "1"},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"stdout_kept": 4},
        {"stdout_kept": -1},
        {"stdout_bytes": 1},
        {"stderr_bytes": -1},
        {"stdout_bytes": 1 << 70},
    ],
)
def test_a_result_that_breaks_the_rules_costs_the_box(liar, wrong):
    box, _ = liar(fixed(b"abc", **{**GOOD_RUN, **wrong}))
    with pytest.raises(BoxLost, match="breaks the protocol"):
        box.run(["x"], timeout=1)
    with pytest.raises(BoxLost):
        box.read("x")


def test_more_output_than_asked_for_costs_the_box(liar):
    box, _ = liar(fixed(b"x" * 50, **{**GOOD_RUN, "stdout_kept": 50, "stdout_bytes": 50, "stderr_bytes": 0}))
    with pytest.raises(BoxLost):
        box.run(["x"], timeout=1, output_limit=20)


def test_an_endless_answer_costs_the_box(liar):
    box, _ = liar(lambda header: encode({"id": header["id"], "ok": True, "more": True}, b"x" * 1000) * 50)
    with pytest.raises(BoxLost, match="more than was asked for"):
        box.read("x", limit=10_000)


@pytest.mark.parametrize(
    "entries", [None, "x", [["a/b", "file", 1]], [["..", "file", 1]], [["a", "door", 1]], [["a", "file", -1]], [[""]]]
)
def test_a_listing_that_breaks_the_rules_costs_the_box(liar, entries):
    box, _ = liar(fixed(entries=entries))
    with pytest.raises(BoxLost, match="breaks the protocol"):
        box.list()


def test_more_entries_than_asked_for_cost_the_box(liar):
    box, _ = liar(fixed(entries=[[f"f{n}", "file", 0] for n in range(6)]))
    with pytest.raises(BoxLost, match="more entries"):
        box.list(limit=5)


@pytest.mark.parametrize("path", ["../../etc/cron.d/x", "/etc/passwd", ".git/hooks/pre-push", "a/.GIT/config"])
def test_changes_with_hostile_paths_cost_the_box(liar, path):
    box, _ = liar(fixed(entries=[[path, "file", True, 0]]))
    with pytest.raises(BoxLost, match="breaks the protocol"):
        box.get_changes()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("not_found", FileNotFoundError),
        ("is_directory", IsADirectoryError),
        ("not_directory", NotADirectoryError),
        ("changes_too_large", ChangesTooLarge),
        ("os", SandboxError),
        ("what-is-this", SandboxError),
        (None, SandboxError),
    ],
)
def test_refusals_become_the_contracts_errors(liar, code, error):
    refuse = lambda header: encode({"id": header["id"], "ok": False, "error": code, "message": "m"})  # noqa: E731
    box, _ = liar(refuse)
    with pytest.raises(error):
        box.read("x")
    with pytest.raises(error):
        box.read("x")  # a refusal does not cost the box


@pytest.mark.parametrize(
    "stream", [b"garbage", b"HTTP/1.1 200 OK\r\n", encode({"ok": True}), encode({"id": "1", "ok": True})]
)
def test_bytes_that_are_no_answers_cost_the_box(liar, stream):
    box, _ = liar(lambda header: stream)
    with pytest.raises(BoxLost, match="does not speak the protocol"):
        box.read("x")


def test_a_runner_that_breaks_off_costs_the_box(liar):
    box, _ = liar(lambda header: None)
    with pytest.raises(BoxLost, match="ended"):
        box.read("x")


def test_a_runner_that_is_silent_costs_the_box_after_the_patience():
    host, other = socket.socketpair()
    with other, host:
        channel = Channel(SocketTransport(host), "silent")
        began = time.monotonic()
        with pytest.raises(BoxLost, match="no answer within"):
            list(channel.call("ping", {}, patience=0.2))
        assert 0.1 < time.monotonic() - began < 3
        channel.join()


def test_a_runner_that_takes_no_input_costs_the_box():
    host, other = socket.socketpair()
    with other, host:
        channel = Channel(SocketTransport(host, stall_s=0.2), "deaf")
        with pytest.raises(BoxLost, match="took no input"):
            list(channel.call("write", {}, [({}, b"x" * (1 << 20))] * 4, patience=5))
        channel.join()


def test_losing_the_box_fails_everyone_who_waits():
    host, other = socket.socketpair()
    errors = []

    def wait(channel):
        try:
            list(channel.call("ping", {}, patience=30))
        except BoxLost as error:
            errors.append(str(error))

    with host:
        channel = Channel(SocketTransport(host), "doomed")
        threads = [threading.Thread(target=wait, args=(channel,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        decoder, got = Decoder(), 0
        while got < 5:
            got += len(decoder.feed(other.recv(1 << 16)))
        other.close()
        for thread in threads:
            thread.join(5)
        assert len(errors) == 5
        channel.join()


def test_answers_find_their_requests_in_any_order(liar):
    held = []

    def backwards(header):
        held.append(header["id"])
        if len(held) < 4:
            return b""
        return b"".join(encode({"id": number, "ok": True}, b"%d" % number) for number in reversed(held))

    box, _ = liar(backwards)
    results = []
    threads = [threading.Thread(target=lambda: results.append(box.read("x"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results) == [b"1", b"2", b"3", b"4"]


def test_a_caller_that_gives_up_cancels_its_command(liar):
    box, runner = liar(lambda header: encode({"id": header["id"], "ok": True, "more": True}))
    frames = box._channel.call("run", {}, patience=5)
    next(frames)
    frames.close()
    deadline = time.monotonic() + 5
    while not any(header.get("op") == "cancel" for header in runner.seen):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_runner_of_another_protocol_is_refused():
    runner = Liar(fixed(protocol=2))
    channel = Channel(SocketTransport(runner.host), "other")
    with pytest.raises(BoxLost, match="another protocol"):
        channel.hello({}, patience=5)
    channel.join()
    runner.join()


def test_a_refused_tree_stops_being_sent(liar):
    box, _ = liar(lambda header: encode({"id": header["id"], "ok": False, "error": "os", "message": "No space left"}))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for n in range(8):
            info = tarfile.TarInfo(f"f{n}")
            info.size = 2 << 20
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(SandboxError, match="No space left"):
        box.put_tree(buffer.getvalue())


def test_failures_carry_their_code():
    assert Failure("busy", "x").code == "busy"
