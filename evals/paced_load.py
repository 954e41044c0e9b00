"""An open-loop load: deliveries at fixed times, whether or not earlier ones have been answered.

A program of its own (`python -m evals.paced_load`), so that it never shares a process or a core with what it measures.
Latency counts from the moment a delivery was due, not from when a connection was free to send it: a stall is paid for
by everything that was due meanwhile. It prints one JSON document.
"""

import argparse
import asyncio
import json
import time
import uuid
from collections import Counter, deque
from pathlib import Path
from typing import cast

import httptools
import uvloop

PATH = "/webhooks/github"
ANSWER_DEADLINE_S = 10.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one delivery on it."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.due = 0.0
        self.delivery = ""
        self.transport: asyncio.WriteTransport | None = None
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's are not instances of asyncio's
        self.load.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(self)

    def send(self, due: float, number: int) -> None:
        self.due = due
        self.delivery = str(uuid.uuid4())
        head, body = self.load.requests[number % len(self.load.requests)]
        assert self.transport is not None
        self.transport.write(head + self.delivery.encode() + b"\r\n\r\n" + body)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.load.answered(self, self.parser.get_status_code())
        self.parser = httptools.HttpResponseParser(self)


class Load:
    def __init__(self, requests: list[tuple[bytes, bytes]], rate: float, count: int) -> None:
        self.requests = requests
        self.rate = rate
        self.count = count
        self.free: deque[Connection] = deque()
        self.late: deque[tuple[float, int]] = deque()
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.stored: list[str] = []
        self.broken = 0
        self.finished = asyncio.Event()

    def answered(self, connection: Connection, status: int) -> None:
        self.latencies.append(time.perf_counter() - connection.due)
        self.statuses[status] += 1
        if status == 202:
            self.stored.append(connection.delivery)
        if self.late:
            connection.send(*self.late.popleft())
        else:
            self.free.append(connection)
        if len(self.latencies) + self.broken == self.count:
            self.finished.set()

    def lost(self, connection: Connection) -> None:
        if connection in self.free:
            self.free.remove(connection)
        elif not self.finished.is_set():
            self.broken += 1

    async def run(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: Connection(self), host, port)
        start = time.perf_counter() + 0.1
        for number in range(self.count):
            due = start + number / self.rate
            delay = due - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            if self.free:
                self.free.popleft().send(due, number)
            else:
                self.late.append((due, number))
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            await self.finished.wait()


def read_requests(folder: Path, host: str) -> list[tuple[bytes, bytes]]:
    """Each payload of `folder` as (everything up to the delivery id, the body)."""
    requests = []
    for path in sorted(folder.glob("payload-*.json")):
        body = path.read_bytes()
        signature = path.with_name(path.name.replace("payload", "signature")).with_suffix(".txt").read_text()
        lines = [
            f"POST {PATH} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: GitHub-Hookshot/0000000",
            "Accept: */*",
            "Content-Type: application/json",
            "X-GitHub-Event: issues",
            "X-GitHub-Hook-ID: 1",
            "X-GitHub-Hook-Installation-Target-ID: 7",
            "X-GitHub-Hook-Installation-Target-Type: integration",
            f"X-Hub-Signature-256: {signature}",
            f"Content-Length: {len(body)}",
            "X-GitHub-Delivery: ",
        ]
        requests.append(("\r\n".join(lines).encode(), body))
    return requests


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of them do not pass."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--payloads", type=Path, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()

    async def play() -> Load:
        requests = read_requests(given.payloads, f"127.0.0.1:{given.port}")
        load = Load(requests, given.rate, int(given.rate * given.seconds))
        await load.run("127.0.0.1", given.port, given.connections)
        return load

    load = uvloop.run(play())
    print(
        json.dumps(
            {
                "requests": load.count,
                "p50_ms": percentile(load.latencies, 0.5) * 1e3,
                "p99_ms": percentile(load.latencies, 0.99) * 1e3,
                "max_ms": max(load.latencies) * 1e3,
                "statuses": {str(status): count for status, count in load.statuses.items()},
                "broken": load.broken,
                "stored": load.stored,
            }
        )
    )


if __name__ == "__main__":
    main()
