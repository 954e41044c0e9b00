"""Where checks are made: a backend, boxes on it, and how a probe is run inside one."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ..contract import Backend, Box, BoxLost, CommandResult, SandboxError, SandboxSpec
from ..trees import tar_of

MIB = 1 << 20
PROBE_S = 30.0
SPEC = SandboxSpec(memory_bytes=512 * MIB, disk_bytes=192 * MIB, processes=256, lifetime_s=1800.0)
"""The box most probes share: large enough for each, small enough for a busy machine."""
_PREAMBLE = "import ctypes, errno, json, os, socket, struct, sys, time\nargs = json.loads(sys.argv[1])\n"
_GVISOR = b"#1 SMP Sun Jan 10 15:06:54 PST 2016"
"""The version every gVisor gives its kernel (pkg/sentry/syscalls/linux/linux64.go)."""


class NotRun(Exception):
    """A check that this image or this machine does not allow to be made; says what is missing."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """What a box must not reach beyond the checker's own machine: (address, port) each."""

    public: tuple[tuple[str, int], ...] = (("8.8.8.8", 53), ("1.1.1.1", 443), ("2001:4860:4860::8888", 53))
    metadata: tuple[tuple[str, int], ...] = (("169.254.169.254", 80), ("169.254.170.2", 80), ("fd00:ec2::254", 80))
    name: str = "example.com"


@dataclass
class Ground:
    """Gives checks their boxes and remembers what is the same for all of them. Close it at the end.

    `spec`: what a box is made from where a check asks for no other limits; its image is that of every box.
    """

    backend: Backend
    spec: SandboxSpec = SPEC
    destinations: Destinations = Destinations()
    _run: str = field(default_factory=lambda: f"check-{os.getpid()}-{secrets.token_hex(3)}")
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _shared: Box | None = None
    _python: bool | None = None
    _own_kernel: bool | None = None
    _made_in: float = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._shared:
            self._shared.close()
            self._shared = None

    def name(self) -> str:
        """A name no other box has."""
        return f"{self._run}-{next(self._serial)}"

    @property
    def box(self) -> Box:
        """The box that probes share, with an empty workspace; another when the last probe cost the old one its life."""
        if self._shared:
            try:
                self._shared.put_tree(EMPTY_TREE)
                return self._shared
            except SandboxError:
                self.close()
        began = time.monotonic()
        self._shared = self.backend.create(self.spec, name=self.name(), labels={"forgehand": "check"})
        self._made_in = time.monotonic() - began
        return self._shared

    def short_life(self, seconds: float) -> float:
        """A lifetime that leaves a box at least `seconds`, however long it takes to be made here."""
        if not self._made_in:
            self.box.run(["true"], timeout=PROBE_S)
        return seconds + 3 * self._made_in

    @contextmanager
    def new(self, **limits: Any) -> Iterator[Box]:
        """A box of its own, with `limits` (fields of `SandboxSpec`) in place of the ground's."""
        spec = replace(self.spec, **limits)
        with self.backend.create(spec, name=self.name(), labels={"forgehand": "check"}) as box:
            yield box

    def py(self, box: Box, code: str, *args: Any, timeout: float = PROBE_S, **options: Any) -> CommandResult:
        """Runs Python in a box; `args` arrive as the list `args`. NotRun when the image has none."""
        self.need_python(box)
        argv = ["python3", "-I", "-S", "-c", _PREAMBLE + code, json.dumps(args)]
        return box.run(argv, timeout=timeout, **options)

    def ask(self, box: Box, code: str, *args: Any, timeout: float = PROBE_S) -> Any:
        """The same for a probe that prints one JSON document, which is returned. ValueError when it prints another."""
        result = self.py(box, code, *args, timeout=timeout)
        try:
            return json.loads(result.stdout)
        except ValueError:
            raise ValueError(f"the probe said {describe(result)}") from None

    def need_python(self, box: Box) -> None:
        if self._python is None:
            self._python = box.run(["python3", "-I", "-S", "-c", _PREAMBLE, "[]"], timeout=PROBE_S).exit_code == 0
        if not self._python:
            raise NotRun("no python3 with its standard library in the image")

    @property
    def own_kernel(self) -> bool:
        """True where the box's system calls are answered by gVisor's kernel and not by the host's."""
        if self._own_kernel is None:
            self._own_kernel = _GVISOR in self.box.run(["cat", "/proc/version"], timeout=PROBE_S).stdout
        return self._own_kernel


def describe(result: CommandResult) -> str:
    """A result as evidence."""
    ended = "timed out" if result.timed_out else "out of memory" if result.oom else f"exit code {result.exit_code}"
    said = (result.stdout[:150] + b" " + result.stderr[-200:]).decode(errors="replace").strip()
    return f"{ended}: {said}" if said else ended


def gone(box: Box) -> bool:
    """True when a box answers no more."""
    try:
        box.run(["true"], timeout=PROBE_S)
    except BoxLost:
        return True
    return False


EMPTY_TREE = tar_of({})
