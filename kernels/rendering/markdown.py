"""A report as Markdown for a check run's output. Pure. What a task's or candidate's text says stands in code spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kernels.rendering.words import code, error, seconds, share, speedup, title

__all__ = ["LONGEST", "summary", "title"]
LONGEST = 60_000
"""Characters. GitHub takes 65,535 (https://docs.github.com/en/rest/checks/runs, `output.summary`)."""
_MOST_ROWS = 40
_MOST_FINDINGS = 30
_MEANING = {
    "faster": "It computes what the reference computes, and is faster.",
    "equal": "It computes what the reference computes, as fast as the baseline.",
    "slower": "It computes what the reference computes, and is slower.",
    "ambiguous": "It computes what the reference computes. Whether it is faster cannot be told from these times.",
    "incorrect": "It does not compute what the reference computes.",
    "reward_hack": "Its process was seen to interfere with being checked.",
    "needs_review": "It computes what the reference computes. What was seen beside that is for a person to judge.",
    "needs_gpu": "It needs a GPU, and was checked as far as that goes without one.",
    "invalid_task": "The task is not worth grading; nothing is said about the candidate.",
    "infra_error": "The machine failed; nothing is said about the candidate.",
    "timing_inconsistent": "The times it tells cannot be true.",
    "implausible_timing": "It would be faster than this machine can be.",
    "policy_violation": "It does what the task does not allow.",
    "compile_error": "It does not compile.",
    "load_error": "It could not be loaded.",
    "launch_error": "It could not be called.",
    "parse_error": "It cannot be read as a candidate.",
    "protocol_error": "Its process said what ours would not say.",
    "timeout": "It did not end in time.",
    "oom": "It needed more memory than it may have.",
}


def summary(document: Mapping[str, Any], *, page: str | None = None) -> str:
    """The whole report, at most `LONGEST` characters: tables lose their last rows first. `page`: the address of the
    page with the chart."""
    for rows in (_MOST_ROWS, 10, 3):
        text = "\n\n".join(one for one in _parts(document, page, rows) if one) + "\n"
        if len(text) <= LONGEST:
            return text
    return f"{_MEANING[document['verdict']]}\n\nThe report is too long to be shown here.\n"


def _parts(document: Mapping[str, Any], page: str | None, rows: int) -> Iterator[str]:
    yield _MEANING[document["verdict"]]
    yield _list(code(one) for one in document["reasons"][:rows])
    if page is not None:
        yield f"[Report with chart]({page})"
    yield _compiled(document.get("compile"), rows)
    yield _without_gpu(document.get("without_gpu"), rows)
    yield _correctness(document.get("correctness"), rows)
    yield _gradients(document.get("gradients"))
    yield _timing(document.get("timing"), document.get("device", "cpu"))
    yield _findings(document, rows)
    yield "\n".join(_facts(document))
    yield f"Do it again:\n\n```sh\n{_one_line(document['repro'])}\n```"


def _compiled(found: Mapping[str, Any] | None, rows: int) -> str:
    if found is None:
        return ""
    if found["errors"]:
        return f"### The compiler says\n\n{_list(code(one) for one in found['errors'][:rows])}"
    lines = [
        (
            code(one["name"], 60),
            code(" ".join(one["flags"]) or "no flags", 120),
            "was there" if one["cached"] else seconds(one["seconds"]),
        )
        for one in found["extensions"][:rows]
    ]
    table = _table(("Extension", "Flags", "Compiled in"), lines) if lines else "Nothing was built."
    return f"### Compiled\n\n{table}"


def _without_gpu(found: Mapping[str, Any] | None, rows: int) -> str:
    if found is None:
        return ""
    lines = [
        (
            code(one["name"], 60),
            code(one["target"]),
            str(one["registers"]),
            f"{one['spilled_bytes']} B",
            f"{one['shared_bytes']} B",
        )
        for one in found["kernels"][:rows]
    ]
    table = _table(("Kernel", "Compiled for", "Registers", "Spilled", "Shared memory"), lines) if lines else ""
    checked = [f"Checked: {code(one)}" for one in found["checked"][:rows]]
    missing = [f"**Not checked**: {code(one)}" for one in found["not_checked"][:rows]]
    parts = ["### Without a GPU", _list([*checked, *missing]), table]
    return "\n\n".join(one for one in parts if one)


def _gradients(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    near = f"error {error(found['error'])}, the reference's own {error(found['native_error'])}"
    return f"Gradients: {found['compared']} compared in {found['cells']} cells, {near}."


def _correctness(found: Mapping[str, Any] | None, rows: int) -> str:
    if found is None:
        return ""
    kinds = found.get("kinds", ())
    table = _table(
        ("Inputs", "Cells right", "Error", "Reference's own error", "Of what is allowed"),
        [
            (
                code(one["inputs"], 120),
                f"{one['passed']} of {one['cells']}",
                error(one["error"]),
                error(one["native_error"]),
                share(one["share_of_allowed"]),
            )
            for one in kinds[:rows]
        ],
    )
    more = f"\n\n{len(kinds) - rows} more kinds of inputs are not shown." if len(kinds) > rows else ""
    exact = "" if found["double_precision"] else " It could not be computed in double precision."
    left = (
        f" {len(found['left_out'])} cells are left out: the reference is not finite there." if found["left_out"] else ""
    )
    note = f"Errors are relative to the reference in double precision.{exact}{left}"
    return f"### Correctness\n\n{table}{more}\n\n{note}"


def _timing(found: Mapping[str, Any] | None, device: str) -> str:
    if found is None:
        return ""
    lines = [("Candidate", seconds(found["candidate_s"]), f"{speedup(found)}")]
    for name, taken in _baselines(found):
        lines.append((f"Baseline ({name})", seconds(taken), ""))
    told = f"The least that could be told apart in this session: {found['smallest_effect']:.1%}."
    looked = f"{found['outputs_checked']} outputs of {found['calls']} timed calls were looked at."
    parts = [
        "### Speed",
        _table(("", "Median a call", "Speed-up [95% interval]"), lines),
        f"{told} {looked}",
        code(found["baseline_note"]) if found.get("baseline_note") else "",
        _roofline(found.get("roofline"), "one thread of this machine" if device == "cpu" else "this device"),
    ]
    return "\n\n".join(one for one in parts if one)


def _baselines(timing: Mapping[str, Any]) -> Sequence[tuple[str, float]]:
    told = timing.get("baselines") or [{"name": timing["baseline"], "seconds": timing["baseline_s"]}]
    return [(str(one["name"]), float(one["seconds"])) for one in told if one.get("seconds")]


def _roofline(found: Mapping[str, Any] | None, what: str) -> str:
    if not found or found.get("share") is None:
        return ""
    least = f"{seconds(found['seconds'])} a call, limited by {found['limited_by']}"
    reached = share(found["share"])
    return f"At best, {what} does the reference's work in {least}: {reached} of that speed is reached."


def _findings(document: Mapping[str, Any], rows: int) -> str:
    found = document["findings"]
    if not found:
        return ""
    name = document["candidate"]["name"]
    lines = [
        f"{one['tier']}: {code(one['evidence'])}" + (f" ({code(name)}, line {one['line']})" if one.get("line") else "")
        for one in found[: min(rows, _MOST_FINDINGS)]
    ]
    more = f"\n\n{len(found) - len(lines)} more are in the report." if len(found) > len(lines) else ""
    note = "Only `hard` findings decide; `support` makes a person look; `telemetry` is for information."
    return f"### Findings\n\n{_list(lines)}{more}\n\n{note}"


def _facts(document: Mapping[str, Any]) -> Iterator[str]:
    task, candidate = document["task"], document["candidate"]
    yield f"- Candidate {code(candidate['name'])}, sha256 `{candidate['hash'][:12]}`"
    if document.get("line"):
        yield f"- Line {document['line']} of it"
    yield f"- Task {code(task['name'])}, `{task['hash'][:12]}`"
    if hardware := document.get("hardware"):
        yield f"- {code(hardware['name'])} ({code(hardware['uuid'])}), {code(hardware['software'])}"
    yield f"- Device {code(document['device'])}, box {code(document['isolation'] or 'none was needed')}"
    if document["audit"]["checks"]:
        yield f"- {len(document['audit']['checks'])} checks of its honesty held"
    audit = task.get("audit") or {}
    for note in audit.get("notes", ())[:5]:
        yield f"- On the task: {code(note)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.replace("`", "'").split())
