"""What the loop on a kernel came to, as people read it: in the pull request, or in a comment when nothing was gained.

Ideas are the model's words and stand in code spans; all else is our own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codebase.kernel_entries import KernelEntry
from forges.github.markdown import fit
from kernels.rendering.words import code, error, seconds, speedup
from workers.github.desk import Desk, marker
from workers.outside import perform
from workers.workshop import TaskContext

if TYPE_CHECKING:
    from workers.optimising import Settled

_COMMENT_CHARS = 30_000
_IDEA_CHARS = 160


@dataclass(frozen=True, slots=True)
class Told:
    """`at`: the base branch's commit that said what is right. `turns`: as `workers.optimising.turns_of` has them."""

    entry: KernelEntry
    at: str
    turns: Sequence[Mapping[str, Any]]
    settled: Settled


def title(told: Told) -> str:
    """Of the pull request and the commit."""
    return f"Make the kernel {told.entry.name} faster"


def gain(told: Told) -> str:
    """What changed, for the pull request."""
    report = told.settled.report or {}
    entry, timing, right = told.entry, report["timing"], report["correctness"]
    rows = [
        ("Verdict", f"`{report['verdict']}`"),
        ("Speed-up, 95% interval", f"{speedup(timing)}, against {code(str(timing['baseline']))}"),
        ("Time a call", f"{seconds(timing['candidate_s'])}; the baseline {seconds(timing['baseline_s'])}"),
        ("The candidate before", _before(told.settled.present)),
        (
            "Right in",
            f"{right['passed']} of {right['cells']} cells; error {error(right['error'])}, the reference's own "
            f"{error(right['native_error'])}",
        ),
        ("Box", f"{code(str(report['isolation']))}, {code(str(report['device']))}"),
        ("Tried", f"{_counted(told.turns)}; this is turn {told.settled.turn}: {_idea(told)}"),
    ]
    return "\n\n".join(
        [
            f"A faster candidate for the kernel `{entry.name}` in `{entry.candidate}`. What is right says "
            f"`{entry.reference}` of `{told.at[:12]}`.",
            _table(("", ""), rows),
            "These are the numbers of a verification by processes and with inputs that had not seen the candidate "
            "before, not those it was chosen by. To do it again, on this branch:",
            f"```sh\n{report['repro']}\n```",
            "No test fails without such a change and passes with it. The proof is of the repository's own tests; that "
            "the kernel is right and faster is what the numbers here show.",
        ]
    )


def no_gain(told: Told) -> str:
    """The comment that says so, with what was tried."""
    entry, settled = told.entry, told.settled
    parts = [
        f"**No gain found** for the kernel `{entry.name}` (`{entry.candidate}`): {settled.why}. Nothing was changed.",
        _table(("Turn", "Idea", "Verdict", "Speed-up [95% interval]"), [_row(one) for one in told.turns]),
    ]
    if settled.report is not None and settled.report["timing"] is not None:
        again = f"`{settled.report['verdict']}`, {speedup(settled.report['timing'])} the baseline's speed"
        parts.append(
            f"Turn {settled.turn}, verified once more: {again}. The candidate before: {_before(settled.present)}."
        )
    parts.append(
        "Each turn was verified against the reference as the base branch has it. `/forgehand retry` tries anew."
    )
    return fit("\n\n".join(parts), _COMMENT_CHARS)


def _before(present: Mapping[str, Any] | None) -> str:
    if present is None:
        return "there was none"
    if present["timing"] is None:
        return f"`{present['verdict']}`"
    return f"`{present['verdict']}`, {speedup(present['timing'])}"


def _row(turn: Mapping[str, Any]) -> tuple[str, ...]:
    measured = "-"
    if turn["speedup"] is not None and turn["interval_95"] is not None:
        measured = speedup(turn)
    verdict = "no candidate" if turn["verdict"] is None else f"`{turn['verdict']}`"
    return str(turn["turn"]), code(turn["idea"], _IDEA_CHARS) if turn["idea"] else "-", verdict, measured


def _counted(turns: Sequence[Mapping[str, Any]]) -> str:
    counted = Counter(str(one["verdict"] or "no candidate") for one in turns)
    kinds = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
    return f"{len(turns)} candidates ({kinds})"


def _idea(told: Told) -> str:
    idea = next((str(one["idea"]) for one in told.turns if one["turn"] == told.settled.turn), "")
    return code(idea, _IDEA_CHARS)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def post(context: TaskContext, desk: Desk, text: str) -> None:
    """Writes the comment, once whatever happens to us or to GitHub's answers."""
    task, repository = context.task(), desk.repository(context)
    bot, mark, number = desk.identity_for(context).bot, marker(context, "optimised"), task.number or 0
    perform(
        context,
        f"optimised:{task.id}",
        find=lambda: (
            None if (found := repository.issues.find_comment(number, mark, bot.id)) is None else {"id": found.id}
        ),
        # The marker comes first: a text too long for GitHub is cut at its end.
        make=lambda: {"id": repository.issues.create_comment(number, f"{mark}\n\n{text}").id},
    )
