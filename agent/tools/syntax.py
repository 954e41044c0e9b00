"""Does a file still parse? Asked before an edit is written, so that a slip is refused instead of saved."""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
from pathlib import PurePosixPath


def broken(path: str, text: str) -> str | None:
    """What is wrong with `text` as the file `path`, with its line; None when it parses or its kind is not checked.

    Python is checked with this interpreter's grammar (3.11 at least); a newer grammar is the caller's to ask about.
    """
    try:
        match PurePosixPath(path).suffix:
            case ".py" | ".pyi":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # SyntaxWarning: about the code's taste, not its grammar
                    ast.parse(text)
            case ".json":
                json.loads(text)
            case ".toml":
                tomllib.loads(text)
    except SyntaxError as error:
        line = (
            text.splitlines()[error.lineno - 1].strip() if error.lineno and error.lineno <= text.count("\n") + 1 else ""
        )
        return f"{error.msg} at line {error.lineno}: {line[:120]!r}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{error}"[:300]
    return None
