"""The network: nothing is reached, by whatever protocol, of the checker's machine, the cluster or the world."""

from __future__ import annotations

import os
import re
import secrets
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..contract import Box, LimitUnenforceable
from .ground import Ground
from .registry import Book, require

checks = Book("network")
Address = tuple[str, int]

# A refusal is an answer, so something was reached, unless it comes from the box's own loopback.
_CONNECT = """
import select
def attempt(address, port, kind):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    own = address.startswith("127.") or address == "::1"
    try: s = socket.socket(family, kind)
    except OSError: return None
    s.settimeout(2)
    with s:
        try:
            s.connect((address, port))
            if kind == socket.SOCK_STREAM: return "connected"
            s.send(bytes.fromhex(args[1])); s.recv(4096)
            return "answered"
        except ConnectionRefusedError: return None if own else "refused, so reached"
        except OSError: return None
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    jobs = [(a, p, k, pool.submit(attempt, a, p, k)) for a, p in args[0]
            for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    found = [f"{a} port {p} {'tcp' if k == socket.SOCK_STREAM else 'udp'} {j.result()}"
             for a, p, k, j in jobs if j.result()]
print(json.dumps(found))
"""
_SERVERS = (22, 53, 80, 443, 2375, 2379, 6443, 10250)
"""What a node or a cluster listens on: ssh, DNS, web, Docker, etcd, the Kubernetes API, kubelet."""
_QUESTION = struct.pack(">HHHHHH", 0x4648, 0x0100, 1, 0, 0, 0) + b"\x09forgehand\x07example\x03com\0" + b"\0\x10\0\x01"
"""A DNS query (RFC 1035) for a TXT record, the kind that tunnels use."""


def unreachable(ground: Ground, targets: Sequence[Address], box: Box | None = None) -> str:
    """Tries TCP and UDP to each; the datagram is a DNS query, so that a resolver would answer it."""
    require(targets, "nothing to try: no address was found on this machine")
    found = ground.ask(box or ground.box, _CONNECT, list(dict.fromkeys(targets)), _QUESTION.hex(), timeout=60)
    require(not found, "; ".join(found[:6]))
    return ", ".join(dict.fromkeys(address for address, _ in targets))


def addresses() -> list[str]:
    """This machine's own addresses, of every interface, from /proc/net/fib_trie and /proc/net/if_inet6."""
    found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", Path("/proc/net/fib_trie").read_text())
    if (six := Path("/proc/net/if_inet6")).exists():
        for line in six.read_text().splitlines():
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0]))
            if not address.startswith("fe80"):  # a link's own address means nothing without the link
                found.append(address)
    return list(dict.fromkeys(found))


def gateways() -> list[str]:
    """The next hops of this machine's routes, from /proc/net/route."""
    lines = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    words = [line[2] for line in lines if line[2] != "00000000"]
    return [socket.inet_ntoa(struct.pack("=I", int(word, 16))) for word in words]


def resolvers() -> list[str]:
    try:
        text = Path("/etc/resolv.conf").read_text()
    except OSError:
        return []
    return re.findall(r"^nameserver\s+([0-9a-fA-F.:]+)", text, re.MULTILINE)


@contextmanager
def listening() -> Iterator[int]:
    """A port on which this process answers on all its addresses, TCP and UDP, version 4 and 6."""
    with ExitStack() as stack:
        port = 0
        for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - being reached is the test
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try:
                    found = stack.enter_context(socket.socket(family, kind))
                    if family == socket.AF_INET6:
                        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    found.bind((everywhere, port))
                except OSError:
                    continue  # no version 6 here
                port = found.getsockname()[1]
                if kind == socket.SOCK_STREAM:
                    found.listen(64)
                else:
                    stack.enter_context(_echoing(found))
        yield port


@contextmanager
def _echoing(server: socket.socket) -> Iterator[None]:
    """Answers datagrams until the end."""
    ended = threading.Event()

    def answer() -> None:
        server.settimeout(0.1)
        while not ended.is_set():
            try:
                data, peer = server.recvfrom(4096)
                server.sendto(data, peer)
            except OSError:
                continue

    thread = threading.Thread(target=answer, name="check-echo", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@checks("the checker's machine is out of reach")
def host(ground: Ground) -> str:
    with listening() as port:
        return unreachable(ground, [(address, port) for address in addresses()])


@checks("the gateways are out of reach")
def gateway(ground: Ground) -> str:
    found = [*gateways(), "172.17.0.1", "10.0.0.1", "192.168.0.1"]
    return unreachable(ground, [(address, port) for address in found for port in (22, 53, 80)])


@checks("what the box's own network is made of is out of reach")
def own_network(ground: Ground) -> str:
    """Its node and its cluster's servers, which the checker's machine need not know."""
    code = """
found = []
for line in open("/proc/net/route").read().splitlines()[1:]:
    words = line.split()
    if words[2] != "00000000": found.append(socket.inet_ntoa(struct.pack("=I", int(words[2], 16))))
try: lines = open("/etc/resolv.conf").read().splitlines()
except OSError: lines = []
found += [line.split()[1] for line in lines if line.startswith("nameserver ")]
found += [os.environ[name] for name in ("KUBERNETES_SERVICE_HOST",) if name in os.environ]
print(json.dumps(sorted(set(found))))
"""
    found = ground.ask(ground.box, code)
    if not found:
        return "it has no gateway and no name server"
    return unreachable(ground, [(address, port) for address in found for port in _SERVERS])


@checks("the world is out of reach")
def world(ground: Ground) -> str:
    return unreachable(ground, ground.destinations.public)


@checks("the cloud's metadata is out of reach")
def metadata(ground: Ground) -> str:
    return unreachable(ground, ground.destinations.metadata)


@checks("the Kubernetes API is out of reach")
def kubernetes(ground: Ground) -> str:
    targets = [(address, port) for address in ("10.96.0.1", "10.43.0.1", "172.20.0.1") for port in (443, 6443)]
    if service := os.environ.get("KUBERNETES_SERVICE_HOST"):
        targets.append((service, int(os.environ.get("KUBERNETES_SERVICE_PORT", "443"))))
    targets += [(address, port) for address in addresses() for port in (6443, 10250, 2379) if "." in address]
    targets = [target for target in targets if not target[0].startswith("127.")]
    return unreachable(ground, targets)


@checks("DNS servers are out of reach")
def dns(ground: Ground) -> str:
    servers = [*resolvers(), "10.96.0.10", *(a for a, port in ground.destinations.public if port == 53)]
    return unreachable(ground, [(server, 53) for server in servers])


@checks("no name is resolved")
def names(ground: Ground) -> str:
    code = """
found = []
for name in args[0]:
    try: found += sorted({f"{name} to {one[4][0]}" for one in socket.getaddrinfo(name, 443)})
    except OSError: pass
print(json.dumps(found))
"""
    tunnel = f"{secrets.token_hex(12)}.{ground.destinations.name}"
    wanted = [ground.destinations.name, "kubernetes.default.svc", tunnel]
    found = ground.ask(ground.box, code, wanted, timeout=120)
    require(not found, f"resolved: {', '.join(found)}")
    return ", ".join(wanted)


@checks("ICMP reaches nothing")
def icmp(ground: Ground) -> str:
    code = """
answered = []
for address in args[0]:
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            s = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
            s.settimeout(1)
            body = b"forgehand"
            packet = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + body + b"\\0"
            total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
            total = (total >> 16) + (total & 0xffff); total += total >> 16
            s.sendto(packet[:2] + struct.pack("!H", ~total & 0xffff) + packet[4:], (address, 0))
            # Loopback hands a raw socket the request as well: only an answer from elsewhere counts.
            for _ in range(3):
                data, peer = s.recvfrom(2048)
                if body in data and data[20 if kind == socket.SOCK_RAW else 0] == 0:
                    answered.append(address); break
        except OSError: continue
print(json.dumps(sorted(set(answered))))
"""
    own = [address for address in addresses() if "." in address and not address.startswith("127.")]
    targets = [*own, *gateways(), *(a for a, _ in ground.destinations.public if "." in a)]
    answered = ground.ask(ground.box, code, targets, timeout=60)
    require(not answered, f"echoes from {', '.join(answered)}")
    return f"no echo from {', '.join(targets)}"


@checks("abstract sockets of the machine are out of reach")
def abstract(ground: Ground) -> str:
    name = f"forgehand-{secrets.token_hex(8)}"
    code = """
s = socket.socket(socket.AF_UNIX)
try: s.connect("\\0" + args[0]); print("true")
except OSError: print("false")
"""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        require(not ground.ask(ground.box, code, name), "a socket of the checker's was reached")
    return "a socket of the checker's"


@checks("raw and packet sockets cannot be had")
def raw(ground: Ground) -> str:
    code = """
had = []
for name, how in (("raw", (socket.AF_INET, socket.SOCK_RAW, 255)), ("packet", (socket.AF_PACKET, socket.SOCK_RAW, 768)),
                  ("raw version 6", (socket.AF_INET6, socket.SOCK_RAW, 58))):
    try: socket.socket(*how).close(); had.append(name)
    except OSError: pass
print(json.dumps(had))
"""
    had = ground.ask(ground.box, code)
    require(not had, f"there are {', '.join(had)} sockets")
    return "raw, packet"


@checks("a destination opens no other way, or is refused")
def destination(ground: Ground) -> str:
    try:
        with ground.new(network=("forgehand.invalid:443",)) as box:
            outside = [*ground.destinations.public, *ground.destinations.metadata]
            return f"allowed, and still out of reach: {unreachable(ground, outside, box)}"
    except LimitUnenforceable as error:
        require(error.limit == "network", f"refused for another limit: {error}")
        return f"refused: {error.why}"
