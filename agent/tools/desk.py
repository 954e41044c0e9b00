"""The desk a window's tools work at: the box, its limits, and where long output goes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.model import Cancelled
from agent.quoting import quote
from sandboxes.contract import Box, CommandResult

if TYPE_CHECKING:
    from agent.language_server import LanguageServers
    from codebase.index import Finder
    from codebase.navigation import Navigator
    from codebase.testing import Chooser

OUTPUT_CHARS = 10_000
_POLL_S = 0.25
_KEEP_S = 30.0
_KEEP = 'd="${TMPDIR:-/tmp}/forgehand/outputs"; mkdir -p "$d" && cat > "$d/$0.txt" && printf %s "$d/$0.txt"'


@dataclass(slots=True)
class Desk:
    """What the tools of one window share. `may_write` says which paths this window's edits may touch; `finder`
    and `navigator` know the tree the window started from."""

    box: Box
    command_seconds: float
    cancelled: Callable[[], bool]
    may_write: Callable[[str], bool] = lambda path: True
    outputs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Numbers for kept outputs; a resumed window counts on, as its conversation names the earlier ones."""
    finder: Finder | None = None
    navigator: Navigator | None = None
    servers: LanguageServers | None = None
    """The language servers in the box, made by the first tool that asks one."""
    chooser: Chooser | None = None
    """Knows the tests of the tree the window started from."""

    def run(self, command: str, timeout: float) -> CommandResult:
        """Runs a shell command (bash where there is one), its standard error joined to its output.

        Watches for cancellation, which closes the box: there is no other way to end a command from outside.
        """
        argv = ["sh", "-c", _SHELL, command]
        results: list[CommandResult] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                results.append(self.box.run(argv, timeout=timeout, env=_ENVIRONMENT))
            except BaseException as error:
                failures.append(error)
            finally:
                done.set()

        threading.Thread(target=work, name="command", daemon=True).start()
        while not done.wait(_POLL_S):
            if self.cancelled():
                self.box.close()
                raise Cancelled
        if failures:
            raise failures[0]
        return results[0]

    def shown(self, text: str, source: str) -> str:
        """`text` as the model sees it: fenced, and where long, its head and tail with a pointer to the whole."""
        if len(text) <= OUTPUT_CHARS:
            return quote(text, source)
        kept = self.box.run(
            ["sh", "-c", _KEEP, str(next(self.outputs))], timeout=_KEEP_S, stdin=text.encode("utf-8", "replace")
        )
        if kept.exit_code == 0:
            pointer = f"the whole is in {kept.stdout.decode()}; look at parts of it with run (grep -n, sed -n 10,60p)"
        else:
            pointer = f"the whole could not be kept: {kept.stderr.decode('utf-8', 'replace')[:200]}"
        head, tail = text[: OUTPUT_CHARS // 2], text[-OUTPUT_CHARS // 2 :]
        left_out = len(text) - len(head) - len(tail)
        return f"{quote(head, f'{source}, its head')}\n[{left_out:,} characters left out; {pointer}]\n" + quote(
            tail, f"{source}, its tail"
        )


_SHELL = 'exec 2>&1; if command -v bash >/dev/null; then exec bash -c "$0"; else exec sh -c "$0"; fi'
_ENVIRONMENT = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_PROGRESS_BAR": "off",
    "TQDM_DISABLE": "1",
    "NO_COLOR": "1",
}
