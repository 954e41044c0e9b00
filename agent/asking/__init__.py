"""A question answered by a model from lines it is shown; what it says is checked before anybody reads it.

`prompting` says what the author is told, `library` what it may look up and is thereby shown, `authoring` holds the
conversation within bounds. Citations are checked by codebase.citations; what fails is dropped.
"""

from agent.asking.authoring import Authored, AuthorLimits, write_answer
from agent.asking.library import Library
from agent.asking.purse import Notes, Purse

__all__ = ["AuthorLimits", "Authored", "Library", "Notes", "Purse", "write_answer"]
