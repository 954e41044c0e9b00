"""Prose about a repository's parts, by a model from lines it is shown; each sentence is checked before it is published.

`prompting` says what the author is told, `describing` asks once for each part and drops what its citations do not
show, `shelf` keeps what was said, so that a part whose lines did not change is not paid for again.
"""

from agent.describing.describing import Author, Described, describe
from agent.describing.shelf import Shelf

__all__ = ["Author", "Described", "Shelf", "describe"]
