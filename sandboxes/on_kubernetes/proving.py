"""Trying what `proof` judges: two throw-away pods, of which one knocks at everything a box must not reach."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from ..contract import SandboxSpec, SandboxUnavailable
from .bringing import python_of
from .cluster import Refused
from .fates import Fate, Trouble
from .place import Place
from .pod import BOX_CONTAINER, IDLE, UIDS, Identity, Runner, make_pod, memory_limit
from .pods import Pod, Pods, Troubled
from .proof import LISTENER, PORT, PROBE, Findings, judge, read_report

SPEC = SandboxSpec(cpus=0.5, memory_bytes=96 << 20, disk_bytes=8 << 20, processes=64, lifetime_s=90.0)
_TRIES = 3
_PROBE_S = 40.0
_REPORT_LIMIT = 1 << 20
_METADATA = ("169.254.169.254 80", "fd00:ec2::254 80")
_PUBLIC = ("1.1.1.1 443", "8.8.8.8 53")
_KUBELET = 10250
_LISTENS = f"""
import socket, time
for _ in range(200):
    try: socket.create_connection((b"127.0.0.1", {PORT}), 1).close()
    except OSError: time.sleep(.05)  # who does not listen yet can tell nobody when it will
    else: print("yes"); break
"""


def targets(listener: Mapping[str, Any], prober: Mapping[str, Any], server: str) -> list[str]:
    """What the probe tries, as `address port`: the other pod, the nodes, the API server, metadata, the world. Pure."""
    pods = [one["ip"] for one in listener["status"].get("podIPs") or ({"ip": listener["status"]["podIP"]},)]
    nodes = dict.fromkeys(str(pod["status"]["hostIP"]) for pod in (prober, listener))
    found = [f"{address} {PORT}" for address in pods] + [f"{address} {_KUBELET}" for address in nodes]
    url = urlsplit(server)
    if url.hostname and not _loopback(url.hostname):
        found.append(f"{url.hostname} {url.port or 443}")
    return [*found, *_METADATA, *_PUBLIC]


def _loopback(host: str) -> bool:
    """A pod's loopback is its own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def prove(pods: Pods, place: Place, *, image: str, runner: Runner, server: str, owner: str) -> Findings:
    """Makes the pods, asks and judges. Troubled, Refused, LimitUnenforceable, SandboxUnavailable."""
    for attempt in range(1, _TRIES + 1):
        try:
            report = _ask(pods, place, image, runner, server, owner)
        except (Refused, Troubled) as error:
            # Another worker's sweep may have taken the pods for remains: they have no owner it could know of.
            if error.fate.trouble is Trouble.DELETED and attempt < _TRIES:
                continue
            raise
        return judge(
            read_report(report),
            disk_bytes=SPEC.disk_bytes,
            memory_bytes=memory_limit(SPEC, watched=True),
            cpus=SPEC.cpus,
            own_kernel=place.runtime_class is not None,
        )
    raise AssertionError


def _ask(pods: Pods, place: Place, image: str, runner: Runner, server: str, owner: str) -> bytes:
    deadline = time.monotonic() + place.start_timeout_s

    def made(code: str) -> Pod:
        name = f"proof-{secrets.token_hex(5)}"
        identity = Identity(
            name, owner, secrets.token_bytes(32), secrets.choice(UIDS), time.time() + SPEC.lifetime_s, {}
        )
        manifest = make_pod(SPEC, place, identity, image=image, command=["-c", code], runner=runner)
        with _removed_on_error(pods, pod := pods.make(manifest, deadline)):
            return pods.await_ready(pod, deadline)

    with ThreadPoolExecutor(2) as both:
        futures = [both.submit(made, code) for code in (LISTENER, IDLE)]
    with contextlib.ExitStack() as remove:
        for future in futures:
            if future.exception() is None:
                remove.callback(pods.delete, future.result())
        listener, prober = [future.result() for future in futures]
        if said(pods, listener, BOX_CONTAINER, python_of(listener).command("-c", _LISTENS)).strip() != b"yes":
            raise Troubled(Fate(Trouble.START, "a pod cannot reach its own loopback"))
        return said(
            pods, prober, BOX_CONTAINER, python_of(prober).command("-c", PROBE, *targets(listener, prober, server))
        )


@contextlib.contextmanager
def _removed_on_error(pods: Pods, pod: Pod) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(Refused):
            pods.delete(pod)
        raise


def said(pods: Pods, pod: Pod, container: str, command: Sequence[str]) -> bytes:
    """A command's standard output. Refused; SandboxUnavailable, with its last words, when there is none."""
    stream = pods.execute(pod, container, command)
    guard = threading.Timer(_PROBE_S, stream.close)
    guard.start()
    output = b""
    try:
        output = b"".join(_until(stream.read, _REPORT_LIMIT))
    finally:
        guard.cancel()
        stream.dispose()
    if not output:
        raise SandboxUnavailable("no box can be made", f"a program executed in a pod fails: {stream.ending()}")
    return output


def _until(read: Callable[[], bytes], limit: int) -> Iterator[bytes]:
    size = 0
    while size < limit:
        try:
            part = read()
        except OSError:
            return
        if not part:
            return
        size += len(part)
        yield part
