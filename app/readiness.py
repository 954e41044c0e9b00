"""Whether this process can take a delivery in now: it commits a row to find out."""

import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from store.database import Database
from store.duties import set_mark
from store.inbox import InboxWriter
from store.migrating import current_revision, head_revision

# Probes come from anywhere; each look costs a commit, so they share one for this long.
FRESH_S = 1.0
MARK = "readiness"
MIGRATE = "start `forgehand serve` or `forgehand web` of this version, which migrates it first"


class Readiness:
    """`problems()` names what is wrong, by part; empty when ready. Blocks for a commit: call it off the event loop."""

    def __init__(self, database: Database, writer: InboxWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._looking = threading.Lock()
        self._looked_at = float("-inf")
        self._found: dict[str, str] = {}

    def problems(self) -> dict[str, str]:
        with self._looking:
            if self._clock() - self._looked_at >= FRESH_S:
                self._found = self._database_problems()
                self._looked_at = self._clock()
            found = dict(self._found)
        if not self._writer.alive:
            found["writer"] = "the inbox writer is not running: restart the web process"
        return found

    def _database_problems(self) -> dict[str, str]:
        try:
            here, head = current_revision(self._database), head_revision()
            if here != head:
                return {"migrations": f"the database is at {here}, this version needs {head}: {MIGRATE}"}
            with self._database.write() as session:
                set_mark(session, MARK, f"{time.time():.3f}")
        except SQLAlchemyError as error:
            return {"database": f"cannot be written ({type(error).__name__}): see the log of the web process"}
        return {}
