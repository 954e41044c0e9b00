"""Deliveries that come five times and out of order, or whose answer GitHub never gets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from store import Stage, deliveries
from tests.end_to_end.chaos_house import ChaosHouse, chaos_house
from tests.end_to_end.once import check_once


def test_everything_five_times_and_out_of_order(tmp_path: Path) -> None:
    with chaos_house(tmp_path) as chaos:
        chaos.house.twin.controls().knobs(copies=5, shuffle=5, seed=7)
        chaos.assign()
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.review()
        chaos.wait_stage(Stage.REVISING)
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.merge_and_finish()
        assert chaos.house.twin.postman.wait_idle(20)
        chaos.house.wait("every delivery is settled", lambda: pending(chaos) == 0)
        check_once(chaos, replies=2)
        sent, kept = len(chaos.house.twin.postman.log), stored(chaos)
        print(f"{sent} deliveries sent, {kept} kept")
        assert sent == 5 * kept


class Between:
    """Stands between GitHub and the web; while `lost` is set the web gets what is sent and its answer is lost."""

    def __init__(self, web: str) -> None:
        self.lost, self.reached = threading.Event(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                lost = outer.lost.is_set()
                try:
                    status = httpx.post(
                        f"{web}/webhooks/github", content=body, headers=headers, timeout=10, trust_env=False
                    ).status_code
                except httpx.TransportError:
                    status = 502
                if lost:
                    outer.reached.set()
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/github"


@contextmanager
def between(chaos: ChaosHouse) -> Iterator[Between]:
    standing = Between(chaos.house.web_url)
    thread = threading.Thread(target=standing.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    chaos.house.twin.controls().hook(standing.url)
    try:
        yield standing
    finally:
        standing.server.shutdown()
        thread.join()
        standing.server.server_close()


def test_the_web_is_killed_between_commit_and_answer(tmp_path: Path) -> None:
    """First it stores and cannot say so; then it is away altogether. GitHub is asked for what the inbox lacks."""
    with chaos_house(tmp_path) as chaos, between(chaos) as way:
        way.lost.set()
        chaos.assign()
        chaos.wait("the delivery is stored and its answer lost", way.reached.is_set)
        chaos.kill("web")
        way.lost.clear()
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.house.processes["web"].kill()
        chaos.house.processes["web"].wait()
        chaos.review()
        assert chaos.house.twin.postman.wait_idle(20)
        chaos.house.start("web")
        chaos.wait_stage(Stage.REVISING)
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.merge_and_finish()
        check_once(chaos, replies=2)


def pending(chaos: ChaosHouse) -> int:
    with chaos.house.database.read() as session:
        return deliveries.counts(session).get("pending", 0)


def stored(chaos: ChaosHouse) -> int:
    with chaos.house.database.read() as session:
        return sum(deliveries.counts(session).values())
