"""The door of a box that outlives its hosts: who knows the token is served, what stays, and what is turned away."""

import contextlib
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandboxes.box import ChannelBox
from sandboxes.channel import Channel, SocketTransport
from sandboxes.contract import BoxLost
from sandboxes.inside.door import MAX_WAITING, address
from sandboxes.package import BOOTSTRAP_BRIDGE, BOOTSTRAP_DOOR, TOO_OLD, runner_zip
from tests.sandboxes.contract.test_files import tree

PYTHON = [sys.executable, "-I", "-S", "-c"]


OTHER_PYTHONS = sorted(
    {str(path.resolve()) for path in [*Path.home().glob(".pyenv/versions/3.*/bin/python3"), Path("/usr/bin/python3")]}
)


class House:
    def __init__(self, directory, lifetime_s=60.0):
        self.workspace = directory / "work"
        self.zip = directory / "runner.zip"
        self.zip.write_bytes(runner_zip())
        self.token = secrets.token_bytes(32)
        self.digest = hashlib.sha256(self.token).digest()
        command = [*PYTHON, BOOTSTRAP_DOOR, str(self.zip), self.digest.hex(), str(lifetime_s)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.bridges = []
        self.streams = []

    def bridge(self, token=None):
        """A host's end of a bridge's standard streams."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [*PYTHON, BOOTSTRAP_BRIDGE, str(self.zip)]
            self.bridges.append(subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=-1))
        ours.sendall(self.token if token is None else token)
        return ours

    def box(self):
        self.streams.append(self.bridge())
        channel = Channel(SocketTransport(self.streams[-1]), "t")
        settings = {"workspace": str(self.workspace), "reach": "box", "env": {"PATH": os.defpath}, "rlimits": {}}
        channel.hello({**settings, "lifetime_s": 60}, patience=10)
        return ChannelBox("t", "none", channel, lambda: None)


@pytest.fixture
def houses(tmp_path):
    made = []

    def make(**options):
        made.append(House(tmp_path, **options))
        return made[-1]

    yield make
    for house in made:
        house.process.kill()
        house.process.wait()
        for stream in house.streams:
            stream.close()
        for bridge in house.bridges:
            bridge.wait(10)
            bridge.stderr.close()


def running(mark):
    return subprocess.run(["pgrep", "-f", mark], stdout=subprocess.PIPE).stdout != b""


def start_sleeper(box):
    mark = f"{time.time_ns() % 10**9 + 10**9}.5"

    def use():
        with contextlib.suppress(BoxLost):
            box.run(["sh", "-c", f"setsid sleep {mark} & sleep {mark}"], timeout=60)

    threading.Thread(target=use, daemon=True).start()
    until(lambda: running(mark))
    return mark


def descriptors(house):
    return len(os.listdir(f"/proc/{house.process.pid}/fd"))


def settled(house):
    """How many descriptors a house has that has had a guest."""
    house.box().close()
    house.bridges[0].wait(10)
    return descriptors(house)


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_knows_the_token_is_served(houses):
    house = houses()
    with house.box() as box:
        assert box.run(["echo", "hello"], timeout=10).stdout == b"hello\n"
        box.write("f", b"x" * (9 << 20))
        assert box.read("f") == b"x" * (9 << 20)
    assert house.bridges[0].wait(10) == 0
    assert house.process.poll() is None


def test_a_host_that_goes_leaves_the_workspace_and_no_process(houses):
    house = houses()
    box = house.box()
    box.put_tree(tree({"a": b"1", "b": b"2"}))
    box.write("a", b"changed")
    mark = start_sleeper(box)
    box.close()
    until(lambda: not running(mark))
    with house.box() as box:
        assert box.get_changes()["a"].content == b"changed"
        assert list(box.get_changes()) == ["a"]
        assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_a_host_that_is_killed_leaves_no_process(houses):
    """Its end of the stream closes with it, as does the bridge's input when an engine loses its client."""
    house = houses()
    box = house.box()
    mark = start_sleeper(box)
    house.bridges[0].kill()
    until(lambda: not running(mark))
    with pytest.raises(BoxLost):
        box.run(["true"], timeout=5)
    with house.box() as box:
        assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_a_second_host_takes_over_from_the_first(houses):
    house = houses()
    first = house.box()
    mark = start_sleeper(first)
    with house.box() as second:
        assert not running(mark)
        with pytest.raises(BoxLost):
            first.run(["true"], timeout=5)
        assert second.run(["echo", "ok"], timeout=10).stdout == b"ok\n"
        assert house.bridges[0].wait(10) == 0


def test_many_hosts_in_turn_leave_no_descriptor(houses):
    house = houses()
    count = settled(house)
    for _ in range(10):
        with house.box() as box:
            box.run(["true"], timeout=10)
    until(lambda: descriptors(house) == count)


@pytest.mark.parametrize("token", [b"\0" * 32, secrets.token_bytes(32)], ids=["zeros", "another"])
def test_who_does_not_know_the_token_is_turned_away(houses, token):
    house = houses()
    with house.box() as box:
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(address(house.digest))
            null = os.open(os.devnull, os.O_RDWR)
            socket.send_fds(visitor, [token], [null, null])
            os.close(null)
            assert visitor.recv(1) == b""
        assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


@pytest.mark.parametrize("fds", [0, 1, 3])
def test_a_wrong_number_of_descriptors_is_turned_away(houses, fds):
    house = houses()
    count = settled(house)
    with socket.socket(socket.AF_UNIX) as visitor, open(os.devnull) as null:
        visitor.connect(address(house.digest))
        socket.send_fds(visitor, [b"x" * 32 if fds == 3 else house.token], [null.fileno()] * fds)
        assert visitor.recv(1) == b""
    until(lambda: descriptors(house) == count)


def test_visitors_who_say_nothing_keep_nobody_out(houses):
    house = houses()
    house.box().close()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(5 * MAX_WAITING)]
    for visitor in silent:
        visitor.connect(address(house.digest))
    with house.box() as box:
        assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"
    for visitor in silent:
        visitor.close()


def test_a_bridge_without_a_token_or_without_a_door_says_so(houses):
    house = houses()
    with house.bridge(b"") as stream:
        stream.shutdown(socket.SHUT_WR)
        assert house.bridges[-1].wait(10) == 1
        assert house.bridges[-1].stderr.read() == b"no token\n"


def test_a_stream_that_is_not_the_protocol_costs_the_link_only(houses):
    house = houses()
    with house.bridge(house.token + b"GET / HTTP/1.1\r\n") as stream:
        stream.settimeout(10)
        answer = b""
        while part := stream.recv(1000):
            answer += part
        assert b'"protocol"' in answer
    with house.box() as box:
        assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_the_lifetime_ends_it_with_or_without_a_host(houses):
    house = houses(lifetime_s=0.5)
    assert house.process.wait(10) == 0
    house = houses(lifetime_s=1.5)
    box = house.box()
    with pytest.raises(BoxLost):
        box.run(["sleep", "30"], timeout=60)
    assert house.process.wait(10) == 0


def test_shutdown_ends_it(houses):
    house = houses()
    box = house.box()
    list(box._channel.call("shutdown", {}, patience=5))
    assert house.process.wait(10) == 0
    assert house.bridges[0].wait(10) == 0


def test_only_the_hash_of_the_token_shows(houses):
    house = houses()
    with house.box():
        for pid in (house.process.pid, house.bridges[0].pid):
            shown = b""
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    shown += file.read()
            assert house.token not in shown
            assert house.token.hex().encode() not in shown


def test_an_interrupt_from_a_command_does_not_reach_process_1(houses):
    """Signals without a handler do not reach process 1 of a namespace; Python brings a handler for SIGINT."""
    house = houses()
    with house.box():
        with open(f"/proc/{house.process.pid}/status") as file:
            caught = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
        assert caught == 1 << (signal.SIGCHLD - 1)


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_it_runs_on_the_pythons_of_images_or_says_that_they_are_too_old(python, tmp_path):
    """By standard streams, as Docker starts it. Those of this machine: Python's own, and pyenv's where it is."""
    (tmp_path / "runner.zip").write_bytes(runner_zip())
    asked = [python, "-c", "import sys; print(sys.version_info >= (3, 9))"]
    new_enough = subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout == b"True\n"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [python, "-I", "-S", "-c", BOOTSTRAP_DOOR, str(tmp_path / "runner.zip"), "00" * 32, "30", "first"]
        process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        if not new_enough:
            assert process.wait(10) == TOO_OLD
            return
        channel = Channel(SocketTransport(ours), "t")
        settings = {"workspace": str(tmp_path / "work"), "reach": "box", "env": {"PATH": os.defpath}, "rlimits": {}}
        channel.hello({**settings, "lifetime_s": 60}, patience=10)
        box = ChannelBox("t", "none", channel, lambda: None)
        box.write("f", b"1")
        assert box.run(["cat", "f"], timeout=10).stdout == b"1"
        list(channel.call("shutdown", {}, patience=5))
        assert process.wait(10) == 0
        channel.join()
