"""`forgehand eval kernelbench`: which of the public KernelBench problems are worth grading?"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document, printable
from evals.kernelbench import FILTERED, KNOWN, Problem, commit_of, read_problems
from evals.kernelbench_findings import Findings, findings, key_of
from evals.kernelbench_run import Auditor, Row, add_row, judge_reference, left_to_do, read_rows
from kernels.hosting import Place
from settings import load_settings
from workers.kernel_place import make_place


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A clone of ScalingIntelligence/KernelBench.")],
    level: Annotated[list[int] | None, typer.Option(help="1 or 2; may be repeated. Both by default.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="LEVEL/NUMBER", help="These problems; may be repeated.")
    ] = None,
    commit: Annotated[str, typer.Option(metavar="REV", help="Of the clone.")] = "HEAD",
    batch: Annotated[int, typer.Option(min=1, help="How many rows to audit with; all else is as declared.")] = 3,
    limit: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For one problem.")] = 300.0,
    memory: Annotated[int, typer.Option(min=1, metavar="GIB", help="Of a box.")] = 12,
    results: Annotated[Path, typer.Option(metavar="FILE", help="Where rows are kept and gone on from.")] = Path(
        "kernelbench.jsonl"
    ),
    again: Annotated[bool, typer.Option("--again", help="Also try what could not be audited before.")] = False,
    as_candidate: Annotated[
        bool, typer.Option("--as-candidate", help="Verify each sound problem's own program as its candidate.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", help="With --as-candidate: those whose audit took no longer.")
    ] = 60.0,
    extents: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="With --as-candidate: of every problem, with inputs cut to N elements a feature.",
        ),
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Run nothing; tell what FILE has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Audit KernelBench's problems on the CPU, at their declared sizes with few rows, and name those that answers pass
    which compute nothing, beside what METR's filters removed and what an earlier audit found.

    Problems are read from the clone at a commit and run in boxes. Every row is kept in FILE as it comes; what FILE has
    of the commit already is not run again. Exits with 1 when a problem known to be degenerate was audited and not
    found, or when a reference did not pass as its own candidate.

    Example: forgehand eval kernelbench --repo ~/KernelBench --level 1"""
    if extents is not None and not as_candidate:
        raise CannotRun("--extents is for --as-candidate: problems are audited at their declared sizes")
    try:
        sha = commit_of(repo, commit)
        problems = _chosen(read_problems(repo, sha, tuple(level or (1, 2))), only)
        rows = read_rows(results, sha)
    except ValueError as error:
        raise CannotRun(str(error)) from None
    screen = console(as_json=True)
    if not summary:
        place = replace(make_place(load_settings()), memory_bytes=memory << 30)
        kind = "candidate" if as_candidate else "audit"
        left = left_to_do(problems, rows, kind, again=again)
        if as_candidate and extents is None:
            left = [one for one in left if _worth_verifying(one, rows, seconds)]
        auditor = Auditor(place, limit)
        try:
            for number, problem in enumerate(left, 1):
                with screen.status(f"{number} of {len(left)}: {printable(problem.name)}"):
                    row = _row(auditor, place, problem, batch, kind, extents)
                add_row(results, row | {"commit": sha})
                screen.print(printable(_line(row)))
        finally:
            auditor.close()
        rows = read_rows(results, sha)
    wanted = {str(one) for one in problems}
    found = findings([one for one in rows if one["problem"] in wanted])
    if as_json:
        document({"commit": sha, "known": sorted(f"{a}/{b}" for a, b in KNOWN), **asdict(found)})
    else:
        _show(found, sha)
    if found.missed or found.convicted:
        raise typer.Exit(1)


def _chosen(problems: list[Problem], only: list[str] | None) -> list[Problem]:
    if not only:
        return problems
    by_name = {str(one): one for one in problems}
    unknown = [one for one in only if one not in by_name]
    if unknown:
        raise ValueError(f"--only: there is no problem {unknown[0]}; name one as LEVEL/NUMBER")
    return [by_name[one] for one in only]


def _row(auditor: Auditor, place: Place, problem: Problem, batch: int, kind: str, extents: int | None) -> Row:
    if kind == "audit":
        return auditor.audit(problem, batch)
    try:
        return judge_reference(place, problem, batch, extents)
    except ValueError as error:
        raise CannotRun(f"{problem} cannot be made smaller: {error}. Name the others with --only") from None


def _worth_verifying(problem: Problem, rows: list[Row], seconds: float) -> bool:
    return any(
        row["kind"] == "audit"
        and row["problem"] == str(problem)
        and row["outcome"] == "audited"
        and row["audit"]["verdict"] == "sound"
        and row["seconds"] <= seconds
        for row in rows
    )


def _line(row: Row) -> str:
    head = f"{row['problem']:6} {row['name'][:56]:56} {row['seconds']:6.1f} s  "
    if row["kind"] == "candidate":
        return f"{head}{row['verdict']}"
    if row["outcome"] != "audited":
        return f"{head}{row['outcome']}: {row['why'][:80]}"
    named = {one["null"] for one in row["audit"]["degenerate"] if one["tolerance"] != "1e-2"}
    return f"{head}{row['audit']['verdict']}{' (' + '; '.join(sorted(named)) + ')' if named else ''}"


def _show(found: Findings, sha: str) -> None:
    out = console()
    out.print(
        f"KernelBench {sha[:12]}: {found.audited} problems audited, {len(found.degenerate)} degenerate, "
        f"{len(found.invalid)} of them invalid_task for us"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("problem", "right without computing it (the strictest comparison that takes it)", "known", "METR"):
        table.add_column(name)
    for name, why in found.degenerate.items():
        key = key_of(name)
        table.add_row(name, printable("; ".join(why)), KNOWN.get(key, ""), "removed" if key in FILTERED else "")
    out.print(table)
    for title, rows in (
        ("Only at 1e-2", {name: "; ".join(why) for name, why in found.loose.items()}),
        ("Parameters of which another value is never seen", {a: "; ".join(b) for a, b in found.unseen.items()}),
        ("With one row", found.fewer_rows),
        ("With fewer rows in one operand alone", found.one_operand),
        ("Not audited", found.not_audited),
        ("Did not pass as their own candidates", found.convicted),
        ("Not judged as their own candidates", found.not_judged),
    ):
        if rows:
            out.print(f"\n{title} ({len(rows)})", style="bold")
            for name, text in rows.items():
                out.print(f"  {name:6} {printable(text)}", soft_wrap=True)
    out.print(f"\nKnown, audited and not found: {', '.join(found.missed) or 'none'}")
    out.print(f"Found and not known before: {', '.join(found.new) or 'none'}")
    half = ", ".join(f"{found.half.get(level, 0)} at {level}" for level in ("ours", "1e-4", "1e-2"))
    out.print(f"bfloat16 in place of single precision is taken by {half}, of {found.audited}")
    if found.candidates:
        out.print(f"{found.candidates - len(found.convicted)} of {found.candidates} passed as their own candidates")
