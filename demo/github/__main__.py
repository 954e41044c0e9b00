"""`python -m demo.github --folder DIR --stage FILE [--port N] [--sample NAME] [--hook-url URL]`: the twin as a process.

Prints one line when it is ready and serves until it gets SIGTERM or SIGINT. FILE (readable by its owner alone) then
holds what a client needs: url, App key, webhook secret, people's tokens. The twin outlives the clients it serves.
"""

import argparse
import signal
import threading
from datetime import timedelta
from pathlib import Path

from demo.github.twin import Twin


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.github", description="A GitHub double on 127.0.0.1.")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for the git repositories")
    parser.add_argument(
        "--stage", type=Path, required=True, help="where to write how to reach the twin (secrets, mode 600)"
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--sample", default="durations")
    parser.add_argument("--hook-url", default=None, help="where the App's webhooks go")
    parser.add_argument("--token-life", type=float, default=3600.0, help="seconds an installation token is good for")
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    twin = Twin(arguments.folder, token_life=timedelta(seconds=arguments.token_life))
    try:
        twin.start(arguments.port)
        stage = twin.furnish(arguments.sample, arguments.hook_url)
        stage.save(arguments.stage)
        print(f"GitHub twin: {twin.url}/{stage.repository}", flush=True)
        ended.wait()
    finally:
        twin.stop()


if __name__ == "__main__":
    main()
