"""What people are told of a check: a check run for each round, made when it is asked for and completed at its end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from forges.github import Marker, Repository
from forges.github.check_runs import Annotation, CheckRun, Conclusion, Output
from kernels.rendering.markdown import summary, title
from kernels.rendering.words import code
from kernels.verdicts import Verdict, conclusion
from settings import Settings
from store import kernel_checks
from store.schema import KernelCheck, KernelLook
from workers.github.desk import Desk
from workers.kernel_checks.annotating import annotate
from workers.kernel_checks.asking import EXTERNAL_ID, FAULTS_ID
from workers.kernel_checks.plan import Plan
from workers.outside import once
from workers.workshop import Workshop

_NOT_FOR_A_GPU = (
    "**A person must look.** The base branch's entry is one for the CPU, and the candidate needs a GPU: it was not "
    "verified. `device: cuda` in the entry says that this is meant.\n\n"
)
_MENTION = re.compile(r"[^A-Za-z0-9-]")


class Teller:
    """Writes what is told about one repository's kernels."""

    def __init__(self, workshop: Workshop, desk: Desk, row: KernelCheck | KernelLook) -> None:
        self._workshop, self._desk = workshop, desk
        self._installation_id = row.installation_id
        self.repository: Repository = desk.app.installation(row.installation_id).repository(row.repository)

    def open(self, row: KernelCheck, waits: str) -> Mapping[str, Any]:
        """The check run of the present round, made if it is not there yet: its id and address. `waits`: what for."""
        if row.check_run is not None and row.check_run["round"] == row.round:
            return row.check_run
        name, external_id = check_name(row.kernel, row.entry.get("base")), f"{EXTERNAL_ID}:{row.id}:{row.round}"
        output = Output("Waiting", f"{waits}\n\n{_about(row)}")
        runs = self.repository.check_runs
        made = once(
            self._workshop.database,
            f"kernel-check:{row.id}:{row.round}",
            find=lambda: _found(
                runs.find(name=name, head_sha=row.head_sha, external_id=external_id, app_id=self._app_id())
            ),
            make=lambda: _made(
                runs.create(
                    name=name,
                    head_sha=row.head_sha,
                    external_id=external_id,
                    output=output,
                    details_url=page_url(self._workshop.settings, row),
                    status="queued",
                )
            ),
            now=self._workshop.clock,
        )
        with self._workshop.database.write() as session:
            kernel_checks.note_check_run(session, row.id, row.round, int(made["id"]), str(made["url"]))
        return made

    def begin(self, row: KernelCheck, run: Mapping[str, Any]) -> None:
        """Says that the verification runs."""
        output = Output("Verifying", f"Audit, correctness, honesty, then speed.\n\n{_about(row)}")
        self.repository.check_runs.update(int(run["id"]), status="in_progress", output=output)

    def again(self, row: KernelCheck, run: Mapping[str, Any], why: str) -> None:
        output = Output("Waiting", f"The machine failed and it is tried again: {code(why)}\n\n{_about(row)}")
        self.repository.check_runs.update(int(run["id"]), status="queued", output=output)

    def end(self, row: KernelCheck, run: Mapping[str, Any], source: bytes) -> None:
        """Completes the check run with the report. `source`: the candidate, for the lines of annotations."""
        self._complete(row, run, _conclusion(row), _output(self._workshop.settings, row, source))

    def end_plainly(self, row: KernelCheck, run: Mapping[str, Any], why: str) -> None:
        """Completes the check run with the verdict alone. `why` no report is told."""
        said = f"Nothing is said about the candidate: {code(why)}."
        if "task" in (row.document or {}):
            page = page_url(self._workshop.settings, row)
            said = f"The report cannot be told here: {code(why)}.{f' [It is kept]({page}).' if page else ''}"
        self._complete(row, run, _conclusion(row), Output(str(row.verdict), said))

    def supersede(self, row: KernelCheck, run: Mapping[str, Any], why: str) -> None:
        """Completes the check run of what nobody waits for any more. GitHub takes no cancelled check for passed."""
        self._complete(row, run, "cancelled", Output("Superseded", f"Nothing was verified: {why}.\n\n{_about(row)}"))

    def _complete(self, row: KernelCheck, run: Mapping[str, Any], conclusion: Conclusion, output: Output) -> None:
        """Unless an earlier try did and only its answer was lost."""
        runs = self.repository.check_runs
        external_id = f"{EXTERNAL_ID}:{row.id}:{row.round}"
        there = runs.find(
            name=check_name(row.kernel, row.entry.get("base")),
            head_sha=row.head_sha,
            external_id=external_id,
            app_id=self._app_id(),
        )
        if there is None or there.status != "completed":
            runs.update(int(run["id"]), conclusion=conclusion, output=output)

    def faults(self, head_sha: str, found: Sequence[tuple[str, int | None, str]]) -> Mapping[str, Any]:
        """A neutral check run that says what keeps kernels from being verified: path, line at the head if it is there,
        and what is wrong."""
        lines = [f"- {code(path)}{f', line {line}' if line else ''}: {code(text)}" for path, line, text in found]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
        output = Output(
            "Kernels cannot be verified",
            "Nothing was verified of what is named here.\n\n" + "\n".join(lines),
            annotations=tuple(_fault(*one) for one in found if one[1]),
        )
        runs, external_id = self.repository.check_runs, f"{FAULTS_ID}:{digest}"
        made = once(
            self._workshop.database,
            f"kernel-faults:{self.repository.full_name}:{head_sha}:{digest}",
            find=lambda: _found(
                runs.find(name="Kernels", head_sha=head_sha, external_id=external_id, app_id=self._app_id())
            ),
            make=lambda: _made(runs.create(name="Kernels", head_sha=head_sha, external_id=external_id, output=output)),
            now=self._workshop.clock,
        )
        runs.update(int(made["id"]), conclusion="neutral")
        return made

    def answer(self, look: KernelLook, text: str) -> None:
        """The comment that answers somebody who asked in one, once."""
        asked = look.asked or {}
        if asked.get("comment_id") is None:
            return
        issues, number = self.repository.issues, look.number
        marker = Marker("kernels", {"comment": str(asked["comment_id"]), "hop": str(asked["hop"])})
        bot = self._desk.identity(self._installation_id).bot
        body = f"{marker}\n\n`{_MENTION.sub('', str(asked['by']))}`, {text}"
        once(
            self._workshop.database,
            f"kernel-answer:{look.id}",
            find=lambda: _comment(issues.find_comment(number, marker, bot.id)),
            make=lambda: {"id": issues.create_comment(number, body).id},
            now=self._workshop.clock,
        )

    def _app_id(self) -> int:
        return self._desk.identity(self._installation_id).app_id


def check_name(kernel: str, base: str | None = None) -> str:
    """`base`: a branch that is not the default one. Its entry may be laxer, and a required check counts by its name."""
    return f"Kernel {kernel} (into {base})" if base else f"Kernel {kernel}"


def page_url(settings: Settings, row: KernelCheck) -> str | None:
    """The page of a check where people can reach it; None where no public address is configured."""
    return f"{settings.public_url}/kernels/{row.id}" if settings.public_url else None


def concluded(row: KernelCheck, verdict: str) -> Conclusion:
    """The conclusion of a check with this verdict. A reference nobody has read yet makes nothing green, nor neutral,
    which passes as green does where the check is required. That it needs a GPU is neutral only where nothing failed
    before: who makes a device fail must not pass by another worker's having none."""
    claims_speed = row.entry.get("claims") != "right"
    for_gpu = row.device == "cuda" and not row.tries
    found = conclusion(Verdict(verdict), claims_speed=claims_speed, for_gpu=for_gpu)
    return "action_required" if row.unread and found in ("success", "neutral") else found


def answer_text(head_sha: str, runs: Mapping[str, str], plan: Plan, faults: Mapping[str, Any] | None) -> str:
    """The answer to who asked. `runs`: address by kernel."""
    parts = []
    if runs:
        links = ", ".join(f"[{name}]({url})" for name, url in sorted(runs.items()))
        parts.append(f"verifying at `{head_sha[:12]}`: {links}.")
    if plan.unknown:
        parts.append(f"no kernel is called {', '.join(code(name) for name in plan.unknown)} in `.forgehand.yml`.")
    if faults is not None:
        parts.append(f"[something keeps kernels from being verified]({faults['url']}).")
    return " ".join(parts) or "`.forgehand.yml` names no kernels."


def _conclusion(row: KernelCheck) -> Conclusion:
    if row.verdict is None:
        raise ValueError(f"check {row.id} has no verdict yet")
    return concluded(row, row.verdict)


def _output(settings: Settings, row: KernelCheck, source: bytes) -> Output:
    document = row.document or {}
    first = f"**A person must read the reference first.** {code(row.unread)}\n\n" if row.unread else ""
    if row.verdict == Verdict.needs_gpu and row.device != "cuda":
        first += _NOT_FOR_A_GPU
    if "task" not in document:
        said = "\n".join(f"- {code(reason)}" for reason in document["reasons"])
        return Output(
            str(document["verdict"]), f"{first}Nothing is said about the candidate.\n\n{said}\n\n{_about(row)}"
        )
    read_first = "; a person must read the reference first" if row.unread else ""
    return Output(
        f"{title(document)}{read_first}",
        first + summary(document, page=page_url(settings, row)),
        annotations=annotate(document, str(row.entry["candidate"]), source),
    )


def _about(row: KernelCheck) -> str:
    at = "this commit" if row.reference_sha == row.head_sha else f"`{row.reference_sha[:12]}`"
    return f"Candidate {code(row.entry['candidate'])}, held against {code(row.entry['reference'])} of {at}."


def _fault(path: str, line: int | None, text: str) -> Annotation:
    return Annotation(path, line or 1, line or 1, "warning", text, "Kernels cannot be verified")


def _found(run: CheckRun | None) -> dict[str, Any] | None:
    return None if run is None else _made(run)


def _made(run: CheckRun) -> dict[str, Any]:
    return {"id": run.id, "url": run.html_url}


def _comment(found: Any) -> dict[str, Any] | None:
    return None if found is None else {"id": found.id}
