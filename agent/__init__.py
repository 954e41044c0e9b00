"""The engineer: one window (a model conversation with tools) for each phase of work on a ticket.

`run_phase` runs a window to its end from wherever its journal ends; the `Bench` it is given holds the machine, the
models, the journal and the budget. The room knows nothing of GitHub, Celery or the database.
"""

from agent.brief import Annotation, Brief, Failure, Quote, ReviewComment, Ticket
from agent.contract import Bench, BudgetExhausted, ExitStatus, Ledger, Limits, Note, Phase, PhaseResult
from agent.journal import Entry, Journal, Observed, from_json, to_json
from agent.loop import run_phase
from agent.model import CallPolicy, ModelClient
from agent.prices import ModelSpec, Price, PriceUnknown

__all__ = [
    "Annotation",
    "Bench",
    "Brief",
    "BudgetExhausted",
    "CallPolicy",
    "Entry",
    "ExitStatus",
    "Failure",
    "Journal",
    "Ledger",
    "Limits",
    "ModelClient",
    "ModelSpec",
    "Note",
    "Observed",
    "Phase",
    "PhaseResult",
    "Price",
    "PriceUnknown",
    "Quote",
    "ReviewComment",
    "Ticket",
    "from_json",
    "run_phase",
    "to_json",
]
