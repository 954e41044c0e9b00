"""Which tests exercise a change, told from the code alone, each with its reasons: `TestMap(...).select(edits)`.

A change is a list of edits on the lines of its base, from a diff or from two contents of a file.
"""

from codebase.testing.choosing import Choice, Chooser, build_map
from codebase.testing.conventions import is_support, is_test
from codebase.testing.edits import Edit, NotADiff, compare, read_diff
from codebase.testing.mapping import TestMap
from codebase.testing.running import commands_for, npm_script
from codebase.testing.selection import Reason, Selected, Selection

__all__ = [
    "Choice",
    "Chooser",
    "Edit",
    "NotADiff",
    "Reason",
    "Selected",
    "Selection",
    "TestMap",
    "build_map",
    "commands_for",
    "compare",
    "is_support",
    "is_test",
    "npm_script",
    "read_diff",
]
