"""The agent's journal and ledger, kept in the database under the task's claim."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from sqlalchemy.orm import Session

from agent.contract import BudgetExhausted
from agent.journal import Entry, from_json, to_json
from sandboxes.contract import ChangeSet
from store import Claim, Database, budgets, journal
from workers.changes import pack
from workers.heartbeat import Heartbeat

NANOS = Decimal(1_000_000_000)


def nanodollars(usd: Decimal) -> int:
    """Whole nanodollars, rounded up: a budget errs on the side of having been used."""
    return int((usd * NANOS).to_integral_value(rounding=ROUND_UP))


@dataclass(frozen=True, slots=True)
class _Settlement:
    key: str
    usd: Decimal
    tokens: int


class Books:
    """A Journal and a Ledger over one task.

    A settlement is written with the next journal entry, in one transaction: a worker killed between them leaves the
    reservation standing, and the same call made again replaces it.
    """

    def __init__(self, database: Database, held: Claim, heartbeat: Heartbeat, clock: Callable[[], float]) -> None:
        self._database, self._held, self._heartbeat, self._clock = database, held, heartbeat, clock
        self._unwritten: list[_Settlement] = []

    def load(self, window: str) -> list[Entry]:
        with self._database.read() as session:
            return [from_json(recorded.entry["json"]) for recorded in journal.load(session, self._held.task_id, window)]

    def append(self, window: str, entry: Entry, changes: ChangeSet | None) -> None:
        packed = None if changes is None else pack(changes)
        with self._database.write() as session:
            journal.append(session, self._held, window, {"json": to_json(entry)}, packed, now=self._clock())
            self._write_settlements(session)
        self._unwritten.clear()

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        self._heartbeat.check()
        try:
            with self._database.write() as session:
                self._write_settlements(session)
                budgets.reserve(
                    session,
                    self._held,
                    key,
                    usd_nanos=nanodollars(usd),
                    tokens=tokens,
                    worked_s=self._heartbeat.uncounted_s,
                    now=self._clock(),
                )
        except budgets.BudgetExhausted as exhausted:
            raise BudgetExhausted(str(exhausted)) from None
        self._unwritten.clear()

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        self._unwritten.append(_Settlement(key, usd, tokens))

    def close(self) -> None:
        """Writes what is still unwritten; the money is spent whoever has the task now."""
        with self._database.write() as session:
            self._write_settlements(session)
        self._unwritten.clear()

    def _write_settlements(self, session: Session) -> None:
        for one in self._unwritten:
            budgets.settle(session, self._held.task_id, one.key, usd_nanos=nanodollars(one.usd), tokens=one.tokens)
