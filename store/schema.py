"""The tables. Times are Unix seconds (UTC, double), money is whole nanodollars, documents are JSON.

Seconds rather than datetimes: leases compare times in SQL, and SQLite and PostgreSQL disagree about zones.
"""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite numbers rows only in a column typed INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        dict[str, Any]: JSON(),
        float: Float(53),
        int: BigInteger(),
        bytes: LargeBinary(),
    }


class Delivery(Base):
    """One webhook POST, exactly as it came. It exists before its sender is answered."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Unique("source", "app_id", "delivery_id", name="uq_deliveries_identity"),
        Index("ix_deliveries_pending", "state", "id"),
    )
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(String(16))
    app_id: Mapped[str] = mapped_column(String(32))
    delivery_id: Mapped[str] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes]
    received_at: Mapped[float]
    state: Mapped[str] = mapped_column(String(16), default="pending")  # pending, done, ignored, failed
    subject: Mapped[str | None]
    outcome: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[float] = mapped_column(Float(53), default=0.0)
    processed_at: Mapped[float | None]


class Task(Base):
    """Our work on one ticket in one repository."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_runnable", "wake_at", "lease_until"),
        Index("ix_tasks_subject", "subject", "created_at"),
    )
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    source: Mapped[str] = mapped_column(String(16))  # github, local
    subject: Mapped[str]
    # The subject while the task lives, NULL afterwards: the unique index is what makes "one live task a ticket" true.
    active_subject: Mapped[str | None] = mapped_column(Text, unique=True)
    installation_id: Mapped[int | None]
    repository_id: Mapped[int | None]
    repository: Mapped[str]
    number: Mapped[int | None]
    is_pull_request: Mapped[bool] = mapped_column(Boolean, default=False)
    # One request is one task for ever, however often it is delivered: "github:9:comment:77". NULL where it has no id.
    request_key: Mapped[str | None] = mapped_column(Text, unique=True)
    request: Mapped[dict[str, Any]]  # trigger, actor, text, base, comment_id, hop
    ticket: Mapped[dict[str, Any]]  # title, body, author, url, labels as they were when asked

    stage: Mapped[str] = mapped_column(String(24))
    stage_since: Mapped[float]
    reason: Mapped[str | None]
    base_branch: Mapped[str | None]
    base_sha: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None]
    head_sha: Mapped[str | None] = mapped_column(String(64))
    pull_number: Mapped[int | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    wake_at: Mapped[float | None]  # when it wants to run again; NULL once it has ended
    rung_at: Mapped[float | None]  # when the doorbell was last rung for it
    signals: Mapped[int] = mapped_column(Integer, default=0)  # bumped by every input, so that parking cannot miss one
    lease_owner: Mapped[str | None]
    lease_until: Mapped[float | None]
    fence: Mapped[int] = mapped_column(Integer, default=0)
    claims_without_progress: Mapped[int] = mapped_column(Integer, default=0)
    stop_requested_by: Mapped[str | None]

    limit_usd_nanos: Mapped[int]
    limit_tokens: Mapped[int]
    limit_steps: Mapped[int]
    limit_seconds: Mapped[float]
    active_seconds: Mapped[float] = mapped_column(Float(53), default=0.0)
    created_at: Mapped[float]
    updated_at: Mapped[float]
    finished_at: Mapped[float | None]


class Machine(Base):
    """A task that has a machine for its boxes, or waits for one. `fence` is the claim's that has it, 0 in line."""

    __tablename__ = "machines"
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    asked_at: Mapped[float]
    fence: Mapped[int] = mapped_column(Integer, default=0)
    node: Mapped[str] = mapped_column(String(255))


class Pool(Base):
    """One worker's warm boxes, as it last told: while `until` lasts, it answers for boxes with its prefix."""

    __tablename__ = "pools"
    prefix: Mapped[str] = mapped_column(String(40), primary_key=True)
    backend: Mapped[str] = mapped_column(String(32))
    ready: Mapped[int] = mapped_column(Integer)
    hits: Mapped[int] = mapped_column(Integer)
    misses: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int] = mapped_column(Integer)
    until: Mapped[float]


class TaskEvent(Base):
    """The log a status comment, a check run and a page are drawn from."""

    __tablename__ = "task_events"
    __table_args__ = (Unique("task_id", "seq", name="uq_task_events_seq"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[float]
    kind: Mapped[str] = mapped_column(String(32))
    stage: Mapped[str] = mapped_column(String(24))
    data: Mapped[dict[str, Any]]


class TaskInput(Base):
    """What people or the forge said to a live task: a comment, a review, a stop. Taken in once, by its key."""

    __tablename__ = "task_inputs"
    __table_args__ = (Unique("task_id", "key", name="uq_task_inputs_key"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    key: Mapped[str]
    kind: Mapped[str] = mapped_column(String(16))  # comment, review
    author: Mapped[str]
    permission: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[float]
    not_before: Mapped[float]
    taken_at: Mapped[float | None]
    taken_by: Mapped[str | None]  # the window that read it


class JournalEntry(Base):
    """One recorded fact of an agent's window: a reply that was paid for, a tool's result, a note read."""

    __tablename__ = "journal_entries"
    __table_args__ = (Unique("task_id", "window", "seq", name="uq_journal_entries_seq"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    window: Mapped[str]
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[float]
    entry: Mapped[dict[str, Any]]
    changes: Mapped[bytes | None]  # the tree's changes against the window's base after this entry, packed


class BudgetEntry(Base):
    """Money and tokens set aside before a model call, and what it came to."""

    __tablename__ = "budget_entries"
    __table_args__ = (Unique("task_id", "key", name="uq_budget_entries_key"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    key: Mapped[str]
    at: Mapped[float]
    settled: Mapped[bool] = mapped_column(Boolean, default=False)
    usd_nanos: Mapped[int]  # reserved while unsettled, spent afterwards
    tokens: Mapped[int]


class Effect(Base):
    """One thing done in the outside world, by its deterministic key."""

    __tablename__ = "effects"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    task_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(16))  # intended, done
    result: Mapped[dict[str, Any] | None]
    at: Mapped[float]
    done_at: Mapped[float | None]


class ProofRow(Base):
    __tablename__ = "proofs"
    __table_args__ = (Unique("task_id", "head_sha", name="uq_proofs_head"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    head_sha: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(24))
    at: Mapped[float]
    document: Mapped[dict[str, Any]]


class Leased:
    """What one worker at a time works on, as on a task. `rung_at`: when a worker was last rung for; of a look, when it
    was wanted anew while somebody looked. `claims`: 0 until it is first taken, then how often it was taken since it was
    last given back in good order."""

    wake_at: Mapped[float | None]  # when it wants to run; NULL once it has ended
    rung_at: Mapped[float | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[float | None]
    fence: Mapped[int] = mapped_column(Integer, default=0)
    claims: Mapped[int] = mapped_column(Integer, default=0)
    troubles: Mapped[int] = mapped_column(Integer, default=0)  # how often the forge did not answer, in a row
    created_at: Mapped[float]
    finished_at: Mapped[float | None]


class KernelLook(Leased, Base):
    """A pull request that has a new head, or of which somebody asked: which of its kernels are to be verified?"""

    __tablename__ = "kernel_looks"
    __table_args__ = (Index("ix_kernel_looks_due", "wake_at"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # What caused it, once for ever: "github:9:17:SHA" a head, "github:9:comment:77", "github:9:run:5" asked again.
    key: Mapped[str] = mapped_column(Text, unique=True)
    installation_id: Mapped[int]
    repository_id: Mapped[int]
    repository: Mapped[str]
    number: Mapped[int]
    asked: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # by, names, comment_id, hop
    outcome: Mapped[str | None]


class KernelCheck(Leased, Base):
    """One kernel at one commit against one task: its verdict, and the check run that tells it."""

    __tablename__ = "kernel_checks"
    __table_args__ = (
        Index("ix_kernel_checks_due", "wake_at", "lease_until"),
        Index("ix_kernel_checks_head", "repository_id", "head_sha"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # of 128 random bits: it is its page's address
    key: Mapped[str] = mapped_column(Text, unique=True)  # repository, head, kernel, digest of the task, base
    look_id: Mapped[str] = mapped_column(ForeignKey("kernel_looks.id"))  # that asked for the present round
    installation_id: Mapped[int]
    repository_id: Mapped[int]
    repository: Mapped[str]
    number: Mapped[int]
    kernel: Mapped[str]
    head_sha: Mapped[str] = mapped_column(String(64))
    reference_sha: Mapped[str] = mapped_column(String(64))  # the commit the reference is read at
    entry: Mapped[dict[str, Any]]  # reference, candidate, options, claims; base
    unread: Mapped[str | None]  # why a person must read the reference first
    device: Mapped[str] = mapped_column(String(8))  # cpu, cuda
    round: Mapped[int] = mapped_column(Integer, default=1)
    asked_at: Mapped[float]
    tries: Mapped[int] = mapped_column(Integer, default=0)  # how often the machine failed in this round
    verdict: Mapped[str | None] = mapped_column(String(24))
    conclusion: Mapped[str | None] = mapped_column(String(24))
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    chart: Mapped[str | None]
    check_run: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # id, url, round


class KernelDevice(Base):
    """A device that kernels are verified on, as it was when it was last seen."""

    __tablename__ = "kernel_devices"
    uuid: Mapped[str] = mapped_column(String(100), primary_key=True)  # as its driver names it
    name: Mapped[str]
    machine: Mapped[str]  # empty where it is not known yet
    software: Mapped[str]
    seen_at: Mapped[float]
    quarantined_at: Mapped[float | None]
    reason: Mapped[str | None]  # of the quarantine
    qualified_with: Mapped[str | None] = mapped_column(String(64))  # a digest of the code and the software
    qualified_at: Mapped[float | None]
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # of the run that qualified it


class Lease(Base):
    """A named duty that one process at a time may have: relay, sweeper, poller."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str]
    until: Mapped[float]
    fence: Mapped[int] = mapped_column(Integer)


class Mark(Base):
    """A named position in somebody else's log, such as the last webhook delivery reconciled."""

    __tablename__ = "marks"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
