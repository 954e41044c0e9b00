"""A proof for people: Markdown for a pull request or a check run, and one line. Output of the box is fenced, inert."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from proofs.evidence import CommandRun, Proof

MAX_MARKDOWN = 60_000  # GitHub: a comment and a check run's text hold 65,535 characters
_MAX_ROWS = 25
_MAX_FOLDED = 200
_TAIL_SHOWN = 1500
_WORDS = {
    "proven": "Proven",
    "unproven": "Not proven",
    "regressed": "Regression",
    "no_tests": "No tests",
    "could_not_run": "Could not be run",
}


def code(text: str) -> str:
    """`text` as an inline code span that nothing in it can end: safe in a table, no mention or link comes alive."""
    line = " ".join(text.split()).replace("|", "\\|") or " "
    runs = [len(run) for run in re.findall(r"`+", line)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def plain(text: str) -> str:
    """`text` as running text in which no Markdown, HTML, mention or issue number comes alive."""
    escaped = re.sub(r"([\\`*_{}\[\]()+.!|~-])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", escaped)


def fenced(text: str) -> str:
    """`text` as a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def render_summary(proof: Proof) -> str:
    """One line, plain text: verdict, numbers, isolation."""
    counts = proof.counts
    parts = [f"{counts.get('fixed', 0)} fixed", f"{counts.get('kept', 0)} kept", f"{counts.get('broken', 0)} broken"]
    if proof.reproduction:
        before = "fails" if proof.reproduction.failed_before else "does not fail"
        after = "passes" if proof.reproduction.after.passed else "does not pass"
        parts.append(f"reproduction {before} on base and {after} on head")
    return f"{_WORDS[proof.verdict]}: {', '.join(parts)} (isolation: {proof.isolation})"


def render_markdown(proof: Proof) -> str:
    """The whole proof as GitHub Markdown of at most 60,000 characters; outputs are left out first when it is longer."""
    text = _render(proof, with_output=True)
    if len(text) > MAX_MARKDOWN:
        text = _render(proof, with_output=False)
    if len(text) > MAX_MARKDOWN:
        text = "\n\n".join((*_head(proof), "_The lists are too long to show here; the JSON form has them._"))
    return text


def _render(proof: Proof, *, with_output: bool) -> str:
    parts = _head(proof)
    if proof.reproduction:
        shown = proof.reproduction
        parts.append("#### Reproduction")
        parts.append(_table(("on", "result", "seconds"), [_row(shown.before), _row(shown.after)]))
        parts.append(f"Command: {code(shown.command[:400])}")
        parts += _outputs((shown.before, shown.after)) if with_output else []
    if proof.commands:
        parts.append("#### Commands")
        rows = [(code(run.command[:200]), *_row(run), _counts(run)) for run in proof.commands[:_MAX_ROWS]]
        parts.append(_table(("command", "on", "result", "seconds", "tests"), rows))
        parts += _outputs([run for run in proof.commands if not run.passed]) if with_output else []
    parts += _test_lists(proof)
    parts += _exercised(proof)
    parts += _touched(proof)
    notes = dict.fromkeys((*proof.notes, *(note for run in proof.commands for note in run.notes)))
    if notes:
        parts.append("#### Notes\n\n" + "\n".join(f"- {plain(note[:400])}" for note in list(notes)[:_MAX_ROWS]))
    return "\n\n".join(parts) + "\n"


def _head(proof: Proof) -> list[str]:
    where = {
        "none": "**without isolation: a plain process on the worker's machine**",
        "not used": "not used",
    }.get(proof.isolation, proof.isolation)
    return [
        f"### {_WORDS[proof.verdict]}",
        plain(proof.reason[:600]),
        f"Base {code(proof.base_sha[:12])}, head {code(proof.head_sha[:12])}; fresh sandboxes: {where}.",
    ]


def _row(run: CommandRun) -> tuple[str, str, str]:
    result = run.outcome.replace("_", " ")
    if run.outcome == "completed":
        result = "passed" if run.exit_code == 0 else f"failed (status {run.exit_code})"
    return run.side, result, f"{run.seconds:.1f}"


def _counts(run: CommandRun) -> str:
    return ", ".join(f"{number} {status}" for status, number in run.counts.items() if number) or "none read"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(heads), " | ".join("---" for _ in heads), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _outputs(runs: Iterable[CommandRun]) -> list[str]:
    return [
        _folded(f"Output on {run.side}", fenced(run.tail[-_TAIL_SHOWN:]))
        for run in list(runs)[:6]
        if run.tail.strip()
    ]  # fmt: skip


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _test_lists(proof: Proof) -> list[str]:
    lists = (
        ("Broken: passed on base, fails on head", "broken", proof.broken),
        ("Fixed: failed on base, passes on head", "fixed", proof.fixed),
        ("Failing on both", "still_failing", proof.still_failing),
        ("Skipped on head, ran on base", "newly_skipped", proof.newly_skipped),
        ("On base only", "vanished", proof.vanished),
        ("On head only", "new", tuple(f"{test} ({status})" for test, status in proof.new.items())),
        ("Flaky: failed on head, then passed", "flaky", tuple(
            f"{flaky.test} ({flaky.first}, then {flaky.second})" for flaky in proof.flaky)),
        ("Kept: passed on base, passes on head", "kept", proof.kept),
    )  # fmt: skip
    shown = [(title, proof.counts.get(name, len(tests)), tests) for title, name, tests in lists if tests]
    if not shown:
        return []
    parts = ["#### Tests", _table(("", "tests"), [(title, str(number)) for title, number, _ in shown])]
    for title, number, tests in shown:
        lines = [f"- {code(test)}" for test in tests[:_MAX_FOLDED]]
        if number > len(lines):
            lines.append(f"- and {number - len(lines)} more")
        parts.append(_folded(title, "\n".join(lines)))
    return parts


def _exercised(proof: Proof) -> list[str]:
    """Beside each changed file the tests that exercise it: for people, so that a green run of other tests shows."""
    if not proof.exercised:
        return []
    rows = []
    for one in proof.exercised[:_MAX_ROWS]:
        named = ", ".join(code(test[:160]) for test in one.tests[:5]) + (" ..." if len(one.tests) > 5 else "")
        ran = ", ".join(f"{number} {status}" for status, number in one.counts.items())
        unsaid = "no result names them" if one.tests else ""
        rows.append((code(one.path[:160]), named or "no test exercises it", ran or unsaid))
    left_out = len(proof.exercised) - len(rows)
    said = "Read off the code of the base, not measured; the verdict does not depend on it."
    more = f" {left_out} more files are left out." if left_out else ""
    return ["#### Tests of the changed code", said + more, _table(("changed", "exercised by", "on head"), rows)]


def _touched(proof: Proof) -> list[str]:
    rows = [
        (
            kind,
            str(len(paths)),
            ", ".join(code(path[:160]) for path in paths[:10]) + (" ..." if len(paths) > 10 else ""),
        )
        for kind, paths in proof.touched.items()
        if paths
    ]
    return ["#### Files of the patch", _table(("kind", "files", "paths"), rows)] if rows else []
