"""Deliveries GitHub could not make: it never tries again by itself, but it can be asked to, for three days.

https://docs.github.com/en/rest/apps/webhooks (needs the App's own credential, not an installation's)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .issues import when
from .transport import Channel


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt to deliver. A redelivery has another `id` and the same `guid` (the X-GitHub-Delivery header)."""

    id: int
    guid: str
    delivered_at: datetime
    status_code: int
    event: str
    action: str | None
    installation_id: int | None

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status_code < 300


class Deliveries:
    """The App's delivery log."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def since(self, watermark: datetime) -> list[DeliveryAttempt]:
        """Return the attempts made at `watermark` (aware) or later, newest first. GitHub keeps them for three days."""
        attempts: list[DeliveryAttempt] = []
        for body in self._channel.pages("/app/hook/deliveries", limit=100_000):
            attempt = DeliveryAttempt(
                id=body["id"],
                guid=body["guid"],
                delivered_at=when(body["delivered_at"]),
                # 0 when no answer came.
                status_code=body.get("status_code") or 0,
                event=body["event"],
                action=body.get("action"),
                installation_id=body.get("installation_id"),
            )
            if attempt.delivered_at < watermark:
                break
            attempts.append(attempt)
        return attempts

    def redeliver(self, attempt_id: int) -> None:
        """Ask for another attempt, made soon after. Asking twice delivers twice, which the inbox stands."""
        self._channel.post(f"/app/hook/deliveries/{attempt_id}/attempts", {}, repeatable=True)


def undelivered(attempts: Iterable[DeliveryAttempt]) -> list[DeliveryAttempt]:
    """Return, of every delivery that never succeeded, the newest attempt; oldest delivery first."""
    newest: dict[str, DeliveryAttempt] = {}
    succeeded: set[str] = set()
    for attempt in sorted(attempts, key=lambda attempt: (attempt.delivered_at, attempt.id)):
        newest[attempt.guid] = attempt
        if attempt.succeeded:
            succeeded.add(attempt.guid)
    return [attempt for guid, attempt in newest.items() if guid not in succeeded]
