"""The runner's loop: frames in, operations, frames out. One thread, so that forking is always safe.

Commands run as processes; long file operations are generators that give way after each file, so that independent
requests make progress together. The rest of a request that already failed is read and dropped.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator

from .crew import Crew
from .frames import PROTOCOL, Frame, ProtocolError
from .limits import KernelWatch, MemoryWatch, rlimits, room
from .link import Link
from .operations import OPERATIONS, Place, error_code
from .processes import act_as, become_subreaper, hide_from_commands, kill_below, refuse_calls
from .proxy import Proxy
from .workspace import Fingerprint, Intake, Refused, clear

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .limits import Watch
    from .operations import Part

CAPABILITIES = ["run", "cancel", "read", "write", "list", "put_tree", "apply_changes", "get_changes", "ping", "tunnel"]
MAX_BODY = 64 << 20
_SLICE_S = 0.005
_NEVER = float("inf")


class Runner:
    """Serves one host until told to stop, the host goes away or falls silent, or the lifetime is over.

    `place`: the workspace as an earlier host left it.
    """

    def __init__(
        self, selector: selectors.BaseSelector, crew: Crew, in_fd: int, out_fd: int, place: Place | None = None
    ) -> None:
        self._selector = selector
        self._link = Link(selector, in_fd, out_fd)
        self._crew = crew
        crew.answer = self._link.send_body
        self._proxy = Proxy(selector, self._link.send)
        selector.register(in_fd, selectors.EVENT_READ, self._receive)
        self._bodies: dict[int, tuple[dict[str, Any], bytearray]] = {}
        self._intakes: dict[int, tuple[Intake, dict[str, Fingerprint] | None]] = {}
        self._tasks: deque[tuple[int, Iterator[Part | None]]] = deque()
        self._place: Place | None = None
        self._left = place
        self._env: dict[str, str] = {}
        self._silent_at = self._silence = _NEVER
        self._running = True
        self.ends = _NEVER
        """When the lifetime is over, on the monotonic clock."""
        self.stopped = False
        """True once the host has asked for the end of the box, not only of its own link."""

    @property
    def alive(self) -> bool:
        """False once the link is over and all that could still be said on it is said."""
        if self._link.lost or time.monotonic() >= min(self.ends, self._silent_at):
            return False
        return self._running or not self._link.empty

    def turn(self, until: float = _NEVER) -> None:
        """Waits for something to do, at most `until` on the monotonic clock, and does it."""
        events(self._selector, min(until, self._due()))
        self._crew.tend()
        self._work()

    def end(self, farewell: str = "") -> Place | None:
        """Gives up the link, killing what runs for it; the workspace, for the next. OSError when something lives on.

        `farewell` is told to the host if it still takes bytes: an engine may keep its end of the stream open.
        """
        self._running = False
        self._proxy.close()
        self._crew.abandon()
        for intake, _ in self._intakes.values():
            intake.close()
        self._tasks.clear()
        if farewell:
            self._link.send({"id": 0, "ok": False, "error": "gone", "message": farewell})
        self._link.close()
        return self._place or self._left

    def _due(self) -> float:
        if self._tasks and not self._link.full:
            return 0
        return min(self.ends, self._silent_at, self._crew.due())

    def _receive(self) -> None:
        try:
            frames = self._link.receive()
        except ProtocolError as error:
            self._link.send({"id": 0, "ok": False, "error": "protocol", "message": str(error)})
            self._running = False
            return
        self._silent_at = time.monotonic() + self._silence
        for frame in frames:
            self._handle(frame)

    def _handle(self, frame: Frame) -> None:
        request = frame.header.get("id")
        if not isinstance(request, int) or isinstance(request, bool):
            self._fail(0, Refused("bad_request", "a request needs a whole number id"))
            return
        try:
            if request in self._intakes:
                self._take(request, frame)
            elif request in self._bodies:
                self._gather(request, frame)
            elif "op" in frame.header:
                self._begin(request, frame)
        except Exception as error:  # whatever is wrong with one request, the others and the box go on
            self._fail(request, error)

    def _fail(self, request: int, error: Exception) -> None:
        self._bodies.pop(request, None)
        if intake := self._intakes.pop(request, None):
            intake[0].close()
        code, message = error_code(error)
        self._link.send({"id": request, "ok": False, "error": code, "message": message})

    def _begin(self, request: int, frame: Frame) -> None:
        header = frame.header
        op = header["op"]
        if op == "hello":
            self._hello(request, header)
        elif op == "ping":
            self._link.send({"id": request, "ok": True})
        elif op == "shutdown":
            self._link.send({"id": request, "ok": True})
            self._running, self.stopped = False, True
        elif op == "cancel":
            self._link.send({"id": request, "ok": True, "found": self._crew.cancel(header["target"])})
        elif self._place is None:
            raise Refused("bad_request", "the first request must be hello")
        elif op == "put_tree":
            clear(self._place.workspace)
            manifest: dict[str, Fingerprint] = {}
            self._intakes[request] = Intake(self._place.workspace, manifest), manifest
            self._take(request, frame)
        elif op == "apply_changes":
            self._intakes[request] = self._place.intake(header), None
            self._take(request, frame)
        elif op.startswith("tunnel_"):
            self._tunnel(request, op, header, frame.payload)
        elif op == "run" or op in OPERATIONS:
            self._bodies[request] = header, bytearray()
            self._gather(request, frame)
        else:
            raise Refused("bad_request", f"unknown operation {op!r}")

    def _tunnel(self, request: int, op: str, header: dict[str, Any], data: bytes) -> None:
        if op == "tunnel_listen":
            self._proxy.listen(request, header["port"])
            return
        number = header["connection"]
        if op == "tunnel_send":
            self._proxy.send(request, number, data, end=header["end"])
            return
        if op == "tunnel_more":
            self._proxy.more(number)
        elif op == "tunnel_close":
            self._proxy.drop(number)
        else:
            raise Refused("bad_request", f"unknown operation {op!r}")
        self._link.send({"id": request, "ok": True})

    def _hello(self, request: int, header: dict[str, Any]) -> None:
        if header.get("protocol") != PROTOCOL:
            raise Refused("protocol", f"this runner speaks protocol {PROTOCOL}, not {header.get('protocol')!r}")
        if (user := header.get("user")) and os.geteuid() != user["uid"]:
            act_as(user["uid"], user["gid"])
        workspace = os.path.realpath(header["workspace"])
        os.makedirs(workspace, exist_ok=True)
        self._crew.rlimits = rlimits(header["rlimits"])
        sizes = {}
        if memory := header.get("memory"):
            self._crew.watch = _watch(memory)
            sizes = {path: room(path)[0] for path in memory["filesystems"]}
        if header.get("filter"):
            refuse_calls(bytes.fromhex(header["filter"]))
        self._env = dict(header["env"])
        self.ends = time.monotonic() + header["lifetime_s"]
        self._silence = header.get("silence_s") or _NEVER
        self._silent_at = time.monotonic() + self._silence
        self._place = Place(workspace, everywhere=header["reach"] == "box", home=header["env"].get("HOME", ""))
        if self._left and self._left.workspace == workspace:
            self._place.manifest = self._left.manifest
        answer = {"protocol": PROTOCOL, "capabilities": CAPABILITIES, "python": sys.version.split()[0]}
        self._link.send(
            {"id": request, "ok": True, **answer, "pid": os.getpid(), "uid": os.geteuid(), "filesystems": sizes}
        )

    def _take(self, request: int, frame: Frame) -> None:
        """A part of a tree: written to the workspace as it comes."""
        intake, manifest = self._intakes[request]
        intake.feed(frame.header.get("entries", []), frame.payload)
        if frame.header.get("more"):
            return
        intake.finish()
        del self._intakes[request]
        if manifest is not None and self._place:
            self._place.manifest = manifest
        self._link.send({"id": request, "ok": True})

    def _gather(self, request: int, frame: Frame) -> None:
        """A part of a request with a body: started when the body is whole."""
        header, body = self._bodies[request]
        body += frame.payload
        if len(body) > MAX_BODY:
            raise Refused("too_large", f"the body of a request is limited to {MAX_BODY} bytes")
        if frame.header.get("more") or self._place is None:
            return
        del self._bodies[request]
        if header["op"] == "run":
            env = {**self._env, **header["env"]}
            self._crew.run(request, header, self._place.resolve(header["cwd"]), env, bytes(body))
        else:
            self._tasks.append((request, OPERATIONS[header["op"]](self._place, header, bytes(body))))

    def _work(self) -> None:
        """Lets each file operation work for a slice of time."""
        for _ in range(len(self._tasks)):
            if self._link.full:
                return
            request, task = self._tasks.popleft()
            until = time.monotonic() + _SLICE_S
            try:
                while time.monotonic() < until:
                    if part := next(task):
                        self._link.send_body({"id": request, "ok": True, **part[0]}, part[1], more=True)
                self._tasks.append((request, task))
            except StopIteration:
                self._link.send({"id": request, "ok": True, "entries": []})
            except Exception as error:
                self._fail(request, error)


def _watch(memory: dict[str, Any]) -> Watch:
    if meminfo := memory.get("meminfo"):
        return KernelWatch(meminfo, memory["limit"], memory["filesystems"])
    return MemoryWatch(memory["cgroup"], memory["limit"], memory["filesystems"])


def events(selector: selectors.BaseSelector, until: float) -> None:
    """Calls the handlers of what is ready, waiting at most `until` on the monotonic clock."""
    for key, _ in selector.select(None if until == _NEVER else max(0.0, until - time.monotonic())):
        # An earlier event of this round may have closed this descriptor.
        if selector.get_map().get(key.fd) is key:
            key.data()


def prepare() -> tuple[int, int]:
    """Makes this process fit to own a box; its former standard input and output.

    As process 1 of a pid namespace it cannot be killed from inside by a signal it has no handler for: Python's own
    handler of SIGINT would be one.
    """
    os.umask(0o022)
    hide_from_commands()
    if not become_subreaper():
        raise OSError(errno.EINVAL, "this kernel gives orphans to process 1 alone, and that is another")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    in_fd, out_fd = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    return in_fd, out_fd


def main() -> None:
    """Takes the standard streams for the protocol alone and serves until the end."""
    in_fd, out_fd = prepare()
    selector = selectors.DefaultSelector()
    runner = Runner(selector, Crew(selector), in_fd, out_fd)
    try:
        while runner.alive:
            runner.turn()
    finally:
        kill_below(os.getpid())
