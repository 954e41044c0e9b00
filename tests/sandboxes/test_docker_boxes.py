"""What Docker boxes promise beyond the contract: they outlive who made them, are taken over, swept, and explained."""

import contextlib
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from sandboxes import BoxLost, DockerBackend, LimitUnenforceable, SandboxError, SandboxSpec, SandboxUnavailable
from sandboxes.on_docker.container import Python
from sandboxes.on_docker.runner_volume import KEPT_S, RUNNERS, remove_old
from tests.sandboxes.conftest import new_name
from tests.sandboxes.contract.test_files import tree
from tests.sandboxes.docker_engine import docker as any_docker
from tests.sandboxes.docker_engine import image as made_image
from tests.sandboxes.docker_engine import owner as owner_of_all
from tests.sandboxes.images import PYTHON, SHELL

SMALL = SandboxSpec(memory_bytes=64 << 20, disk_bytes=8 << 20, processes=32)


def owner():
    """Sweeps here must not find the boxes that other tests of this process have open."""
    return f"{owner_of_all()}-boxes"


def docker(runtime):
    return _docker(runtime, any_docker(runtime)._image)


@cache
def _docker(runtime, image):
    return DockerBackend(runtime=runtime, owner=owner(), image=image)


@pytest.fixture(params=["runc", "runsc"])
def backend(request):
    return docker(request.param)


@pytest.fixture
def make(backend):
    """Makes a box, which is closed in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda name, spec=SMALL: stack.enter_context(backend.create(spec, name=name))


def containers(prefix):
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label=forgehand.dev/owner={prefix}"], stdout=subprocess.PIPE, check=True
    )
    return listed.stdout.split()


def another(backend, **options):
    """A backend as another worker of the same installation has it."""
    return DockerBackend(**{"runtime": backend._runtime.name, "owner": owner(), "image": backend._image, **options})


def test_another_worker_takes_a_box_over_with_all_that_is_in_it(backend, make):
    name = new_name()
    first = make(name)
    first.put_tree(tree({"a": b"1", "b": b"2"}))
    first.write("a", b"changed")
    ended = []

    def use():
        try:
            first.run(["sleep", "60"], timeout=90)
        except BoxLost as error:
            ended.append(str(error))

    user = threading.Thread(target=use)
    user.start()
    time.sleep(0.5)
    with another(backend).attach(name) as second:
        user.join(10)
        assert "another host took it over" in ended[0]
        assert second.isolation == first.isolation
        assert second.get_changes()["a"].content == b"changed"
        assert list(second.get_changes()) == ["a"]
        second.run(["sh", "-c", "kill -9 -1"], timeout=20)
        assert second.run(["echo", "ok"], timeout=20).stdout == b"ok\n"
        third = another(backend).attach(name)
        with pytest.raises(BoxLost, match="another host"):
            second.run(["true"], timeout=20)
        assert third.run(["echo", "ok"], timeout=20).stdout == b"ok\n"
        third.close()
    assert backend.attach(name) is None


def test_the_bridge_of_a_later_host_cannot_be_ended_or_read_from_inside(backend, make):
    name = new_name()
    make(name)
    look = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    try: words = open(f"/proc/{pid}/cmdline", "rb").read()
    except OSError: continue
    if b"inside.bridge" in words and int(pid) != os.getpid():
        print("bridge")
        for number in (signal.SIGKILL, signal.SIGSTOP):
            try: os.kill(int(pid), number); print("signalled")
            except PermissionError: pass
        for fd in range(10):
            try: os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR | os.O_NONBLOCK)
            except OSError: continue
            if os.readlink(f"/proc/{pid}/fd/{fd}") != "/dev/null": print("opened", fd)
        try: open(f"/proc/{pid}/mem", "rb"); print("memory")
        except OSError: pass
"""
    with another(backend).attach(name) as box:
        seen = box.run(["python3", "-c", look], timeout=30)
        assert seen.stdout == b"bridge\n", seen
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"


def test_a_bridge_that_is_ended_by_the_engine_loses_the_link_and_not_the_box(backend, make):
    name = new_name()
    make(name).write("kept", b"1")
    box = another(backend).attach(name)
    found = subprocess.run(["pgrep", "-f", "inside[.]bridge"], stdout=subprocess.PIPE).stdout.split()
    if not found:
        box.close()
        pytest.skip("gVisor shows the machine no processes of a box")
    for pid in found:
        subprocess.run(["kill", "-9", pid], check=False)
    with pytest.raises(BoxLost):
        box.run(["true"], timeout=20)
    with another(backend).attach(name) as again:
        assert again.read("kept") == b"1"
    box.close()


def test_a_living_box_keeps_its_name_and_a_half_made_one_does_not(backend):
    name = new_name()
    with backend.create(SMALL, name=name), pytest.raises(SandboxError, match="one of that name"):
        backend.create(SMALL, name=name)
    subprocess.run(
        ["docker", "create", "--name", f"forgehand-{owner()}-{name}", made_image(PYTHON), "true"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with backend.create(SMALL, name=name) as box:
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"


def test_a_removed_container_is_a_lost_box_that_says_so(backend, make):
    name = new_name()
    box = make(name)
    subprocess.run(["docker", "rm", "-f", f"forgehand-{owner()}-{name}"], check=True, stdout=subprocess.DEVNULL)
    with pytest.raises(BoxLost, match=r"removed|killed from outside"):
        box.run(["true"], timeout=20)
    assert backend.attach(name) is None


def test_the_sweep_removes_what_nobody_keeps_and_what_is_over(backend):
    kept, dropped, over = new_name(), new_name(), new_name()
    made = [backend.create(SMALL, name=name) for name in (kept, dropped)]
    made.append(backend.create(SandboxSpec(lifetime_s=1.0), name=over))
    time.sleep(2.1)
    assert sorted(another(backend).reap(lambda: (kept, over))) == sorted([dropped, over])
    assert made[0].run(["echo", "ok"], timeout=20).stdout == b"ok\n"
    for box in made:
        box.close()
    assert containers(owner()) == []


def test_other_installations_are_left_alone(backend):
    name = new_name()
    with backend.create(SMALL, name=name) as box:
        other = another(backend, owner=f"{owner()}-other")
        assert other.reap(lambda: ()) == []
        assert other.attach(name) is None
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"


def test_twenty_boxes_at_once():
    """Of runc alone: what is shared between boxes here is this process's connections and the engine."""
    backend = docker("runc")

    def use(_):
        with backend.create(SMALL, name=new_name()) as box:
            return box.run(["echo", "ok"], timeout=60).stdout

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(use, range(20))) == [b"ok\n"] * 20


def test_what_cannot_be_had_is_refused():
    backend = docker("runc")
    with pytest.raises(SandboxUnavailable, match="docker pull no-such-image:1"):
        backend.create(SandboxSpec(image="no-such-image:1"), name=new_name())
    with pytest.raises(LimitUnenforceable) as refused:
        backend.create(SandboxSpec(gpus=1), name=new_name())
    assert refused.value.limit == "gpus"
    with pytest.raises(LimitUnenforceable, match="no NVIDIA runtime"):
        another(backend, gpus=("GPU-1",)).probe()
    with pytest.raises(SandboxUnavailable, match=r"daemon\.json"):
        another(backend, runtime="no-such-runtime").probe()
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        another(backend, base_url="unix:///nowhere/docker.sock").probe()
    assert containers(owner()) == []


def test_an_image_without_python_or_even_a_c_library_will_do(backend):
    wanted = SandboxSpec(image=made_image(SHELL), memory_bytes=64 << 20, disk_bytes=8 << 20)
    for _ in range(2):  # tried once, and known
        name = new_name()
        with backend.create(wanted, name=name) as box:
            assert box.run(["python3"], timeout=20).exit_code == 127
            box.put_tree(tree({"a": b"1"}))
            assert box.run(["sh", "-c", "printf 2 > b; cat a"], timeout=20).stdout == b"1"
            assert list(box.get_changes()) == ["b"]
            with another(backend).attach(name) as again:
                assert again.read("b") == b"2"


def test_a_runner_whose_volume_was_removed_is_put_there_again():
    backend = docker("runc")
    mine = another(backend, owner=f"{owner()}-pruned", image=made_image(SHELL))
    mine.probe()
    volume = mine._prepare()._volumes[Python.BROUGHT]
    removed = subprocess.run(["docker", "volume", "rm", "-f", volume], capture_output=True)
    if removed.returncode != 0:
        pytest.skip("another test's box is using it")
    with mine.create(SMALL, name=new_name()) as box:
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"


def test_the_sweep_removes_runners_of_long_ago_that_no_box_uses():
    backend = docker("runc")
    engine = backend._prepare().engine
    engine.make_volume("forgehand-runner-of-the-tests", {RUNNERS: "1"})
    now = time.time()
    assert "forgehand-runner-of-the-tests" not in remove_old(engine, now + KEPT_S - 60)
    # Asked for as if much later, and for this one only: others of this engine may be of use to others.
    assert remove_old(engine, now + KEPT_S + 60, only="forgehand-runner-of-the-tests") == [
        "forgehand-runner-of-the-tests"
    ]
    assert remove_old(engine, now + KEPT_S + 60, only="forgehand-runner-of-the-tests") == []


def test_an_image_s_own_environment_is_there():
    backend = docker("runc")
    with backend.create(SMALL, name=new_name()) as box:
        env = dict(line.split(b"=", 1) for line in box.run(["env"], timeout=20).stdout.splitlines())
    assert env[b"HOME"] == b"/home/sandbox"
    assert b"/usr/bin" in env[b"PATH"].split(b":")
    assert not any(name.startswith(b"FORGEHAND") for name in env)
