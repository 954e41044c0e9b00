"""What a solve leaves behind: patch, proof and trajectory as files, and one JSON document about them."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agent import Phase
from proofs import Proof, render_markdown
from repositories import Mirror, Remote, RepositoryError, Signature
from store import Stage, budgets, journal
from store import proofs as kept
from store.schema import Task
from workers import windows
from workers.changes import unpack
from workers.local_source import mirror_path
from workers.workshop import Workshop

Outcome = Literal["proven", "unproven", "needs_human", "failed"]


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. `branch` and `commit` are None when no branch was left in the repository, the paths None when
    there is no such file; `seconds` is the wall time of this call, money and tokens are those of the whole task."""

    outcome: Outcome
    reason: str
    branch: str | None
    commit: str | None
    patch: str | None
    proof: str | None
    trajectory: str
    steps: int
    tokens: int
    cost_usd: float
    seconds: float
    isolation: str | None
    task: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def write_results(workshop: Workshop, task_id: str, directory: Path, folder: Path, *, seconds: float) -> Result:
    """Writes the files of an ended task into `folder`, in place of those of an earlier one."""
    with workshop.database.read() as session:
        task = session.get_one(Task, task_id)
        spent = budgets.spending(session, task_id)
        proof = None if task.head_sha is None else kept.of_head(session, task_id, task.head_sha)
        entries = journal.of_task(session, task_id)
        snapshot = journal.last_changes(session, task_id, _windows(task))
    mirror = Mirror.open(mirror_path(workshop.mirrors, str(directory)), Remote(str(directory)))
    for name in ("patch.diff", "proof.json", "proof.md"):
        (folder / name).unlink(missing_ok=True)
    trajectory = folder / "trajectory.jsonl"
    with trajectory.open("w", encoding="utf-8") as file:
        for window, recorded in entries:
            entry = json.loads(recorded.entry["json"])
            file.write(json.dumps({"window": window, "seq": recorded.seq, "entry": entry}) + "\n")
    head = work_so_far(mirror, task, snapshot)
    patch = folder / "patch.diff"
    if head is not None:
        patch.write_bytes(mirror.patch(task.base_sha or "", head))
    if proof is not None:
        (folder / "proof.json").write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")
        (folder / "proof.md").write_text(render_markdown(Proof.from_json(json.dumps(proof))), encoding="utf-8")
    pushed = task.data.get("pushed_sha")
    return Result(
        outcome=outcome_of(task),
        reason=task.reason or (str(proof["reason"]) if proof else ""),
        branch=task.branch if pushed else None,
        commit=pushed,
        patch=None if head is None else str(patch),
        proof=None if proof is None else str(folder / "proof.json"),
        trajectory=str(trajectory),
        steps=spent.steps,
        tokens=spent.tokens,
        cost_usd=spent.usd_nanos / 1e9,
        seconds=round(seconds, 3),
        isolation=task.data.get("isolation"),
        task=task.id,
    )


def outcome_of(task: Task) -> Outcome:
    """The end of a task as a word. A change that was finished and not proven is not a failure: it is on its branch."""
    if task.stage == Stage.DONE:
        return "proven"
    if task.stage != Stage.NEEDS_HUMAN:
        return "failed"
    return "unproven" if task.data.get("pushed_sha") else "needs_human"


def work_so_far(mirror: Mirror, task: Task, snapshot: bytes | None) -> str | None:
    """A commit with everything the task has changed: its head, with what an interrupted window added to it.

    None when nothing was changed. The commit is on no branch.
    """
    parent = task.head_sha or task.base_sha
    if parent is None or task.data.get("pushed_sha") or snapshot is None:
        return task.head_sha
    changes = unpack(snapshot)
    ignored = mirror.ignored(parent, changes)
    wanted = {path: change for path, change in changes.items() if path not in ignored}
    when = datetime.fromtimestamp(int(task.created_at), UTC)
    try:
        return mirror.commit(parent, wanted, "Unfinished work", Signature("forgehand", "forgehand@localhost"), when)
    except RepositoryError:
        # Nothing new, or nothing a commit may hold: what is committed is all there is.
        return task.head_sha


def _windows(task: Task) -> list[str]:
    """The windows that share the attempt's box."""
    if "windows" not in task.data:
        return []
    return [windows.name(task.data, phase) for phase in (Phase.implement, Phase.prove)]
