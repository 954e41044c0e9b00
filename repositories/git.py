"""The one place git is started: no configuration but ours, no hook, no helper, no prompt, bounded time and output."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from repositories.credentials import Channel, redact
from repositories.errors import GitFailed, GitTimeout, RepositoryError, TreeTooLarge, classify

LOCAL_TIMEOUT_S = 120.0
TRANSFER_TIMEOUT_S = 3600.0  # a stalled transfer ends much earlier, by http.lowSpeedTime
OUTPUT_LIMIT = 64 << 20
_STDERR_KEPT = 64 << 10

# core.alternateRefsCommand, core.fsmonitor and hooks are the settings of a *foreign* repository that would run programs
# when git serves or receives from it; command-line settings beat the repository's own. See git-config(1), and
# research/infra.md 1.3 (9).
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.quotePath=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
    "receive.denyDeletes=true",
    "receive.denyNonFastForwards=true",
    "credential.helper=",
    "core.askPass=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=60",
    "transfer.bundleURI=false",
)
_PASSED_ON = ("PATH", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE",
              "SSL_CERT_DIR", "GIT_SSL_CAINFO", "TMPDIR")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Output:
    """What git said: standard output as bytes, standard error redacted (its newest 64 KiB), and its exit status."""

    stdout: bytes
    stderr: str
    exit_code: int


def settings(extra: Sequence[str] = ()) -> list[str]:
    """The ``-c`` arguments every git gets, ours first, `extra` winning over them."""
    return [argument for value in (*_SAFE, *extra) for argument in ("-c", value)]


def far_side(program: str) -> str:
    """The command for the other end of a local transport, hardened too: its repository may carry hooks and settings.

    Given to ``--upload-pack`` or ``--receive-pack``, which git hands to a shell: a constant, without any outside part.
    """
    quoted = " ".join(f"-c {value}" for value in _SAFE)
    return f"git {quoted} {program}"


def environment(allow: str = "", extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A new environment for git, not ours: `allow` is the colon-separated list of transports, empty for none."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {
        "HOME": "/dev/null",  # nothing can exist below it: no .netrc, no .config
        "XDG_CONFIG_HOME": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": allow,
        "LC_ALL": "C",
        "TZ": "UTC",
        **(extra or {}),
    }


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one repository (`git_dir`). Immutable; any thread may use it."""

    git_dir: Path

    def argv(self, args: Sequence[str], config: Sequence[str] = ()) -> list[str]:
        """The whole command line for `args`."""
        return [_program(), f"--git-dir={self.git_dir}", *settings(config), *args]

    def run(
        self,
        *args: str,
        what: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        config: Sequence[str] = (),
        allow: str = "",
        credentials: Channel | None = None,
        secret: str | None = None,
        inherit: Sequence[int] = (),
        timeout: float = LOCAL_TIMEOUT_S,
        limit: int = OUTPUT_LIMIT,
        accept: Sequence[int] = (0,),
    ) -> Output:
        """Runs git with `args` and returns its output; `what` says in words what is being done, for errors.

        An exit status outside `accept` raises the type that classify() reads from standard error. Output past `limit`
        bytes raises TreeTooLarge, running past `timeout` seconds GitTimeout; git and its children are then killed.
        """
        credentials = credentials or Channel()
        process = subprocess.Popen(
            self.argv(args, (*credentials.config, *config)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(allow, env),
            pass_fds=(*credentials.descriptors, *inherit),
            start_new_session=True,
            cwd="/",
        )
        try:
            stdout, stderr = _exchange(process, stdin, limit, time.monotonic() + timeout, what)
        finally:
            end(process)
        words = redact(stderr.decode("utf-8", "replace"), secret)
        if process.returncode not in accept:
            raise classify(what, process.returncode, words)
        return Output(stdout, words, process.returncode)

    def text(self, *args: str, what: str) -> str:
        """Standard output of a local command as text without the last line end."""
        return self.run(*args, what=what).stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Starts a local git to talk to over its pipes, standard error discarded. The caller ends it with end()."""
        return subprocess.Popen(
            self.argv(args),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
            cwd="/",
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Makes sure that `process` and whatever it started are gone and its pipes are closed."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    process.wait()


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise GitFailed("Cannot work with repositories", "there is no git on PATH", "Install git 2.39 or newer")
    return found


def _exchange(
    process: subprocess.Popen[bytes], stdin: bytes, limit: int, deadline: float, what: str
) -> tuple[bytes, bytes]:
    """Feeds `stdin` and collects both outputs until git ends; standard error keeps its newest part."""
    entrance, answers, complaints = (pipe_of(pipe) for pipe in (process.stdin, process.stdout, process.stderr))
    collected = {answers: bytearray(), complaints: bytearray()}
    rest = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for pipe in collected:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        if rest:
            os.set_blocking(entrance.fileno(), False)
            selector.register(entrance, selectors.EVENT_WRITE)
        else:
            entrance.close()
        while selector.get_map():
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                if key.fileobj is entrance:
                    rest = _feed(entrance, rest)
                    if not rest:
                        selector.unregister(entrance)
                        entrance.close()
                    continue
                pipe = answers if key.fileobj is answers else complaints
                if not _drain(pipe, collected[pipe], limit if pipe is answers else None, what):
                    selector.unregister(pipe)
            if time.monotonic() >= deadline:
                raise _late(what)
    try:
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _late(what) from None
    return bytes(collected[answers]), bytes(collected[complaints])


def pipe_of(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that was asked for when git was started; its absence would be a fault of ours."""
    if pipe is None:
        raise GitFailed("Cannot talk to git", "it was started without a pipe", "Report this")
    return pipe


def _feed(pipe: IO[bytes], rest: memoryview) -> memoryview:
    try:
        return rest[os.write(pipe.fileno(), rest[: 64 << 10]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # git ended early; its exit status tells why
        return rest[len(rest) :]


def _drain(pipe: IO[bytes], into: bytearray, limit: int | None, what: str) -> bool:
    try:
        chunk = os.read(pipe.fileno(), 256 << 10)
    except BlockingIOError:
        return True
    into += chunk
    if limit is None:
        del into[:-_STDERR_KEPT]
    elif len(into) > limit:
        raise TreeTooLarge(what, f"git's answer passes {limit} bytes", "Narrow the request or raise the limit")
    return bool(chunk)


def _late(what: str) -> RepositoryError:
    return GitTimeout(what, "git had not finished at its deadline and was ended", "Try again, or allow more time")
