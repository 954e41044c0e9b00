"""What an author says about code, checked against the lines the author was shown. What fails is dropped.

`reading` takes a text apart into sentences with their citations, `checking` gives each a verdict. Pure. The check is of
words: that a name, a quotation, a number, a path and a line are really there. That a sentence made of true names says
something true of them no such check can tell, and it is not claimed.
"""

from codebase.citations.checking import KEPT, Claim, Shown, Verdict, check, check_claim, kept
from codebase.citations.reading import Citation, Piece, Sentence, read_sentences

__all__ = [
    "KEPT",
    "Citation",
    "Claim",
    "Piece",
    "Sentence",
    "Shown",
    "Verdict",
    "check",
    "check_claim",
    "kept",
    "read_sentences",
]
