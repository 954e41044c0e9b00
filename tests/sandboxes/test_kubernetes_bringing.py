"""The Python that is brought to images without one: cut into pieces, joined by any shell, and never used half."""

import platform
import re
import shutil
import subprocess
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes import interpreter
from sandboxes.on_kubernetes.bringing import PARTS, PLACE, Python, architecture, cut, python_of, space
from tests.sandboxes.images import SHELL, root_of

MIB = 1 << 20
SMALL = {
    "ld.so": (b"loader", 0o555),
    "bin/python3": (bytes(range(256)) * 20, 0o555),
    "lib/empty": (b"", 0o444),
    "lib/it's $HOME/a b": (b"odd", 0o444),
}


@pytest.fixture(scope="module")
def busybox(tmp_path_factory):
    """A shell that knows nothing but POSIX, where the test images are; else this machine's."""
    if not shutil.which("apt-get"):
        pytest.skip("no Debian packages to make images of")
    folder = tmp_path_factory.mktemp("busybox")
    with root_of(SHELL) as root:
        subprocess.run(["tar", "-xf", root, "-C", folder, "./bin"], check=True)
    return folder / "bin"


@pytest.fixture(params=["sh", "busybox"])
def shell(request, tmp_path):
    """Runs a container's command with its folders in `tmp_path`."""
    bin_ = request.getfixturevalue("busybox") if request.param == "busybox" else None
    env = {"PATH": str(bin_) if bin_ else "/usr/bin:/bin"}

    def run(command, **options):
        here = [part.replace("/run/", f"{tmp_path}/run/") for part in command]
        here[0] = str(bin_ / "sh") if bin_ else "sh"
        return subprocess.run(here, env=env, capture_output=True, timeout=60, check=False, **options)

    return run


def mounted(parts, tmp_path):
    """The parts as kubelets mount them."""
    (tmp_path / PLACE[1:]).mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        folder = tmp_path / PARTS[1:] / str(number)
        folder.mkdir(parents=True)
        for key, content in part.items():
            (folder / key).write_bytes(
                content.replace(b"/run/", f"{tmp_path}/run/".encode()) if key == "join" else content
            )


def joined(tmp_path):
    place = tmp_path / PLACE[1:]
    return {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}


def started(python, *arguments):
    """The porch's command without the interpreter, which is none here: what it would be given is printed."""
    command = python.porch_command(*arguments)
    return [*command[:4], "printf", "%s\\n", *command[4:]]


def test_a_shell_joins_what_was_cut(shell, tmp_path):
    mounted(cut(SMALL, piece=1000), tmp_path)
    said = shell(started(Python.BROUGHT, "-c", "x 'y'"))
    assert said.stderr == b""
    assert said.stdout.decode().splitlines()[-4:] == ["-I", "-S", "-c", "x 'y'"]
    found = joined(tmp_path)
    assert found.pop("complete").read_bytes() == b""
    assert {path: file.read_bytes() for path, file in found.items()} == {path: one[0] for path, one in SMALL.items()}
    for path, (_, mode) in SMALL.items():
        assert found[path].stat().st_mode & 0o777 == (0o555 if mode & 0o111 else 0o644)


@pytest.mark.parametrize("missing", ["0/000", "1/000", "5/001", "0/join"])
def test_half_of_it_is_never_complete(shell, tmp_path, missing):
    parts = cut(SMALL, piece=1000)
    mounted(parts, tmp_path)
    (tmp_path / PARTS[1:] / missing).unlink()
    said = shell(started(Python.BROUGHT))
    assert said.returncode != 0
    assert said.stdout == b"", "nothing was started"
    assert "complete" not in joined(tmp_path)


def test_whoever_comes_early_waits(shell, tmp_path):
    (tmp_path / PLACE[1:]).mkdir(parents=True)
    command = Python.BROUGHT.command("-c", "1")
    command[4:] = ["cat", f"{PLACE}/complete"]
    complete = tmp_path / PLACE[1:] / "complete"
    later = threading.Timer(0.5, lambda: (tmp_path / "run/half").rename(complete))
    (tmp_path / "run/half").write_bytes(b"all")
    later.start()
    assert shell(command).stdout == b"all"


def test_the_real_one_starts_from_its_pieces(shell, tmp_path):
    files = interpreter.bundle()
    mounted(cut(files), tmp_path)
    said = shell(Python.BROUGHT.porch_command("-c", "import hashlib, socket, threading; print(hashlib.sha256().name)"))
    assert (said.stdout, said.stderr) == (b"sha256\n", b"")
    room = sum(-(-file.stat().st_size // 4096) * 4096 for file in joined(tmp_path).values())
    assert room < space(files) < room + 4 * MIB


sizes = st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e/f/g"]), st.integers(0, 350), min_size=1)


@given(sizes, st.integers(1, 120))
def test_nothing_is_lost_between_pieces(wanted, piece):
    files = {path: (bytes(i % 251 for i in range(size)), 0o444) for path, size in wanted.items()}
    parts = cut(files, piece=piece)
    found = {f"{PARTS}/{n}/{key}": content for n, part in enumerate(parts) for key, content in part.items()}
    script = found.pop(f"{PARTS}/0/join").decode()
    for line in script.splitlines():
        if line.startswith("cat "):
            sources, target = line.removeprefix("cat ").split(" > ")
            assert b"".join(found.pop(one) for one in sources.split()) == files[target.removeprefix(PLACE + "/")][0]
    assert not found, "every piece is used"
    assert all(sum(len(one) for key, one in part.items() if key != "join") <= piece for part in parts)
    assert cut(dict(reversed(files.items())), piece=piece) == parts


def test_a_configmap_holds_each_part():
    """Its limit is a MiB of data; its keys are letters, digits, - _ and dots."""
    for part in cut(interpreter.bundle()):
        assert sum(len(content) for content in part.values()) <= MIB
        assert all(re.fullmatch(r"[-._a-zA-Z0-9]+", key) for key in part)


def test_more_files_than_a_part_can_list_are_refused():
    with pytest.raises(ValueError, match="can list"):
        cut({f"{n}": (b"", 0o444) for n in range(2000)})


@pytest.mark.parametrize("python", Python)
def test_a_pod_says_which_python_it_was_made_for(python):
    containers = [{"command": python.porch_command("x")}, {"command": python.command("x")}]
    assert python_of({"spec": {"containers": containers}}) is python


@pytest.mark.parametrize("pod", [{}, {"spec": {}}, {"spec": {"containers": [{}]}}])
def test_a_pod_that_says_nothing_is_of_the_images(pod):
    assert python_of(pod) is Python.OWN


@pytest.mark.parametrize(("machine", "label"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("s390x", "s390x")])
def test_what_nodes_are_labelled(machine, label):
    assert architecture(machine) == label
    assert architecture(platform.machine())
