"""The web service as a process of its own, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app.serving import NEW_SECRET, SECRET

SERVE = "from app.server import serve; from settings import load_settings; serve(load_settings(service='web'))"
# Dies with the rows committed and nobody told.
DIE_BEFORE_THE_ANSWER = (
    "import os, signal, store.inbox; store.inbox._answer = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
)
ROOT = Path(__file__).parents[2]


class Web:
    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log
        self.client = httpx.Client(base_url="http://127.0.0.1:0", timeout=20)

    def wait_until_up(self) -> None:
        """Reads the port it chose from its log, as `port=0` lets the system choose."""
        deadline = time.monotonic() + 30
        while True:
            said = self.log.read_text()
            if "running on http://127.0.0.1:" in said:
                port = said.split("running on http://127.0.0.1:")[1].split(" ")[0]
                self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
                return
            assert self.process.poll() is None, f"the web process ended:\n{said}"
            assert time.monotonic() < deadline, f"the web process did not start:\n{said}"
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


@contextmanager
def web_process(url: str, folder: Path, *, before: str = "") -> Iterator[Web]:
    """`before`: Python run in the process before it serves."""
    folder.mkdir(exist_ok=True)
    log = folder / f"log-{time.monotonic_ns()}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("FORGEHAND_")} | {
        "FORGEHAND_DATABASE_URL": url,
        "FORGEHAND_STATE_DIR": str(folder),
        "FORGEHAND_PORT": "0",
        "FORGEHAND_GITHUB_APP_ID": "7",
        "FORGEHAND_GITHUB_WEBHOOK_SECRETS": f"{SECRET},{NEW_SECRET}",
        "PYTHONPATH": str(ROOT),
    }
    setup = "import logging; logging.basicConfig(level='INFO'); "
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", setup + before + SERVE], env=env, stdout=output, stderr=output
        )
    web = Web(process, log)
    try:
        web.wait_until_up()
        yield web
    finally:
        web.client.close()
        if process.poll() is None:
            web.kill()
