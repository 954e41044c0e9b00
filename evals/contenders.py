"""The two servers the intake benchmark compares, each a process of its own pinned to one core."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

PROBOT = "probot@14"
SERVER_CORE, LOAD_CORE = "0", "1"
START_DEADLINE_S = 60.0
HERE = Path(__file__).parent
SERVE = "from app.server import serve; from settings import load_settings; serve(load_settings(service='web'))"


class CannotMeasure(Exception):
    """Something the benchmark needs is not here. The message says what to do."""


def program(name: str, remedy: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CannotMeasure(f"{name} is not installed: {remedy}")
    return found


class Server:
    """A started process that listens on `port`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.log = log
        pinned = [program("taskset", "it is part of util-linux"), "-c", SERVER_CORE, *argv]
        with log.open("wb") as output:
            self.process = subprocess.Popen(pinned, env=dict(env), stdout=output, stderr=output)

    def wait_until_up(self, path: str) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                self.get(path)
                return
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise CannotMeasure(f"{self.process.args!r} did not start:\n{self.log.read_text()}") from None
                time.sleep(0.05)  # programs of others: none of them says when it listens, so one asks again

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def cpu_s(self) -> float:
        """Seconds of processor time used so far, by all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_forgehand(folder: Path, secret: str) -> Server:
    """Our web process on a new SQLite database in `folder`."""
    folder.mkdir(parents=True)
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("FORGEHAND_")} | {
        "FORGEHAND_STATE_DIR": str(folder),
        "FORGEHAND_PORT": str(port),
        "FORGEHAND_GITHUB_APP_ID": "7",
        "FORGEHAND_GITHUB_WEBHOOK_SECRETS": secret,
        "PYTHONPATH": str(HERE.parent),
    }
    server = Server([sys.executable, "-c", SERVE], env, port, folder / "log")
    server.wait_until_up("/healthz")
    return server


def stored_ids(folder: Path) -> list[str]:
    """The delivery ids in the database a killed server left behind."""
    connection = sqlite3.connect(folder / "forgehand.db")
    try:
        return [row[0] for row in connection.execute("SELECT delivery_id FROM deliveries")]
    finally:
        connection.close()


def install_probot() -> Path:
    """The folder Probot is installed in; npm fetches it there the first time."""
    folder = Path.home() / ".cache" / "forgehand" / "npm" / "probot"
    if not (folder / "node_modules" / "probot").is_dir():
        npm = program("npm", "install Node.js 20 or newer, or leave Probot out with --without-probot")
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, PROBOT],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CannotMeasure(f"npm could not install {PROBOT}; try again or use --without-probot:\n{done.stderr}")
    return folder


def start_probot(folder: Path, secret: str) -> Server:
    """Probot in Node.js with a handler that counts."""
    node = program("node", "install Node.js 20 or newer, or leave Probot out with --without-probot")
    folder.mkdir(parents=True)
    port = free_port()
    env = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret, "NODE_ENV": "production"}
    argv = [node, str(HERE / "probot_counter.mjs"), str(install_probot()), str(port)]
    server = Server(argv, env, port, folder / "log")
    server.wait_until_up("/count")
    return server
