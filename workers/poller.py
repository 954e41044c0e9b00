"""Asks GitHub which deliveries it could not hand over, and has them delivered again.

GitHub never redelivers on its own and keeps its log for three days; a redelivery has the same id, so the inbox takes
what it has already for what it is. https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from datetime import UTC, datetime, timedelta

import structlog

from forges.github import ForgeError, ForgeUnavailable, GitHubApp, RateLimited
from store import deliveries, duties
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

KEPT_BY_GITHUB = timedelta(days=3)
# A delivery that is on its way when the log is read shows up late: the next look begins a little before this one.
OVERLAP = timedelta(minutes=5)
REDELIVERIES_AT_MOST = 5
MARK = "github:deliveries"


class Poller:
    """One turn compares GitHub's delivery log with the inbox since the last turn."""

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop, self._app = workshop, app
        self._asked: dict[str, int] = {}

    def turn(self) -> int:
        """Asks for everything that is missing in the inbox; returns how many redeliveries were asked for."""
        now = datetime.fromtimestamp(self._workshop.clock(), UTC)
        try:
            missing = self._missing(self._since(now))
            for guid, attempt in missing.items():
                self._ask(guid, attempt)
        except ForgeError as error:
            log.warning("missing deliveries could not be asked for", error=str(error))
            return 0
        # The mark stays behind what is still missing, so that it is looked for again.
        if not missing:
            with self._workshop.database.write() as session:
                duties.set_mark(session, MARK, (now - OVERLAP).isoformat())
        return len(missing)

    def _ask(self, guid: str, attempt: int) -> None:
        """Asks for one. A refusal uses up a try and leaves the others theirs; an outage ends the turn and uses none."""
        try:
            self._app.deliveries.redeliver(attempt)
        except (ForgeUnavailable, RateLimited):
            raise
        except ForgeError as refusal:
            log.warning("redelivery refused", delivery=guid, error=str(refusal))
        else:
            log.info("redelivery asked for", delivery=guid)
        self._asked[guid] = self._asked.get(guid, 0) + 1

    def _since(self, now: datetime) -> datetime:
        with self._workshop.database.read() as session:
            mark = duties.mark(session, MARK)
        oldest = now - KEPT_BY_GITHUB
        return oldest if mark is None else max(oldest, datetime.fromisoformat(mark))

    def _missing(self, since: datetime) -> dict[str, int]:
        """The newest attempt of every delivery the inbox does not hold, whatever GitHub says became of it: an answer
        of 200 before a lost write looks fine from there."""
        newest: dict[str, int] = {}
        for attempt in sorted(self._app.deliveries.since(since), key=lambda one: one.id):
            newest[attempt.guid] = attempt.id
        with self._workshop.database.read() as session:
            known = deliveries.known(session, "github", str(self._app.app_id), list(newest))
        return {
            guid: attempt
            for guid, attempt in newest.items()
            if guid not in known and self._asked.get(guid, 0) < REDELIVERIES_AT_MOST
        }
