"""A file of Python as a module, from its bytes: the task's or the candidate's, each under a name of its own."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType

from kernels.worker.conversation import Trouble, told

FILE = "/candidate.py"
"""Where a candidate's code says that it stands."""


def load(source: bytes, name: str) -> ModuleType:
    """The module, executed. Its text can be looked up (inspect, tracebacks) though there is no such file. Trouble."""
    file = f"/{name}.py"
    text = source.decode("utf-8", "replace")
    module = ModuleType(name)
    module.__file__ = file
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    sys.modules[name] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - it is what this process is for
    except SyntaxError as error:
        raise Trouble("parse", f"SyntaxError: {error.msg}", error.lineno) from None
    except BaseException as error:
        raise Trouble("load", *told(error, file)) from None
    return module
