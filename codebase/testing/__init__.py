"""Which tests exercise a change, told from the code alone, each with its reasons: `TestMap(...).select(edits)`.

A change is a list of edits on the lines of its base, from a diff or from two contents of a file.
"""

from codebase.testing.conventions import is_test
from codebase.testing.edits import Edit, NotADiff, compare, read_diff
from codebase.testing.mapping import TestMap
from codebase.testing.running import commands_for
from codebase.testing.selection import Reason, Selected, Selection

__all__ = [
    "Edit",
    "NotADiff",
    "Reason",
    "Selected",
    "Selection",
    "TestMap",
    "commands_for",
    "compare",
    "is_test",
    "read_diff",
]
