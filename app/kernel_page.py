"""The page of one kernel's check, drawn from the document that the worker stored. Plain HTML with no script.

Whatever stands in the document came from a task, a candidate or its process: every text is escaped here. The chart is
shown as an image, in which nothing can run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from app.pages import page
from store.schema import KernelCheck

Document = Mapping[str, Any]
_MOST_ROWS = 100
_MEANING = {
    "success": "passed",
    "failure": "failed",
    "neutral": "neither passed nor failed",
    "action_required": "a person has to look",
}
_UNITS = ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6))


def kernel_page(row: KernelCheck, *, repository_url: str) -> str:
    """A whole document. `repository_url`: the repository's page at GitHub."""
    return page(f"Kernel {row.kernel}", "".join(_content(row, repository_url)))


def repository_page(api_url: str, full_name: str) -> str:
    """The repository's page: on github.com for api.github.com, else on the host of a GitHub Enterprise Server's API."""
    scheme, _, rest = api_url.partition("://")
    host = rest.partition("/")[0].removeprefix("api.")
    return f"{scheme}://{host}/{full_name}"


def _content(row: KernelCheck, url: str) -> Iterator[str]:
    document: Document = row.document or {}
    yield _verdict(row, document)
    if row.unread:
        yield f'<p class="note"><strong>A person must read the reference first.</strong> {escape(row.unread)}</p>'
    yield _list(escape(str(reason)) for reason in document.get("reasons", ()))
    yield _where(row, url)
    if row.chart and (document.get("timing") or document.get("correctness")):
        image = f'<img class="chart" src="/kernels/{row.id}/chart.svg" alt="{escape(_spoken(document))}">'
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="Chart">{image}</div>'
    yield _speed(document.get("timing"))
    yield _correctness(document.get("correctness"), document.get("gradients"))
    yield _without_gpu(document.get("without_gpu"))
    yield _compiled(document.get("compile"))
    yield _findings(row, document, url)
    yield _facts(document)
    if repro := document.get("repro"):
        yield f'<h2>Do it again</h2><pre class="scroll" tabindex="0" aria-label="Command">{escape(str(repro))}</pre>'


def _verdict(row: KernelCheck, document: Document) -> str:
    if row.verdict is None:
        since = datetime.fromtimestamp(row.asked_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f'<p class="verdict neutral">Not verified yet; asked for at {since}.</p>'
    wrong = f" ({escape(str(document['wrong']))})" if document.get("wrong") else ""
    meaning = _MEANING.get(row.conclusion or "", "")
    kind = escape(row.conclusion or "neutral")
    return f'<p class="verdict {kind}"><strong>{escape(row.verdict)}</strong>{wrong}: {meaning}</p>'


def _where(row: KernelCheck, url: str) -> str:
    candidate, reference = str(row.entry["candidate"]), str(row.entry["reference"])
    facts = [
        ("Repository", _link(url, row.repository)),
        ("Pull request", _link(f"{url}/pull/{row.number}", f"#{row.number}")),
        ("Candidate", f"{_file(url, row.head_sha, candidate)} at <code>{escape(row.head_sha[:12])}</code>"),
        ("Reference", f"{_file(url, row.reference_sha, reference)} at <code>{escape(row.reference_sha[:12])}</code>"),
    ]
    if row.check_run:
        facts.append(("Check run", _link(str(row.check_run["url"]), f"round {row.round}")))
    return _terms(facts)


def _speed(found: Document | None) -> str:
    if not found:
        return ""
    rows = [("Candidate", _seconds(found.get("candidate_s")), _ratio(found))]
    told = found.get("baselines") or [{"name": found.get("baseline", "eager"), "seconds": found.get("baseline_s")}]
    rows += [(f"Baseline ({one['name']})", _seconds(one.get("seconds")), "") for one in told]
    least, looked = found.get("smallest_effect"), found.get("outputs_checked")
    notes = [] if least is None else [f"The least that could be told apart in this session: {float(least):.1%}."]
    if looked is not None:
        notes.append(f"{looked} outputs of {found.get('calls')} timed calls were looked at.")
    if found.get("baseline_note"):
        notes.append(f"{found['baseline_note']}.")
    roofline = found.get("roofline") or {}
    if roofline.get("share") is not None:
        notes.append(f"{roofline['share']:.0%} of what this machine could do at most, by {roofline['limited_by']}.")
    table = _table("Speed", ("", "Median a call", "Speed-up, 95% interval"), rows)
    return f"<h2>Speed</h2>{table}<p>{escape(' '.join(notes))}</p>"


def _correctness(found: Document | None, gradients: Document | None) -> str:
    if not found:
        return ""
    rows: list[Sequence[str]] = [
        (
            str(one["inputs"]),
            f"{one['passed']} of {one['cells']}",
            _error(one.get("error")),
            _error(one.get("native_error")),
            _share(one.get("share_of_allowed")),
        )
        for one in [*found.get("kinds", ())[:_MOST_ROWS], {**found, "inputs": "all"}]
    ]
    if gradients:
        told = (_error(gradients.get(name)) for name in ("error", "native_error"))
        cells = f"{gradients['compared']} in {gradients['cells']} cells"
        rows.append(("gradients", cells, *told, _share(gradients.get("share_of_allowed"))))
    head = ("Inputs", "Cells right", "Error", "Reference's own error", "Of what is allowed")
    exact = "" if found.get("double_precision") else " It could not be computed in double precision."
    left = len(found.get("left_out", ()))
    missing = f" {left} cells are left out: the reference is not finite there." if left else ""
    note = f"Errors are relative to the reference in double precision.{exact}{missing}"
    return f"<h2>Correctness</h2>{_table('Correctness', head, rows)}<p>{escape(note)}</p>"


def _without_gpu(found: Document | None) -> str:
    """What was and what was not checked of a candidate that needs a GPU."""
    if not found:
        return ""
    checked = _list(escape(str(one)) for one in found.get("checked", ())[:_MOST_ROWS])
    missing = _list(escape(str(one)) for one in found.get("not_checked", ())[:_MOST_ROWS])
    rows = [
        (
            str(one["name"]),
            str(one["target"]),
            *(str(one[key]) for key in ("registers", "spilled_bytes", "shared_bytes")),
        )
        for one in found.get("kernels", ())[:_MOST_ROWS]
    ]
    head = ("Kernel", "Target", "Registers", "Bytes spilled", "Bytes shared")
    table = _table("Compiled kernels", head, rows) if rows else ""
    return f"<h2>Without a GPU</h2>{table}<h3>Checked</h3>{checked}<h3>Not checked</h3>{missing}"


def _compiled(found: Document | None) -> str:
    if not found:
        return ""
    facts = [
        (str(one["name"]), escape(f"{', '.join(one['functions'])}; {one['bytes']} bytes in {one['seconds']:.1f} s"))
        for one in found.get("extensions", ())[:_MOST_ROWS]
    ]
    errors = "\n".join(str(one) for one in found.get("errors") or ())
    told = f'<pre class="scroll" tabindex="0" aria-label="Errors">{escape(errors)}</pre>' if errors else ""
    return f"<h2>Compiled</h2>{_terms(facts)}{told}"


def _findings(row: KernelCheck, document: Document, url: str) -> str:
    found = document.get("findings") or ()
    path, line = str(row.entry["candidate"]), document.get("line")
    parts = []
    if line:
        parts.append(f"the verdict stands at {_file(url, row.head_sha, path, int(line))}")
    for one in found[:_MOST_ROWS]:
        at = f" at {_file(url, row.head_sha, path, int(one['line']))}" if one.get("line") else ""
        parts.append(f"<strong>{escape(str(one['tier']))}</strong>: {escape(str(one['evidence']))}{at}")
    if not parts:
        return ""
    note = "Only what is hard decides; support makes a person look; telemetry is for information."
    return f"<h2>Findings</h2>{_list(parts)}<p>{note}</p>"


def _facts(document: Document) -> str:
    task, candidate = document.get("task"), document.get("candidate")
    if not task or not candidate:
        return ""
    checks = document.get("audit", {}).get("checks", ())
    facts = [
        ("Candidate", f"sha256 <code>{escape(str(candidate['hash'])[:16])}</code>"),
        ("Task", f"<code>{escape(str(task['hash'])[:16])}</code>"),
        ("Device", escape(str(document.get("device") or "-"))),
        ("Box", escape(str(document.get("isolation") or "none was needed"))),
        ("Checks of honesty that held", str(len(checks))),
    ]
    notes = ((task.get("audit") or {}).get("notes") or ())[:10]
    facts += [("On the task", escape(str(one))) for one in notes]
    return f"<h2>Facts</h2>{_terms(facts)}"


def _spoken(document: Document) -> str:
    timing = document.get("timing")
    speed = f", speed-up {_ratio(timing)}" if timing else ""
    return f"Chart: verdict {document.get('verdict')}{speed}. The tables below have its numbers."


def _ratio(timing: Document) -> str:
    if timing.get("speedup") is None:
        return "-"
    low, high = timing["interval_95"]
    return f"{timing['speedup']:.2f} times [{low:.2f}, {high:.2f}]"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    unit, factor = next((name, by) for least, name, by in _UNITS if value >= least)
    return f"{value * factor:.3g} {unit}"


def _error(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _file(url: str, sha: str, path: str, line: int | None = None) -> str:
    at = f"#L{line}" if line else ""
    name = f"{path}:{line}" if line else path
    return _link(f"{url}/blob/{sha}/{quote(path)}{at}", name)


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _list(items: Iterable[str]) -> str:
    """A list of HTML."""
    found = [f"<li>{item}</li>" for item in items]
    return f"<ul>{''.join(found)}</ul>" if found else ""


def _terms(facts: Sequence[tuple[str, str]]) -> str:
    """Names and HTML."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{value}</dd>' for name, value in facts)}</dl>"


def _table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text, which scrolls by itself where it is wider than the window."""
    titles = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">'
        f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
