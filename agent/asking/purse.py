"""What a question outside of any task may cost, and its record, both in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from agent.contract import BudgetExhausted
from agent.journal import Entry
from sandboxes.contract import FileChange


@dataclass
class Purse:
    """A ledger (`agent.contract.Ledger`) for one question. `usd` 0: no limit in money."""

    usd: Decimal
    tokens: int
    _held: dict[str, tuple[Decimal, int]] = field(default_factory=dict)

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        others = [held for name, held in self._held.items() if name != key]
        if self.usd and sum((one[0] for one in others), usd) > self.usd:
            raise BudgetExhausted(f"the question's money ({self.usd} USD)")
        if sum((one[1] for one in others), tokens) > self.tokens:
            raise BudgetExhausted(f"the question's tokens ({self.tokens:,})")
        self._held[key] = usd, tokens

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        self._held[key] = usd, tokens

    @property
    def spent(self) -> tuple[Decimal, int]:
        """US dollars and tokens so far."""
        values = self._held.values()
        return sum((usd for usd, _ in values), Decimal(0)), sum(tokens for _, tokens in values)


@dataclass
class Notes:
    """A journal (`agent.journal.Journal`) that lasts as long as the process."""

    _entries: dict[str, list[Entry]] = field(default_factory=dict)

    def load(self, window: str) -> list[Entry]:
        return list(self._entries.get(window, ()))

    def append(self, window: str, entry: Entry, changes: Mapping[str, FileChange] | None) -> None:
        self._entries.setdefault(window, []).append(entry)
