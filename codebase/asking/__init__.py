"""Questions answered from the code alone: whether there is an answer, and which checked statements make it.

`question` reads what is asked, `deciding` says whether enough of it stands in the code, `passages` finds where,
`statements` says only what can be checked letter by letter, and `answering` brings them together. No model.
"""

from codebase.asking.answering import Answer, answer
from codebase.asking.deciding import ENOUGH, Coverage, cover
from codebase.asking.indexed_tree import IndexedTree
from codebase.asking.question import Question, read_question

__all__ = ["ENOUGH", "Answer", "Coverage", "IndexedTree", "Question", "answer", "cover", "read_question"]
