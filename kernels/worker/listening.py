"""What a candidate is heard doing: those of Python's audit events (PEP 578) for which kernels have no use.

Whose doing it is, the innermost code tells that is not Python's own library. Ours, torch's and whatever else was
installed is nobody's fault; all other code is the candidate's, under whatever name it was compiled: a name is only
taken for an installed file's where the event that ran such text as code is told already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

_EVENTS = frozenset(
    {
        "sys._getframe", "sys._current_frames", "gc.get_objects", "gc.get_referrers", "gc.get_referents",
        "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.fork", "os.exec", "os.posix_spawn",
        "os.kill", "ctypes.dlopen", "sys.setprofile", "sys.settrace", "code.__new__", "function.__new__",
        "ctypes.string_at", "ctypes.cdata", "exec", "import", "object.__setattr__",
    }
)  # fmt: skip
_LIBRARY = os.path.dirname(os.__file__) + os.sep
# What the library does for purposes of its own, and hands on to nobody. Checked against Python 3.11's.
_OWN_USE = {
    "sys._getframe": ("collections/__init__.py", "typing.py", "enum.py", "dataclasses.py", "logging/__init__.py"),
    "exec": ("collections/__init__.py", "typing.py", "inspect.py", "dataclasses.py", "timeit.py"),
}
_IMPORTING = "<frozen importlib"
_MOST_LINES = 10


class _Here(Exception):
    pass


def listen(file: str) -> Callable[[], list[list[Any]]]:
    """Hears from now on; what it gives tells each event with a line of `file`, the candidate's: None where that has no
    part in it but to have left it running.

    All that the hook goes by are its own variables: a module's could be given another value without a word.
    """
    events, importing, most, own_use, of_library = _EVENTS, _IMPORTING, _MOST_LINES, _own_use, _of_library
    installed = tuple(one + os.sep for one in sys.path if one)
    # Each event has room of its own: one that says little, made often, is no way to have another go unheard.
    heard: dict[str, list[int | None]] = {}

    def is_installed(name: str) -> bool:
        return name.startswith(installed) or of_library(name)

    def note(event: str, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        line = frame.f_lineno if frame is not None else None
        lines = heard.setdefault(event, [])
        if line not in lines and len(lines) < most:
            lines.append(line)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event not in events or (event == "object.__setattr__" and args[1] != "__code__"):
            return
        if event == "import" and (args[1] is None or is_installed(str(args[1]))):
            return  # the files of compiled modules are named, and no others
        try:
            raise _Here  # sys._getframe is an event itself
        except _Here as here:
            frame = here.__traceback__.tb_frame.f_back if here.__traceback__ else None
        if event == "exec" and frame is not None and frame.f_code.co_filename.startswith(importing):
            if not isinstance(args[0], CodeType) or is_installed(args[0].co_filename):
                return
            event = "import"
        if own_use(event, frame):
            return
        while frame is not None and of_library(frame.f_code.co_filename):
            if frame.f_code.co_filename.startswith(importing) and event != "import":
                return  # what installed modules do while they are imported
            frame = frame.f_back
        if frame is None or not is_installed(frame.f_code.co_filename):
            note(event, frame)

    sys.addaudithook(hook)
    return lambda: [[event, line] for event, lines in list(heard.items()) for line in list(lines)]


def _own_use(event: str, frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_name == "<lambda>" and _of_library(frame.f_code.co_filename):
        frame = frame.f_back  # logging.currentframe hands the frame on to whoever calls it
    return frame is not None and frame.f_code.co_filename in [_LIBRARY + one for one in _OWN_USE.get(event, ())]


def _of_library(file: str) -> bool:
    if file.startswith("<frozen "):
        return True
    return file.startswith(_LIBRARY) and "site-packages" not in file and "dist-packages" not in file
