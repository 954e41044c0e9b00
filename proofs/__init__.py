"""Does the patch do what it says: base and head run in fresh sandboxes, and the evidence is data.

A proof holds the commands, what failed before and passes now, what passed and still passes, what broke, and which of
its own judges (tests, CI, configuration) the patch touched. Results and verdicts are computed here, outside the boxes,
by pure functions; a report without tests is never a pass, and trouble with a box is never a failed test.
"""

from proofs.evidence import CommandRun, Flaky, Outcome, Proof, ReproductionResult, Side, Verdict
from proofs.execution import run_plain
from proofs.exercised import Exercised
from proofs.plan import ProofPlan, Reproduction
from proofs.proving import SetUp, prove
from proofs.rendering import render_markdown, render_summary
from proofs.touched import Kind, classify

__all__ = [
    "CommandRun",
    "Exercised",
    "Flaky",
    "Kind",
    "Outcome",
    "Proof",
    "ProofPlan",
    "Reproduction",
    "ReproductionResult",
    "SetUp",
    "Side",
    "Verdict",
    "classify",
    "prove",
    "render_markdown",
    "render_summary",
    "run_plain",
]
