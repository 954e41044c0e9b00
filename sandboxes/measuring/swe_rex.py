"""SWE-ReX from PyPI, in environments of its own below ~/.cache/forgehand, as its users have it: its server in a
container of the image, its client here.

Its server's packages are installed for the image's Python and mounted, because the image itself is not to be changed.
https://github.com/SWE-agent/SWE-ReX
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..contract import SandboxError

VERSION = "1.4.0"
_PACKAGES = (f"swe-rex=={VERSION}", "aiohttp", "uvicorn")  # aiohttp: its client imports it and does not ask for it
_CACHE = Path.home() / ".cache" / "forgehand"
_MOUNTED = "/opt/swe-rex"
_START = f'#!/bin/sh\nPYTHONPATH={_MOUNTED} exec python3 -m swerex.server "$@"\n'
_CLIENT = Path(__file__).with_name("swe_rex_client.py")


@contextmanager
def swe_rex(image: str, runtime: str, program: str) -> Iterator[Mapping[str, Callable[[], float]]]:
    """Its two ways to run a command: a process of its own, and a line in a shell session. SandboxError."""
    client, server = _client(), _server(_python_of(image, runtime))
    told = {"image": image, "runtime": runtime, "packages": f"{server}:{_MOUNTED}:ro", "path": f"{_MOUNTED}/bin"}
    command = [str(client), "-I", str(_CLIENT), json.dumps({**told, "program": program})]
    # What it and its server log goes to a file: a pipe nobody empties would stop it.
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):

        def ask(what: str) -> float:
            with contextlib.suppress(BrokenPipeError):
                print(what, file=process.stdin, flush=True)
            said = process.stdout.readline() if process.stdout else ""
            if not said:
                log.seek(0)
                raise SandboxError("SWE-ReX does not answer", log.read()[-1000:])
            return float(said)

        try:
            ask("ready")
            yield {"SWE-ReX execute": lambda: ask("execute"), "SWE-ReX session": lambda: ask("session")}
        finally:
            with contextlib.suppress(BrokenPipeError):
                if process.stdin:
                    process.stdin.close()
            process.wait(60)


def _python_of(image: str, runtime: str) -> str:
    """The version of the image's Python, as 3.11. SandboxError when it has none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = ["docker", "run", "--rm", "--network", "none", "--runtime", runtime, image, "python3", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise SandboxError("SWE-ReX cannot be measured", "it needs an image with Python", done.stderr.strip()[-300:])
    return done.stdout.strip()


def _client() -> Path:
    folder = _CACHE / f"swe-rex-{VERSION}-client"
    with _made(folder) as half:
        if half:
            venv.create(half, with_pip=True)
            _pip(half / "bin" / "python", *_PACKAGES)
    return folder / "bin" / "python"


def _server(python: str) -> Path:
    folder = _CACHE / f"swe-rex-{VERSION}-python{python}"
    with _made(folder) as half:
        if half:
            only = ["--target", str(half), "--python-version", python, "--only-binary=:all:"]
            _pip(_client(), *only, *_PACKAGES)
            start = half / "bin" / "swerex-remote"
            start.parent.mkdir(exist_ok=True)
            start.write_text(_START)
            start.chmod(0o755)
    return folder


@contextmanager
def _made(folder: Path) -> Iterator[Path | None]:
    """The folder to fill in when it is not there yet: what was left half made is not taken for it."""
    done = folder / ".complete"
    if done.exists():
        yield None
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    done.touch()


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""})
    if done.returncode != 0:
        raise SandboxError("SWE-ReX cannot be installed", done.stderr.strip()[-500:], f"Python: {sys.version}")
