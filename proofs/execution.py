"""One command in one box: started so that its results can be read, and what became of it."""

from __future__ import annotations

import secrets
import shlex

from proofs.evidence import CommandRun, Outcome, Side
from proofs.report import Report, read_report
from proofs.results import count, printable
from sandboxes.contract import Box, CommandResult, SandboxError

OUTPUT_LIMIT = 4 << 20
JUNIT_LIMIT = 32 << 20
TAIL = 4000  # characters
_NO_REPORT = Report("command", {}, False, ())
# Test runners that behave interactively without it; GitHub's runners set it as well.
_ENVIRONMENT = {"CI": "true"}
# Names of passed tests without their output, for a pytest that a command starts out of our sight.
_QUIET_NAMES = "-rfEspxX"


def run_tests(box: Box, side: Side, command: str, timeout: float) -> tuple[CommandRun, Report]:
    """Runs a test command in the box's workspace and reads its results. Never raises for what the box does."""
    # Outside of the workspace, whose files tests may look at; the name cannot be guessed beforehand.
    report_file = f'"${{TMPDIR:-/tmp}}/forgehand-{secrets.token_hex(8)}.xml"'
    watched = with_junit(command, report_file)
    env = _ENVIRONMENT if watched else {**_ENVIRONMENT, "PYTEST_ADDOPTS": _QUIET_NAMES}
    try:
        result = _shell(box, watched or command, timeout, env)
        junit = _take(box, report_file, timeout) if watched else None
    except SandboxError as lost:
        return _lost(side, command, lost), _NO_REPORT
    outcome = _outcome(result)
    report = _NO_REPORT
    if outcome == "completed" and result.exit_code is not None:
        stdout, stderr = (stream.decode("utf-8", "replace") for stream in (result.stdout, result.stderr))
        report = read_report(
            command, result.exit_code, stdout, stderr, junit=junit, truncated=result.truncated
        )  # fmt: skip
    return _record(side, command, outcome, result, report), report


def run_plain(box: Box, side: Side, command: str, timeout: float) -> CommandRun:
    """Runs a command whose exit status says it all: a set-up step or a reproduction."""
    try:
        result = _shell(box, command, timeout, _ENVIRONMENT)
    except SandboxError as lost:
        return _lost(side, command, lost)
    return _record(side, command, _outcome(result), result, _NO_REPORT)


def _shell(box: Box, command: str, timeout: float, env: dict[str, str]) -> CommandResult:
    return box.run(["/bin/sh", "-c", command], timeout=timeout, env=env, output_limit=OUTPUT_LIMIT)


def _take(box: Box, report_file: str, timeout: float) -> bytes | None:
    """The report, None when the command left none or one that is too large. Box.read ends at the workspace's edge."""
    command = ["/bin/sh", "-c", f"cat {report_file}"]
    result = box.run(command, timeout=min(timeout, 60.0), output_limit=JUNIT_LIMIT)
    return result.stdout if result.exit_code == 0 and not result.truncated else None


def _outcome(result: CommandResult) -> Outcome:
    if result.oom:
        return "out_of_memory"
    if result.timed_out or result.exit_code is None:
        return "timed_out"
    if result.exit_code in (126, 127):  # POSIX shells: not executable, not found
        return "not_found"
    missing_runner = any(b"No module named " + name in result.stderr for name in (b"pytest", b"tox", b"nox"))
    if result.exit_code == 1 and missing_runner and b"Traceback" not in result.stderr:
        return "not_found"  # "python3: No module named pytest", which is no failed test
    return "completed"


def _record(side: Side, command: str, outcome: Outcome, result: CommandResult, report: Report) -> CommandRun:
    streams = [printable(stream.decode("utf-8", "replace")).strip() for stream in (result.stdout, result.stderr)]
    tail = "\n".join(stream for stream in streams if stream)[-TAIL:]
    code = result.exit_code if outcome in ("completed", "not_found") else None
    seconds = round(result.seconds, 3)
    return CommandRun(side, command, outcome, code, seconds, report.format, count(report.tests), tail, report.notes)


def _lost(side: Side, command: str, lost: SandboxError) -> CommandRun:
    return CommandRun(side, command, "box_lost", None, 0.0, "command", count({}), "", (printable(str(lost))[:500],))


def with_junit(command: str, report_file: str) -> str | None:
    """`command` with pytest's options for a JUnit report in `report_file`, a shell word. Pure.

    None unless the command plainly ends in pytest: with pipes, redirections, substitutions, comments or ``--`` in it,
    an option appended could end up elsewhere.
    """
    if any(sign in command for sign in "|<>#`$(){}\n\\") or "junit" in command:
        return None
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return None
    last: list[str] = []
    for word in words:
        if set(word) <= set("&;"):
            if word not in ("&&", ";"):
                return None
            last = []
        else:
            last.append(word)
    names = [word.rsplit("/", 1)[-1] for word in last]
    starts = [number for number, name in enumerate(names) if name in ("pytest", "py.test")]
    if not starts or "--" in last or any(name in ("echo", "pip", "install", "grep") for name in names[: starts[0]]):
        return None
    return f"{command} {_QUIET_NAMES} --junitxml={report_file}"
