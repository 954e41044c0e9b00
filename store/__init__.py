"""The truth: deliveries, tasks with their leases and event log, inputs, journal, budgets, effects and proofs.

Every function takes an open `Session` and the time, and does one thing in the caller's transaction; `Database` opens
the transactions. A worker's writes name its `Claim`, so that one that lost its lease can write nothing.
"""

from store.database import Database
from store.stages import TERMINAL, IllegalMove, Stage
from store.tasks import Claim, LeaseLost, Limits, NewTask

__all__ = ["TERMINAL", "Claim", "Database", "IllegalMove", "LeaseLost", "Limits", "NewTask", "Stage"]
