"""A worker at work in a box of its own, and one question after another put to it, each with a time limit."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Literal, Self

from kernels.messages import NONCE_BYTES, Decoder, Json, Kind, Message, ProtocolError, Tensor, encode, expect
from kernels.package import BOOTSTRAP, worker_zip
from sandboxes.contract import Backend, Box, CommandResult, SandboxError, SandboxSpec

START_S = 120.0
MOST_BYTES = 1 << 30
"""How many bytes of tensors one answer may have; the broker holds them."""
_PORT = 4117
_ZIP = "worker.zip"
# The C library gives memory back to the system and fetches it anew depending on what was freed before, and a fresh page
# costs more than many kernels: with this, memory once had is kept, in both workers (mallopt(3)).
_ENV = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(2 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
    # cuBLAS gives the same answer twice only so (https://docs.nvidia.com/cuda/cublas/#results-reproducibility).
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
_numbers = itertools.count(1)
_WHAT = frozenset({"parse", "load", "launch", "oom", "task", "compile", "gpu", "out_of_bounds"})
Role = Literal["reference", "candidate", "compiling", "interpreting", "compiling_triton", "checking_device"]
_ON_THE_DEVICE = frozenset({"reference", "candidate", "checking_device"})


class Troubled(Exception):
    """The worker's program could not do what was asked. `what`: one of `_WHAT`."""

    def __init__(self, what: str, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.what, self.text, self.line = what, text, line


class Ended(Exception):
    """The worker ended, or fell silent. `why`: timeout, oom or exit."""

    def __init__(self, why: Literal["timeout", "oom", "exit"], text: str) -> None:
        super().__init__(text)
        self.why, self.text = why, text


@dataclass(frozen=True, slots=True)
class Place:
    """Where workers run. `python`: an interpreter with torch, as it is called in the box. `memory_bytes` of a box.
    `image`: of containers, None for the backend's own. `artefacts`: a folder of the broker's for what was compiled.
    `together`: boxes with the same word are on one machine. `device`: the kind, as torch names it, that tasks and
    candidates compute on, and `gpus` how many of them a backend lends to the boxes that are together."""

    backend: Backend
    python: PurePath
    memory_bytes: int = 4 << 30
    image: str | None = None
    artefacts: Path | None = None
    together: str | None = None
    device: str = "cpu"
    gpus: int = 0

    def spec(self, lifetime_s: float, gpus: int = 0) -> SandboxSpec:
        return SandboxSpec(
            image=self.image,
            cpus=1.0,
            memory_bytes=self.memory_bytes,
            disk_bytes=1 << 30,
            processes=256,
            lifetime_s=lifetime_s,
            together=self.together,
            gpus=gpus,
        )


class Worker:
    """A box with a worker in it. Everything it says is read as if the candidate had written it."""

    def __init__(self, place: Place, role: Role, *, lifetime_s: float = 1800.0) -> None:
        """Raises SandboxError when no box can be made, Ended when the worker does not start."""
        self._role: Role = role
        self._half = time.monotonic() + lifetime_s / 2
        self._decoder = Decoder(MOST_BYTES)
        self._waiting: list[Message] = []
        self._result: CommandResult | None = None
        self._lost: SandboxError | None = None
        self.kind_of_device, self.device = place.device, ""
        gpus = place.gpus if role in _ON_THE_DEVICE else 0
        self._box: Box = place.backend.create(place.spec(lifetime_s, gpus), name=box_name(role))
        self._run: threading.Thread | None = None
        try:
            self._start(place, lifetime_s)
        except BaseException:
            self.close()
            raise

    @property
    def worn(self) -> bool:
        """More than half of its box's life is over: it is no worker to begin a verification with."""
        return time.monotonic() > self._half

    @property
    def isolation(self) -> str:
        return self._box.isolation

    @property
    def machine(self) -> str:
        return self._box.machine

    def _start(self, place: Place, lifetime_s: float) -> None:
        self._box.write(_ZIP, worker_zip())
        token = secrets.token_bytes(NONCE_BYTES)
        port = _PORT if self._box.isolation != "none" else 20_000 + secrets.randbelow(20_000)
        self._line = self._box.listen(port)

        def run() -> None:
            argv = [str(place.python), "-I", "-c", BOOTSTRAP, _ZIP, self._role, place.device, str(port)]
            try:
                self._result = self._box.run(argv, timeout=lifetime_s, env=_ENV, stdin=token, output_limit=16 << 10)
            except SandboxError as error:
                self._lost = error
            # The program's end is the end of its line; nothing else tells who waits for it to connect.
            self._ended.set()

        self._ended = threading.Event()
        self._run = threading.Thread(target=run, name=f"kernel-{self._role}", daemon=True)
        self._run.start()
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._line.accept(0.2)
                break
            except TimeoutError:
                if self._ended.is_set() or time.monotonic() > deadline:
                    raise self._end("timeout") from None
        try:
            said = expect(self._next(deadline), token, Kind.hello).head.get("device")
            self.device = said if isinstance(said, str) else ""
        except ProtocolError as error:
            raise Ended("exit", f"the worker does not begin as ours does: {error}") from None

    def ask(
        self, do: str, head: Json, tensors: Sequence[Tensor] = (), *, timeout: float, most_bytes: int = MOST_BYTES
    ) -> tuple[Json, Sequence[Tensor]]:
        """The answer's head and tensors, of which `most_bytes` are read. Troubled, Ended, ProtocolError, SandboxError.
        `timeout` in seconds."""
        self._decoder.most_bytes = most_bytes
        nonce = secrets.token_bytes(NONCE_BYTES)
        deadline = time.monotonic() + timeout
        try:
            for part in encode(Message(Kind.request, nonce, {"do": do, **head}, tensors)):
                self._line.send(part, self._left(deadline))
        except TimeoutError:
            raise self._end("timeout") from None
        except ConnectionResetError:
            raise self._end("exit") from None
        message = expect(self._next(deadline), nonce, Kind.answer, Kind.trouble)
        if message.kind is Kind.trouble:
            raise _troubled(message.head)
        return message.head, message.tensors

    def _next(self, deadline: float) -> Message:
        while not self._waiting:
            try:
                data = self._line.receive(self._left(deadline))
            except TimeoutError:
                raise self._end("timeout") from None
            if not data:
                raise self._end("exit")
            self._waiting += self._decoder.feed(data)
        if len(self._waiting) > 1:
            raise ProtocolError("it says more than it was asked")
        return self._waiting.pop()

    def _left(self, deadline: float) -> float:
        """Seconds. Ended when there are none: a program that says a little now and then has not answered in time."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._end("timeout")
        return left

    def _end(self, why: Literal["timeout", "exit"]) -> Ended:
        """Why nothing more comes. A box that is lost is no fault of the program's: SandboxError."""
        if why == "exit" and self._run is not None:
            self._run.join(10)
        if self._lost is not None:
            raise self._lost
        result = self._result
        if result is None:
            return Ended("timeout", f"the {self._role} did not answer in time")
        if result.oom:
            return Ended("oom", f"the {self._role} needed more memory than its box has")
        words = result.stderr.decode("utf-8", "replace").strip().splitlines()
        last = words[-1] if words and result.exit_code else "it said nothing about it"
        return Ended("exit", f"the {self._role} ended with status {result.exit_code}: {last}"[:500])

    def close(self) -> None:
        """Ends the box and all that is in it."""
        self._box.close()
        if self._run is not None:
            self._run.join(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def box_name(role: str) -> str:
    """A name no other box has or will have. In containers workers often have the same process number, and the name is
    all that tells their boxes apart."""
    return f"kernel-{role}-{os.getpid()}-{next(_numbers)}-{secrets.token_hex(4)}"


def _troubled(head: Json) -> Troubled:
    what, text, line = head.get("what"), head.get("text"), head.get("line")
    if what not in _WHAT or not isinstance(text, str):
        raise ProtocolError("it is in trouble and does not say which")
    return Troubled(what, text[:4000], line if type(line) is int and 0 < line < 1 << 31 else None)
