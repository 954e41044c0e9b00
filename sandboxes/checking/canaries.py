"""Secrets: canaries planted around the box, in environment, arguments and files, and looked for inside."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .ground import Ground, describe
from .registry import Book, Breach, require

checks = Book("secrets")
_PREFIX = "forgehand-canary-"


def canary() -> str:
    return _PREFIX + secrets.token_hex(8)


@contextmanager
def planted_files() -> Iterator[Mapping[str, bytes]]:
    """A file with a canary in each place of this machine where secrets lie: path to content."""
    places = [Path.home(), Path.cwd(), Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/run"), Path("/etc")]  # noqa: S108
    with ExitStack() as undo:
        found: dict[str, bytes] = {}
        for place in dict.fromkeys(places):
            path, content = place / f".{canary()}", canary().encode()
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except OSError:
                continue
            undo.callback(path.unlink, missing_ok=True)
            with open(fd, "wb") as file:
                file.write(content)
            found[str(path)] = content
        if not found:
            raise Breach("no file could be planted on this machine")
        yield found


@contextmanager
def bait(in_argument: str, in_environment: str) -> Iterator[None]:
    """A process of the checker's, with a canary in its arguments and one in its environment from its start."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()", in_argument],
        stdin=subprocess.PIPE,
        env={"FORGEHAND_CANARY": in_environment},
    )
    try:
        yield
    finally:
        process.communicate()


@contextmanager
def exported(value: str) -> Iterator[None]:
    """A canary in the environment of the checker itself, which whatever starts boxes inherits."""
    os.environ["FORGEHAND_CHECK_CANARY"] = value
    try:
        yield
    finally:
        del os.environ["FORGEHAND_CHECK_CANARY"]


_OWN = ("FORGEHAND_BOX", "FORGEHAND_SUPERVISOR")
"""Set inside, by the runner: they tell nothing about whoever made the box."""
_EVERYTHING = """
env
for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do cat "$file"; echo; done 2>/dev/null
"""


@checks("no secret of the worker is in any environment or argument")
def environments(ground: Ground) -> str:
    inherited, own, argument = canary(), canary(), canary()
    with exported(inherited), bait(argument, own), ground.new() as box:
        seen = box.run(["sh", "-c", _EVERYTHING], timeout=60, output_limit=32 << 20)
        text = seen.stdout + seen.stderr
        require(len(text) > 50, f"nothing was looked at: {describe(seen)}")
        for value, where in (
            (inherited, "the environment a box is started from"),
            (own, "another process's environment"),
            (argument, "another process's arguments"),
        ):
            require(value.encode() not in text, f"a canary in {where} can be read in the box")
        names = {part.split(b"=")[0].decode(errors="replace") for part in text.replace(b"\0", b"\n").splitlines()}
        leaked = sorted(n for n in names if n.startswith(("FORGEHAND_", "KUBERNETES_", "AWS_", "GITHUB_")))
        leaked = [name for name in leaked if name not in _OWN]
        require(not leaked, f"variables of whoever made the box: {', '.join(leaked[:8])}")
    return f"{len(text)} bytes of environments and arguments, 3 canaries"


@checks("no secret of the worker is in any file")
def filesystem(ground: Ground) -> str:
    code = """
import stat
begin, wanted, seen, deadline = args[0][::-1].encode(), args[1][::-1].encode(), 0, time.monotonic() + 15
found = []
likely = ["/root", "/home", "/run", "/etc", "/var", "/tmp", "/opt", "/srv", "/mnt", "/media", "/host", "/secrets"]
for top in [*likely, "/"]:
    for folder, folders, files in os.walk(top):
        if folder in ("/proc", "/sys", "/dev") or time.monotonic() > deadline or found:
            folders.clear()
            continue
        for name in files:
            seen += 1
            path = os.path.join(folder, name)
            if begin in os.fsencode(name): found.append(path)
            try:
                if top == "/" or not stat.S_ISREG(os.lstat(path).st_mode) or os.lstat(path).st_size > 1 << 20: continue
                with open(path, "rb") as file:
                    if wanted in file.read(): found.append(path)
            except OSError: continue
print(json.dumps([seen, time.monotonic() > deadline, found[:3]]))
"""
    with planted_files() as planted, ground.new() as box:
        content = next(iter(planted.values())).decode()
        # Backwards, lest the probe find the canary in its own arguments.
        seen, cut, found = ground.ask(box, code, _PREFIX[::-1], content[::-1], timeout=90)
    require(not found, f"found in {', '.join(found)}")
    require(seen > 10, f"only {seen} files were looked at")
    return f"{seen} files" + (", then the time was up" if cut else "")


@checks("no account token is there")
def tokens(ground: Ground) -> str:
    places = (
        "/var/run/secrets/kubernetes.io",
        "/run/secrets",
        "/var/run/secrets/eks.amazonaws.com",
        "/root/.docker/config.json",
        "/root/.kube/config",
        "/etc/kubernetes",
        "/var/lib/kubelet",
    )
    found = []
    box = ground.box
    for place in places:
        with contextlib.suppress(OSError):
            listed = box.run(["ls", "-A", place], timeout=30)
            if listed.exit_code == 0 and listed.stdout.strip():
                found.append(place)
    require(not found, f"there is {', '.join(found)}")
    return "service account, registry and cluster credentials"
