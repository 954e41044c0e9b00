"""Moving about one commit: what imports what, where a name is defined, who uses and calls it, what overrides what.

`imports` resolves import statements to files, `scope` says what a name means where it stands, `commit` reads no more
of the files than a question needs, `Navigator` answers; `repository_map` draws the whole in few words.
"""

from codebase.navigation.imports import import_graph
from codebase.navigation.navigator import Navigator, NotThere
from codebase.navigation.place import Answer, Certainty, Place

__all__ = ["Answer", "Certainty", "Navigator", "NotThere", "Place", "import_graph"]
