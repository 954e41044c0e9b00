"""The runner by itself, spoken to directly: whatever a host does wrong is answered, and it ends when it must."""

import ast
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes import inside
from sandboxes.inside.frames import PAYLOAD_LIMIT, Decoder, encode
from sandboxes.package import BOOTSTRAP, runner_zip


class Host:
    def __init__(self, directory, *, stdio):
        self.workspace = directory / "work"
        (directory / "runner.zip").write_bytes(runner_zip())
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", BOOTSTRAP, str(directory / "runner.zip")], stdin=stdio, stdout=stdio
        )

    def settings(self, **more):
        workspace = str(self.workspace)
        settings = {"workspace": workspace, "reach": "workspace", "env": {"PATH": os.defpath}, "rlimits": {}}
        return {"op": "hello", "protocol": 1, **settings, "lifetime_s": 60, **more}


@pytest.fixture
def host(tmp_path):
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            host = Host(tmp_path, stdio=theirs)
        ours.settimeout(20)
        decoder = Decoder()
        queue = []

        def ask(*frames):
            for header, payload in frames:
                ours.sendall(encode(header, payload))
            while not queue:
                data = ours.recv(1 << 16)
                if not data:
                    return None
                queue.extend(decoder.feed(data))
            return queue.pop(0)

        host.ask, host.socket = ask, ours
        yield host
    host.process.kill()
    host.process.wait()


def run(number, *argv, **more):
    fields = {"cwd": ".", "env": {}, "timeout": 20, "output_limit": 1000}
    return {"id": number, "op": "run", "argv": list(argv), **fields, **more}, b""


def greet(host, **more):
    return host.ask(({"id": 1, **host.settings(**more)}, b"")).header


def test_hello_says_who_answers(host):
    answer = greet(host)
    assert answer["ok"] is True
    assert answer["protocol"] == 1
    assert {"run", "put_tree", "get_changes", "cancel", "ping"} <= set(answer["capabilities"])
    assert answer["pid"] == host.process.pid


def test_hello_comes_first(host):
    assert host.ask(run(1, "true")).header["error"] == "bad_request"
    assert host.ask(({"id": 2, "op": "ping"}, b"")).header["ok"] is True


def test_another_protocol_is_refused(host):
    answer = host.ask(({"id": 1, **host.settings(protocol=2)}, b"")).header
    assert (answer["ok"], answer["error"]) == (False, "protocol")


@pytest.mark.parametrize(
    "header",
    [
        {"id": 5, "op": "nonsense"},
        {"id": 5, "op": None},
        {"id": 5, "op": ["run"]},
        {"id": 5, "op": "run"},
        {"id": 5, "op": "run", "argv": []},
        {"id": 5, "op": "run", "argv": "ls", "cwd": 7},
        {"id": 5, "op": "read"},
        {"id": 5, "op": "read", "path": 3, "limit": 1},
        {"id": 5, "op": "cancel"},
        {"id": 5, "op": "apply_changes", "entries": "x"},
        {"id": 5, "op": "apply_changes", "entries": [["../x", "file", False, 0]]},
        {"id": 5, "op": "apply_changes", "entries": [["a", "file", False, 9]]},
        {"id": 5, "op": "apply_changes", "entries": [["a"]]},
        {"id": "5", "op": "ping"},
        {"op": "ping"},
        {"id": True, "op": "ping"},
    ],
)
def test_bad_requests_are_answered_and_do_no_harm(host, header):
    greet(host)
    answer = host.ask((header, b"")).header
    assert (answer["ok"], answer["error"]) == (False, "bad_request")
    assert host.ask(run(9, "echo", "ok")).payload == b"ok\n"
    assert not (host.workspace.parent / "x").exists()


def test_more_content_than_announced_is_refused(host):
    greet(host)
    answer = host.ask(({"id": 2, "op": "put_tree", "entries": [["a", "file", False, 1]]}, b"xyz")).header
    assert answer["error"] == "bad_request"


def test_a_body_beyond_its_limit_is_refused_once_and_the_rest_is_dropped(host):
    greet(host)
    first = {"id": 2, "op": "write", "path": "f", "executable": False, "more": True}
    part = b"x" * PAYLOAD_LIMIT
    rest = [({"id": 2, "more": n < 17}, part) for n in range(18)]
    assert host.ask((first, part), *rest).header["error"] == "too_large"
    assert host.ask(({"id": 3, "op": "ping"}, b"")).header == {"id": 3, "ok": True}


def test_garbage_is_answered_once_and_ends_it(host):
    greet(host)
    host.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert host.ask().header["error"] == "protocol"
    assert host.ask() is None
    assert host.process.wait(10) == 0


def test_shutdown(host):
    greet(host)
    assert host.ask(({"id": 2, "op": "shutdown"}, b"")).header["ok"] is True
    assert host.process.wait(10) == 0


def test_cancel_ends_a_command(host):
    greet(host)
    host.socket.sendall(encode(run(2, "sleep", "60")[0]))
    assert host.ask(({"id": 3, "op": "cancel", "target": 2}, b"")).header == {"id": 3, "ok": True, "found": True}
    assert host.ask().header["error"] == "cancelled"
    assert host.ask(({"id": 4, "op": "cancel", "target": 2}, b"")).header["found"] is False


def sleeping(mark):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if mark.encode() in file.read().split(b"\0"):
                    found.append(name)
        except OSError:
            continue
    return found


def start_sleepers(host):
    mark = f"{time.time_ns() % 10**9 + 10**9}.25"
    script = f"(setsid sleep {mark} &); setsid nohup sleep {mark} & sleep {mark}"
    host.socket.sendall(encode(run(2, "sh", "-c", script)[0]))
    deadline = time.monotonic() + 10
    while len(sleeping(mark)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return mark


def test_the_hosts_end_ends_every_command(host):
    greet(host)
    mark = start_sleepers(host)
    host.socket.shutdown(socket.SHUT_RDWR)
    assert host.process.wait(10) == 0
    assert sleeping(mark) == []


def test_a_killed_runners_commands_end_too(host):
    greet(host)
    mark = start_sleepers(host)
    host.process.kill()
    host.process.wait()
    deadline = time.monotonic() + 10
    while sleeping(mark):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("limit", [{"lifetime_s": 0.5}, {"silence_s": 0.5}])
def test_lifetime_and_silence_end_it(host, limit):
    greet(host, **limit)
    mark = start_sleepers(host)
    assert host.process.wait(10) == 0
    assert sleeping(mark) == []


def test_pings_break_the_silence(host):
    greet(host, silence_s=0.6)
    for number in range(2, 12):
        time.sleep(0.1)  # the interval is what is tested
        assert host.ask(({"id": number, "op": "ping"}, b"")).header["ok"] is True


def test_rlimits_reach_commands(host):
    greet(host, rlimits={"nofile": 77, "core": 0})
    assert host.ask(run(2, "sh", "-c", "ulimit -n; ulimit -c")).payload == b"77\n0\n"


def test_too_many_commands_are_refused(host):
    greet(host)
    for number in range(100, 164):
        host.socket.sendall(encode(run(number, "sleep", "30")[0]))
    assert host.ask(run(200, "true")).header["error"] == "busy"


def test_the_zip_is_reproducible():
    assert runner_zip() == runner_zip.__wrapped__()


def test_the_runner_imports_nothing_but_the_standard_library_and_itself():
    for source in Path(inside.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module.split(".")[0] in sys.stdlib_module_names
