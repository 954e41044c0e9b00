"""After a crash: what a dead owner left is found and removed, and nobody else's process is ever touched."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandboxes import PlainBackend, SandboxError, SandboxSpec, SandboxUnavailable
from sandboxes.contract import LIMITS, LimitUnenforceable
from sandboxes.processes import Process
from sandboxes.records import Record, Records, deadline_in, myself
from tests.sandboxes.conftest import BACKENDS, bubblewrap, new_name

OWNER = """
import sys, threading, time
from pathlib import Path
from sandboxes import BubblewrapBackend, PlainBackend, SandboxSpec
state, kind, name, mark = sys.argv[1:]
backend = PlainBackend(Path(state), allow_unisolated=True) if kind == "plain" else BubblewrapBackend(Path(state))
box = backend.create(SandboxSpec(), name=name)
threading.Thread(target=lambda: box.run(["sh", "-c", f"setsid sleep {mark} & echo up > up; sleep {mark}"], timeout=60),
                 daemon=True).start()
while True:
    try:
        box.read("up")
        break
    except FileNotFoundError:
        time.sleep(0.01)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["local-bwrap", "local-plain"])
def local_backend(request, tmp_path):
    """A backend with records in tmp_path/state: its boxes die with the process that made them."""
    return BACKENDS[request.param](tmp_path / "state")


def sleepers(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def crashed(state, kind, name, mark):
    """A process that made a box with a running command and was killed in the middle."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(state), kind, name, mark],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as owner:
        try:
            assert owner.stdout.readline() == b"up\n"
            wait_until(lambda: len(sleepers(mark)) >= 2)
        finally:
            owner.kill()


@pytest.mark.parametrize("kind", ["local", "plain"])
def test_a_killed_owners_box_ends_and_its_remains_are_reaped(tmp_path, kind):
    backend = PlainBackend(tmp_path, allow_unisolated=True) if kind == "plain" else bubblewrap(tmp_path)
    name, mark = new_name(), f"{time.time_ns() % 10**9 + 10**9}.5"
    crashed(tmp_path, kind, name, mark)
    wait_until(lambda: not sleepers(mark))
    [record] = list(Records(tmp_path / "boxes").all())
    assert backend.reap(lambda: {name}) == []
    assert backend.reap(tuple) == [name]
    assert backend.reap(tuple) == []
    assert not any(Path(group).exists() for group in record.groups)
    assert record.directory is None or not Path(record.directory).exists()
    assert not any((tmp_path / "boxes").iterdir())


def test_plain_processes_that_outlive_their_runner_are_swept(tmp_path):
    backend = PlainBackend(tmp_path, allow_unisolated=True)
    name = new_name()
    box = backend.create(SandboxSpec(), name=name)
    [record] = Records(tmp_path / "boxes").all()
    mark = f"{time.time_ns() % 10**9 + 10**9}.5"
    env = {"FORGEHAND_BOX": Path(record.directory).name}
    with subprocess.Popen(["sleep", mark], env=env) as orphan, subprocess.Popen(["sleep", mark]) as stranger:
        try:
            Records(tmp_path / "boxes").update(replace(record, owner=Process(1, 12345)))
            assert backend.reap(tuple) == [name]
            assert orphan.wait(10) == -9
            assert stranger.poll() is None
        finally:
            orphan.kill()
            stranger.kill()
    box.close()


def test_boxes_in_use_are_not_reaped(local_backend):
    name = new_name()
    with local_backend.create(SandboxSpec(), name=name) as box:
        assert local_backend.reap(tuple) == []
        assert box.run(["true"], timeout=5).exit_code == 0


def test_a_box_past_its_lifetime_is_reaped(local_backend, tmp_path):
    name = new_name()
    box = local_backend.create(SandboxSpec(), name=name)
    records = Records(tmp_path / "state" / "boxes")
    [record] = records.all()
    records.update(replace(record, deadline=time.time() - 1))
    assert local_backend.reap(tuple) == [name]
    with pytest.raises(SandboxError):
        box.run(["true"], timeout=5)
    box.close()


def test_a_recycled_pid_is_left_alone():
    with subprocess.Popen(["sleep", "60"]) as process:
        real = Process.of(process.pid)
        other = Process(process.pid, real.started + 1)
        try:
            assert not other.alive()
            other.kill()
            assert process.poll() is None
            assert real.alive()
            real.kill()
            assert process.wait(5) == -9
        finally:
            process.kill()
    assert not real.alive()
    real.kill()
    assert Process.of(process.pid) != real


def test_records_survive_and_names_are_taken_once(tmp_path):
    records = Records(tmp_path / "boxes")
    record = Record("a", "local", myself(), deadline_in(60), {"task": "7"}, Process(1, 2), ("/x",), "/y")
    records.add(record)
    assert list(records.all()) == [record]
    assert not record.dead(time.time())
    with pytest.raises(FileExistsError):
        records.add(record)
    assert [path.name for path in (tmp_path / "boxes").iterdir()] == ["a.json"]
    (tmp_path / "boxes" / "b.json").write_text('{"half')
    assert list(records.all()) == [record]


def test_a_name_in_use_is_refused_and_free_after_close(backend):
    name = new_name()
    with (
        backend.create(SandboxSpec(), name=name) as box,
        pytest.raises(SandboxError, match="one of that name"),
    ):
        backend.create(SandboxSpec(), name=name)
    box.close()
    backend.create(SandboxSpec(), name=name).close()


@pytest.mark.parametrize("name", ["", "A", "a/b", "../a", "a b", "-a", "a" * 101, "ä"])
def test_names_that_could_mean_something_else_are_refused(backend, name):
    with pytest.raises(ValueError, match="name"):
        backend.create(SandboxSpec(), name=name)


def test_close_removes_everything(local_backend, tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    box = local_backend.create(SandboxSpec(), name=new_name())
    box.run(["true"], timeout=5)
    [record] = Records(tmp_path / "state" / "boxes").all()
    box.close()
    assert not record.runner.alive()
    assert not any(Path(group).exists() for group in record.groups)
    assert record.directory is None or not Path(record.directory).exists()
    assert list(Records(tmp_path / "state" / "boxes").all()) == []
    # one more at most: the namespace of the stage, which a backend keeps
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_plain_boxes_ask_for_consent_and_say_what_they_lack(tmp_path):
    with pytest.raises(SandboxUnavailable, match="allow_unisolated"):
        PlainBackend(tmp_path, allow_unisolated=False)
    backend = PlainBackend(tmp_path, allow_unisolated=True)
    assert set(backend.unenforced) | set(backend.enforcement()) == set(LIMITS)
    with backend.create(SandboxSpec(), name=new_name()) as box:
        assert box.isolation == "none"
        with pytest.raises(SandboxError, match="no walls"):
            box.read("/etc/passwd")
        box.run(["ln", "-s", "/etc", "link"], timeout=5)
        with pytest.raises(SandboxError, match="no walls"):
            box.read("link/passwd")
        with pytest.raises(SandboxError, match="no walls"):
            box.write("link/forgehand-test", b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [(f, v) for f in ("cpus", "memory_bytes", "disk_bytes", "processes", "lifetime_s") for v in (0, -1, True, "1")]
    + [("cpus", float("inf")), ("lifetime_s", float("nan")), ("memory_bytes", 1.5), ("image", ""), ("network", "host")],
)
def test_a_spec_with_an_impossible_limit_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        SandboxSpec(**{field: value})


def test_errors_say_what_why_and_what_to_do():
    error = LimitUnenforceable("cpus", "no cgroup", "Run elsewhere")
    assert str(error) == "the limit cpus cannot be enforced: no cgroup. Run elsewhere"
    assert error.limit == "cpus"


def test_halves_of_records_go_with_their_writers(local_backend, tmp_path):
    folder = tmp_path / "state" / "boxes"
    folder.mkdir(parents=True, exist_ok=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"a.{ended.pid}.new", f"b.{os.getpid()}.new", f"c.{os.getpid()}.new"):
        (folder / name).write_text("{")
    os.utime(folder / f"c.{os.getpid()}.new", (1, 1))
    assert local_backend.reap(tuple) == []
    assert [path.name for path in folder.iterdir()] == [f"b.{os.getpid()}.new"], "only one that is being written stays"
