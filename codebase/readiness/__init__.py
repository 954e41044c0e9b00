"""Is a repository ready for an agent? Eight kinds of validation, each with evidence and what to do next.

`report` is pure over facts and files of one commit. A kind is `enforced` only where a line of a CI file that runs for
changes leads to a check of it; the trail from that line is part of the evidence.
"""

from codebase.readiness.assessment import KINDS, Assessment, Kind, Sign, State
from codebase.readiness.code import files_to_read
from codebase.readiness.markdown import as_markdown
from codebase.readiness.report import Report, report

__all__ = ["KINDS", "Assessment", "Kind", "Report", "Sign", "State", "as_markdown", "files_to_read", "report"]
