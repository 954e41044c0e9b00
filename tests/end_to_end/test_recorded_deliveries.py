"""Ten thousand recorded deliveries over real HTTP while web and worker are killed: none lost, none doubled."""

import hashlib
import hmac
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from cli.demo_house import House, furnished
from store import deliveries
from store.schema import Delivery

DELIVERIES = 10_000
SEED = 20261120
SENDERS = 8
AGAIN_SHARE = 0.05  # so many are sent twice
KILLS = ("web", "worker", "web", "worker", "web")
SENT_WITHIN_S, SETTLED_WITHIN_S = 100.0, 100.0


@dataclass
class Sender:
    """GitHub's side: signs, sends, and sends again what was not acknowledged."""

    house: House
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    not_acknowledged: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _own: threading.local = field(default_factory=threading.local)
    _clients: list[httpx.Client] = field(default_factory=list)

    def send(self, delivery: str, event: str, body: bytes) -> None:
        """Returns when the delivery is acknowledged."""
        secret = self.house.stage.webhook_secret.encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/0000000",
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-github-hook-id": "1",
            "x-github-hook-installation-target-id": str(self.house.stage.app_id),
            "x-github-hook-installation-target-type": "integration",
            "x-hub-signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        }
        deadline = time.monotonic() + SENT_WITHIN_S
        while time.monotonic() < deadline:
            try:
                status = self._client().post("/webhooks/github", content=body, headers=headers).status_code
            except httpx.TransportError:
                status = 0
            with self._lock:
                self.answers[status] += 1
                if status in (200, 202):
                    self.acknowledged.add(delivery)
                    return
                self.not_acknowledged += 1
            assert status in (0, 503), f"{event} was answered {status}"
            time.sleep(0.1)
        raise AssertionError(f"{delivery} was never acknowledged")

    def _client(self) -> httpx.Client:
        if not hasattr(self._own, "client"):
            self._own.client = httpx.Client(base_url=self.house.web_url, timeout=10, trust_env=False)
            self._clients.append(self._own.client)
        client: httpx.Client = self._own.client
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


def varied(examples: list[tuple[str, dict[str, Any]]], installation: int) -> list[tuple[str, str, bytes]]:
    """Each example as often as it takes, under ids of their own; every second one as if sent to our installation."""
    bodies = []
    for event, payload in examples:
        ours = payload | {"installation": {"id": installation}}
        bodies.append((event, json.dumps(payload).encode()))
        bodies.append((event, json.dumps(ours).encode()))
    return [(str(uuid.uuid4()), *one) for one in itertools.islice(itertools.cycle(bodies), DELIVERIES)]


@pytest.mark.timeout(300)
def test_none_is_lost_or_doubled(tmp_path: Path, webhook_examples: list[tuple[str, dict[str, Any]]]) -> None:
    chance = random.Random(SEED)
    with furnished(tmp_path, overrides={"FORGEHAND_LOG_LEVEL": "warning"}) as house:
        wanted = varied(webhook_examples, house.stage.installation_id)
        letters = wanted + chance.sample(wanted, int(AGAIN_SHARE * DELIVERIES))
        chance.shuffle(letters)
        sender = Sender(house)
        sent = threading.Event()

        def disturb() -> None:
            """Kills when ever another share of the deliveries is acknowledged, at a random moment within it."""
            for number, name in enumerate(KILLS, start=1):
                after = DELIVERIES * (number - chance.random()) / len(KILLS)
                while len(sender.acknowledged) < after and not sent.wait(0.005):
                    pass
                house.kill(name)
                house.start(name)

        began = time.monotonic()
        disturber = threading.Thread(target=disturb)
        disturber.start()
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(lambda letter: sender.send(*letter), letters))
        sent.set()
        disturber.join()
        took = time.monotonic() - began
        sender.close()
        settled = house.wait("every delivery is settled", lambda: not pending(house), within_s=SETTLED_WITHIN_S)
        print(
            f"seed {SEED}: {len(letters)} sent in {took:.1f} s, {sender.not_acknowledged} sent again, "
            f"settled {settled:.1f} s later; answers {dict(sender.answers)}"
        )
        check(house, sender, {delivery for delivery, _, _ in wanted})


def pending(house: House) -> int:
    with house.database.read() as session:
        return deliveries.counts(session).get("pending", 0)


def check(house: House, sender: Sender, wanted: set[str]) -> None:
    with house.database.read() as session:
        ids = Counter(session.scalars(select(Delivery.delivery_id)))
        counts = deliveries.counts(session)
        unexplained = session.scalar(select(func.count()).where(Delivery.outcome.is_(None)))
        failed = set(session.scalars(select(Delivery.outcome).where(Delivery.state == "failed")))
    print(f"states {counts}")
    assert sender.acknowledged == wanted
    assert ids == Counter(dict.fromkeys(wanted, 1)), "each is in the inbox, and once"
    assert sum(counts.values()) == DELIVERIES
    assert unexplained == 0, "and has ended with a reason"
    assert failed == set(), "GitHub's own payloads can all be read"
    assert house.tasks() == [], "nobody has asked for anything"
    for name in house.processes:
        assert "Traceback" not in house.log(name), house.log(name)[-4000:]
