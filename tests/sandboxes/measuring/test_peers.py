"""The peers are the real ones: a container of the docker program, and SWE-ReX from PyPI."""

import subprocess

import pytest

from sandboxes import SandboxError
from sandboxes.measuring import Peers, swe_rex
from tests.engines import absent
from tests.sandboxes import docker_engine
from tests.sandboxes.images import PYTHON, SHELL


@pytest.fixture
def peers():
    docker_engine.docker("runc")
    return Peers(docker_engine.image(PYTHON))


def containers():
    command = ["docker", "ps", "--all", "--format", "{{.Names}}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split() if name.startswith("bench-") or PYTHON.name.replace("-", "") in name}


@pytest.mark.xdist_group("docker peers")
def test_each_start_takes_a_while_and_leaves_nothing(peers):
    before = containers()
    took = {name: once() for name, once in peers.starts("/bin/true").items()}
    assert set(took) == {"docker run", "docker run --network none"}
    assert all(0.05 < seconds < 60 for seconds in took.values())
    assert containers() <= before
    with pytest.raises(SandboxError, match="docker run failed"):
        peers.starts("/bin/false")["docker run"]()
    assert containers() <= before


@pytest.mark.xdist_group("docker peers")
def test_each_command_is_run_and_its_failure_told(peers):
    try:
        swe_rex._client()
    except SandboxError as error:
        absent(f"SWE-ReX from PyPI ({error})")
    before = containers()
    with peers.commands("/bin/true") as commands:
        assert set(commands) == {"docker exec", "SWE-ReX execute", "SWE-ReX session"}
        assert all(0.001 < once() < 30 for once in commands.values())
    with peers.commands("/bin/false") as commands:
        with pytest.raises(SandboxError, match="docker exec failed"):
            commands["docker exec"]()
        with pytest.raises(SandboxError, match="does not answer"):
            commands["SWE-ReX execute"]()
    assert containers() <= before


def test_an_image_that_is_not_there_is_said_so(peers):
    with pytest.raises(SandboxError, match="docker image failed"):
        Peers("forgehand-no-such-image")


def test_swe_rex_needs_python(peers):
    other = Peers(docker_engine.image(SHELL))
    with pytest.raises(SandboxError, match="needs an image with Python"), other.commands("/bin/true"):
        pass


def test_what_was_left_half_made_is_made_anew(tmp_path):
    folder = tmp_path / "x"

    def break_off():
        with swe_rex._made(folder) as half:
            (half / "part").touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        break_off()
    with swe_rex._made(folder) as half:
        assert not (half / "part").exists()
    with swe_rex._made(folder) as half:
        assert half is None
