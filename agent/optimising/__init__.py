"""A program made faster in turns: a model proposes a file, it is verified, and the model is told what may be told.

`optimise` holds several conversations and goes on with the best; `choosing` says which, and when to stop; what is
verified and how is the caller's (`Verify`), of whose verdicts only `Feedback` comes here. The room knows no kernel.
"""

from agent.optimising.contract import Bounds, Feedback, NotGradable, Outcome, Subject, Try, Verify
from agent.optimising.searching import optimise

__all__ = ["Bounds", "Feedback", "NotGradable", "Outcome", "Subject", "Try", "Verify", "optimise"]
