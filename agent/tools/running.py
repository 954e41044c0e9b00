"""Running a command in the box."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agent.tools.desk import Desk
from agent.tools.reading import text_of
from agent.tools.tool import Arguments, Observation, Tool


class RunArguments(Arguments):
    command: str = Field(min_length=1, description="Shell command, run from the repository root.")
    timeout_s: float | None = Field(default=None, gt=0, description="Seconds; the window's own limit stays above it.")


def _run(desk: Desk, arguments: RunArguments) -> Observation:
    timeout = min(arguments.timeout_s or desk.command_seconds, desk.command_seconds)
    result = desk.run(arguments.command, timeout)
    if result.timed_out:
        outcome = f"killed after {timeout:g} s; run less at once, or give a longer timeout_s if it is below the limit"
    elif result.oom:
        outcome = "killed: it needed more memory than the machine has"
    else:
        outcome = f"exit status {result.exit_code}"
    header = f"{outcome}, {result.seconds:.2f} s"
    text, clean = text_of(result.stdout)
    if result.truncated:
        header += f"; the output was {result.stdout_bytes:,} bytes, its middle is lost"
    if not clean:
        header += "; output that is not UTF-8 is shown as \ufffd"
    body = "(no output)" if not text.strip() else desk.shown(text, f"output of {arguments.command}")
    return Observation(
        f"{header}\n{body}",
        ok=result.exit_code == 0,
        command=arguments.command,
        exit_code=result.exit_code,
    )


RUNNING: tuple[Tool[Any], ...] = (
    Tool(
        name="run",
        description="Run a shell command in the repository root: tests, builds, small scripts. There is no network and "
        "no terminal. Each call is a shell of its own; what it leaves running is killed.",
        arguments=RunArguments,
        handler=_run,
        example={"command": "python -m pytest -q tests/test_app.py", "timeout_s": 120},
        may_change=True,
    ),
)
