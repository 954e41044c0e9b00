"""Moving about one commit: what imports what, where a name is defined, who uses it, what overrides what.

`imports` resolves import statements to files.
"""

from codebase.navigation.imports import import_graph

__all__ = ["import_graph"]
