"""A box with destinations reaches them, with the programs people use, and nothing else in any way."""

import shutil
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandboxes import Box, SandboxSpec
from sandboxes.contract import BoxLost
from tests.sandboxes.conftest import bubblewrap, new_name
from tests.sandboxes.egress.conftest import BIG, Site

Reaching = Callable[..., Box]

# The names of these tests are localhost, for which no program asks a proxy unless it is told to.
ALWAYS = {"NO_PROXY": "", "no_proxy": ""}
GET = """
import sys, urllib.request, urllib.error
try:
    with urllib.request.urlopen(sys.argv[1], timeout=20) as answer:
        sys.stdout.buffer.write(answer.read())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError as error:
    print("failed", error)
"""
RAW = """
import socket, sys
with socket.create_connection(("127.0.0.1", 3128), 20) as s:
    s.sendall(sys.stdin.buffer.read())
    s.settimeout(20)
    while data := s.recv(65536):
        sys.stdout.buffer.write(data)
"""


def get(box: Box, url: str, **env: str) -> bytes:
    ran = box.run(["python3", "-c", GET, url], timeout=60, env=ALWAYS | env, output_limit=64 << 20)
    assert ran.exit_code == 0, ran.stderr.decode()
    return ran.stdout


def raw(box: Box, sent: bytes) -> bytes:
    return box.run(["python3", "-c", RAW], timeout=60, stdin=sent).stdout


def test_a_plain_destination(box_reaching: Reaching, plain_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    assert get(box, f"http://localhost:{plain_site.port}/a?b") == f"localhost:{plain_site.port} /a?b".encode()


def test_a_tls_destination_end_to_end(box_reaching: Reaching, tls_site: Site) -> None:
    box = box_reaching(f"localhost:{tls_site.port}")
    box.write("ca.pem", tls_site.certificate)
    assert get(box, f"https://localhost:{tls_site.port}/x", SSL_CERT_FILE="/work/ca.pem").endswith(b" /x")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("box_reaching", ["local-bwrap"], indirect=True)  # the test image has no curl
def test_curl_uses_it_without_being_told(box_reaching: Reaching, plain_site: Site, tls_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}", f"localhost:{tls_site.port}")
    box.write("ca.pem", tls_site.certificate)
    for url in (f"http://localhost:{plain_site.port}/c", f"https://localhost:{tls_site.port}/c"):
        ran = box.run(["curl", "-sS", "--cacert", "ca.pem", url], timeout=60, env=ALWAYS)
        assert ran.stdout.endswith(b" /c"), ran.stderr


def test_much_in_both_directions(box_reaching: Reaching, plain_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    began = time.monotonic()
    assert get(box, f"http://localhost:{plain_site.port}/big") == BIG
    print(f"{len(BIG) / (time.monotonic() - began) / 1e6:.0f} MB/s down")
    body = bytes(range(256)) * 4096 * 4
    head = f"POST http://localhost:{plain_site.port}/up HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert raw(box, head + body).endswith(str(sum(body)).encode())


def test_many_at_once(box_reaching: Reaching, plain_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    script = f"""
import concurrent.futures, urllib.request
def one(n):
    return urllib.request.urlopen("http://localhost:{plain_site.port}/%d" % n, timeout=50).read().split(b"/")[-1]
with concurrent.futures.ThreadPoolExecutor(30) as pool:
    print(sorted(map(int, pool.map(one, range(90)))) == list(range(90)))
"""
    ran = box.run(["python3", "-c", script], timeout=100, env=ALWAYS)
    assert ran.stdout == b"True\n", ran.stderr.decode()[-2000:]


@pytest.mark.parametrize(
    "url",
    ["http://localhost:{other}/", "http://127.0.0.1:{port}/", "http://other.localhost:{port}/", "http://[::1]:{port}/"],
)
def test_other_destinations_are_refused(url: str, box_reaching: Reaching, plain_site: Site, tls_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    answer = get(box, url.format(port=plain_site.port, other=tls_site.port))
    assert answer.startswith(b"403 forgehand: ")
    assert b"not among the destinations" in answer
    assert plain_site.seen == tls_site.seen == []


def test_a_tunnel_for_another_name_is_refused(box_reaching: Reaching, tls_site: Site) -> None:
    """The server would answer: only the greeting's name tells that it is for something else."""
    box = box_reaching(f"localhost:{tls_site.port}")
    script = f"""
import socket, ssl
s = socket.create_connection(("127.0.0.1", 3128), 20)
s.sendall(b"CONNECT localhost:{tls_site.port} HTTP/1.1\\r\\n\\r\\n")
assert b" 200 " in s.recv(4096)
context = ssl._create_unverified_context()
try:
    context.wrap_socket(s, server_hostname="other.localhost")
    print("through")
except (ssl.SSLError, OSError) as error:
    print("refused")
"""
    assert box.run(["python3", "-c", script], timeout=60).stdout == b"refused\n"
    assert tls_site.seen == []


def test_a_second_request_does_not_ride_on_the_first(box_reaching: Reaching, plain_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    one = f"GET http://localhost:{plain_site.port}/one HTTP/1.1\r\n\r\n".encode()
    two = b"GET /two HTTP/1.1\r\nHost: elsewhere\r\n\r\n"
    assert b"/one" in raw(box, one + two)
    assert plain_site.seen == ["/one"]


def test_private_addresses_are_refused_unless_named(tmp_path: Path, plain_site: Site) -> None:
    backend = bubblewrap(tmp_path / "state")
    with backend.create(SandboxSpec(network=(f"localhost:{plain_site.port}",)), name=new_name()) as box:
        assert b"not a public address" in get(box, f"http://localhost:{plain_site.port}/")
    assert plain_site.seen == []


def test_a_name_that_does_not_resolve(box_reaching: Reaching) -> None:
    assert get(box_reaching("nowhere.invalid:80"), "http://nowhere.invalid/").startswith(b"502 ")


def test_there_is_no_other_way_out(box_reaching: Reaching, plain_site: Site) -> None:
    box = box_reaching(f"localhost:{plain_site.port}")
    script = f"""
import os, socket
print(sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else "no sysfs")
for family, address in ((socket.AF_INET, ("127.0.0.1", {plain_site.port})), (socket.AF_INET, ("8.8.8.8", 53)),
                        (socket.AF_INET6, ("2001:4860:4860::8888", 53))):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(family, kind)
        s.settimeout(5)
        try:
            s.connect(address)
            s.send(b"x")
            print("reached" if kind == socket.SOCK_STREAM else s.recv(10), address)
        except OSError as error:
            pass
try:
    print("resolved", socket.getaddrinfo("pypi.org", 443))
except OSError:
    print("no names")
"""
    assert b"reached" not in (out := box.run(["python3", "-c", script], timeout=60).stdout), out
    assert out.endswith(b"no names\n")


def test_a_server_that_is_slow_and_a_client_that_does_not_read(box_reaching: Reaching, plain_site: Site) -> None:
    """Neither holds up the box, nor what the host keeps in memory."""
    box = box_reaching(f"localhost:{plain_site.port}")
    script = f"""
import socket, time
s = socket.create_connection(("127.0.0.1", 3128), 20)
s.sendall(b"GET http://localhost:{plain_site.port}/big HTTP/1.1\\r\\n\\r\\n")
time.sleep(3)
"""
    waiting = threading.Thread(target=lambda: box.run(["python3", "-c", script], timeout=60))
    waiting.start()
    began = time.monotonic()
    assert get(box, f"http://localhost:{plain_site.port}/quick").endswith(b"/quick")
    assert time.monotonic() - began < 3
    waiting.join()


def test_connections_end_with_the_box(box_reaching: Reaching) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        port = server.getsockname()[1]
        box = box_reaching(f"localhost:{port}")
        hold = (
            "import socket, time; s = socket.create_connection(('127.0.0.1', 3128)); "
            f"s.sendall(b'CONNECT localhost:{port} HTTP/1.1\\r\\n\\r\\nhello'); time.sleep(60)"
        )
        running = pool.submit(box.run, ["python3", "-c", hold], timeout=100)
        reached, _ = server.accept()
        with reached:
            assert reached.recv(5) == b"hello"
            box.close()
            with pytest.raises(BoxLost):
                running.result(10)
            reached.settimeout(10)
            assert reached.recv(5) == b""
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("egress-") for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a thread of a closed box goes on"
        time.sleep(0.05)
