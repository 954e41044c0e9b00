"""Auditing KernelBench problems one after the other, and what came out as lines of JSON: what was measured is kept when
the next one fails, and a run goes on where the last one ended."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.kernelbench import Problem, Small, as_candidate, at_declared_size, small, smaller
from kernels.bench import CALL_S, Judged, ReferenceSide
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.cells import Cell
from kernels.hosting import MOST_BYTES, Ended, Place, Worker
from kernels.messages import ProtocolError
from kernels.nulls import ZEROS, values
from kernels.report import of_audit
from kernels.task import Task
from kernels.task_audit import OWN, TaskAudit, audit_task
from sandboxes.contract import SandboxError

FEWEST = 1
_PER_ANSWER = 6  # of a box's memory; what is right is there thrice, once more as it is sent, beside the inputs
Row = dict[str, Any]


class NotAudited(Exception):
    """`outcome`: too_slow, too_large or failed. `why`: in words."""

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


@dataclass(slots=True)
class Auditor:
    """Audits problem after problem in one reference worker, which to start takes longer than to audit a small problem.
    These are public and known; a task of unknown origin gets a worker of its own (`kernels.broker`). `limit_s`: for
    one problem with one number of rows."""

    place: Place
    limit_s: float
    _worker: Worker | None = None

    def audit(self, problem: Problem, batch: int) -> Row:
        """The row of a problem with `batch` rows, or with one where it is too slow or too large with so many.
        SandboxError where no box can be made."""
        row = self._row(problem, batch)
        if row["outcome"] in ("too_slow", "too_large") and row["batch"] > FEWEST:
            more, row = row, self._row(problem, FEWEST)
            row["with_more_rows"] = {key: more[key] for key in ("batch", "outcome", "why")}
        return row

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _row(self, problem: Problem, batch: int) -> Row:
        began = time.monotonic()
        row: Row = {"kind": "audit", "problem": str(problem), "name": problem.name, "asked": batch}
        row |= {"constant": None, "batch": batch, "declared": 0}
        try:
            made = _small(problem, batch)
            row |= {"constant": made.constant, "batch": made.batch, "declared": made.declared}
            with self._working() as worker:
                audit = self._audited(worker, made.task)
            row |= {"outcome": "audited", "audit": of_audit(audit)}
            if _near_zero(audit) and made.batch > FEWEST:
                row["largest_at_declared_batch"] = self._at_declared_size(problem, made, audit.largest)
        except NotAudited as error:
            row |= {"outcome": error.outcome, "why": error.why}
            self.close()
        return row | {"seconds": round(time.monotonic() - began, 1)}

    def _at_declared_size(self, problem: Problem, made: Small, largest: float) -> float | None:
        """None where it cannot be told: some problems do not take a single row."""
        try:
            with self._working() as worker:
                fewer = self._largest(worker, small(problem, FEWEST).task)
        except NotAudited:
            self.close()
            return None
        size = at_declared_size(largest, made.batch, fewer, FEWEST, made.declared)
        return size if math.isfinite(size) else None

    def _loaded(self, worker: Worker, task: Task) -> ReferenceSide:
        """Judged where the task fails."""
        most = max(MOST_BYTES, self.place.memory_bytes // _PER_ANSWER)
        reference = ReferenceSide(worker, task, most_bytes=most, call_s=max(CALL_S, self.limit_s))
        reference.load()
        return reference

    def _audited(self, worker: Worker, task: Task) -> TaskAudit:
        return audit_task(self._loaded(worker, task))

    def _largest(self, worker: Worker, task: Task) -> float:
        """The largest number of an output on the task's own inputs and weights."""
        reference = self._loaded(worker, task)
        called = reference.call(reference.draw(Cell(0, OWN), "task"))
        numbers = values(called.output) if called else []
        return max((float(np.abs(one).max()) for one in numbers if one.size), default=0.0)

    @contextmanager
    def _working(self) -> Iterator[Worker]:
        """The worker, which is ended when the time is over. NotAudited for what goes wrong meanwhile."""
        began = time.monotonic()
        if self._worker is None:
            try:
                self._worker = Worker(self.place, "reference")
            except Ended as error:
                raise NotAudited("failed", f"the reference worker does not start: {error}") from None
        timer = threading.Timer(self.limit_s, self._worker.close)
        timer.start()
        try:
            yield self._worker
        except (Judged, Ended, SandboxError, MemoryError, ProtocolError, ValueError, KeyError) as error:
            # What a reference answers is read here as it came: a problem that answers oddly ends its own audit alone.
            if time.monotonic() - began >= self.limit_s:
                raise NotAudited("too_slow", f"not audited within {self.limit_s:g} s") from None
            raise NotAudited(outcome_of(str(error)), str(error)) from None
        finally:
            timer.cancel()
            timer.join()


def _small(problem: Problem, batch: int) -> Small:
    try:
        return small(problem, batch)
    except ValueError as error:
        raise NotAudited("failed", f"its rows cannot be made fewer: {error}") from None


def _near_zero(audit: TaskAudit) -> bool:
    """Whether zeros are right at 1e-2 and not at 1e-4: with more rows they might be."""
    return {one.tolerance for one in audit.degenerate if one.null == ZEROS and one.weights == "own"} == {"1e-2"}


def outcome_of(text: str) -> str:
    """What an error's own words say of a problem that was not audited."""
    if "in time" in text:
        return "too_slow"
    large = ("more memory", "MiB of tensors", "allocate", "MemoryError")
    return "too_large" if any(one in text for one in large) else "failed"


def judge_reference(place: Place, problem: Problem, batch: int, elements: int | None) -> Row:
    """A problem's own program as candidate for it. `elements`: of its extents together; None where they are to be as
    declared. ValueError where it cannot be made smaller."""
    made = small(problem, batch) if elements is None else smaller(problem, batch, elements)
    candidate = Candidate("reference.py", as_candidate(made.task.source))
    with Broker(place) as broker:
        found = broker.verify(made.task, candidate, quick=True)
    right = found.correctness
    return {
        "kind": "candidate",
        "problem": str(problem),
        "name": problem.name,
        "asked": batch,
        "batch": made.batch,
        "extents": made.extents,
        "verdict": found.verdict.value,
        "stage": found.stage.value,
        "reasons": found.reasons,
        "passed": found.passed,
        "cells": [right.passed, right.cells] if right else None,
        "error": right.error if right else None,
        "native_error": right.native_error if right else None,
        "seconds": round(found.seconds, 1),
    }


def read_rows(path: Path, commit: str) -> list[Row]:
    """The rows of a file that are of this commit, the newest of each kind and problem. A line that was cut off when a
    run was ended counts for nothing. ValueError for a file that holds something else."""
    if not path.exists():
        return []
    found: dict[tuple[str, str], Row] = {}
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise ValueError(f"{path}:{number}: it is no line of JSON") from None
        if not isinstance(row, dict) or not {"kind", "problem", "commit"} <= row.keys():
            raise ValueError(f"{path}:{number}: it is no row of this evaluation")
        if row["commit"] == commit:
            found.pop((row["kind"], row["problem"]), None)
            found[row["kind"], row["problem"]] = row
    return list(found.values())


def add_row(path: Path, row: Row) -> None:
    """In one write, so that several runs can share a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def left_to_do(problems: Sequence[Problem], rows: Sequence[Row], kind: str, *, again: bool) -> list[Problem]:
    """Those without a row of this kind; with `again` also those whose row says that they were not audited."""
    done = {
        row["problem"]
        for row in rows
        if row["kind"] == kind and not (again and row.get("outcome", "audited") != "audited")
    }
    return [one for one in problems if str(one) not in done]
