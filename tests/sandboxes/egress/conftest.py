"""Servers on this machine that stand for the internet, and boxes that may reach some of them."""

import contextlib
import http.server
import ipaddress
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandboxes import Box, SandboxSpec
from sandboxes.contract import Backend
from tests.sandboxes.conftest import bubblewrap, each, new_name
from tests.sandboxes.docker_engine import docker
from tests.sandboxes.kubernetes_cluster import kubernetes

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
BIG = bytes(range(256)) * 4096 * 20  # 20 MiB


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = BIG if self.path == "/big" else f"{self.headers['Host']} {self.path}".encode()
        self._send(body)

    def do_POST(self) -> None:
        got = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(str(sum(got)).encode())

    def _send(self, body: bytes) -> None:
        self.server.seen.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    """A server, the requests it saw, and for TLS the certificate its clients are to trust."""

    port: int
    seen: list[str] = field(default_factory=list)
    certificate: bytes = b""


@contextlib.contextmanager
def _serving(context: ssl.SSLContext | None, certificate: bytes = b"") -> Iterator[Site]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    site = Site(server.server_port, certificate=certificate)
    server.seen = site.seen
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def plain_site() -> Iterator[Site]:
    with _serving(None) as site:
        yield site


@pytest.fixture
def tls_site(tmp_path: Path) -> Iterator[Site]:
    """Serves https://localhost with a certificate of its own making."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-days",
            "2",
            *["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:other.localhost"],
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _serving(context, certificate.read_bytes()) as site:
        yield site


@pytest.fixture(params=each(["local-bwrap", "docker-runc", "docker-runsc", "kubernetes"]))
def box_reaching(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Makes boxes that may reach the given destinations; this machine's loopback stands for the internet."""
    if request.param == "local-bwrap":
        backend: Backend = bubblewrap(tmp_path / "state", private=LOOPBACK)
    elif request.param == "kubernetes":
        backend = kubernetes(private=LOOPBACK)
    else:
        backend = docker(request.param.removeprefix("docker-"), private=LOOPBACK)
    with contextlib.ExitStack() as stack:

        def make(*destinations: str) -> Box:
            return stack.enter_context(backend.create(SandboxSpec(network=destinations), name=new_name()))

        yield make
