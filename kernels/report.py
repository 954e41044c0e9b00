"""A report as the JSON that `forgehand kernel` promises (COMMANDS.md, Kernels). Pure. No seed and no expected value."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from kernels.broker import Report
from kernels.correctness import Tally
from kernels.task_audit import TaskAudit
from kernels.timing import Timing
from kernels.verdicts import conclusion


def of_report(report: Report, repro: str) -> dict[str, Any]:
    """`repro`: the command that does it again."""
    return {
        "verdict": report.verdict.value,
        "stage": report.stage.value,
        "wrong": report.wrong.value if report.wrong else None,
        "line": report.line,
        "reasons": report.reasons,
        "conclusion": conclusion(report.verdict, for_gpu=report.task.device == "cuda"),
        "compile": _compiled(report),
        "correctness": _correctness(report),
        "gradients": _gradients(report),
        "timing": _timing(report),
        "findings": [
            {"rule": one.rule, "tier": one.tier.value, "evidence": one.evidence, "line": one.line}
            for one in report.findings
        ],
        "audit": {"checks": report.checks},
        "census": _census(report),
        "launches": report.launches,
        "task": {
            "name": report.task.name,
            "hash": report.task.digest,
            "audit": of_audit(report.audit) if report.audit else None,
        },
        "candidate": {"name": report.candidate.name, "hash": report.candidate.digest},
        "without_gpu": report.without_gpu.document() if report.without_gpu else None,
        "isolation": report.isolation or None,
        "device": report.kind_of_device,
        "hardware": _hardware(report),
        "repro": repro,
    }


def _hardware(report: Report) -> dict[str, Any] | None:
    """Which device it was, where that is not the processor."""
    found = report.device
    if found is None:
        return None
    return {
        "name": found.name,
        "uuid": found.uuid,
        "memory_bytes": found.memory_bytes,
        "software": found.software,
        "state": dict(found.state),
    }


def of_audit(audit: TaskAudit) -> dict[str, Any]:
    return {
        "verdict": "sound" if audit.sound else "invalid_task",
        "problems": audit.problems,
        "notes": audit.notes,
        "output": audit.output,
        "native_error": _number(audit.native_error),
        "double_precision": audit.precise,
        "degenerate": [asdict(one) for one in audit.degenerate],
        "scalars": [{"name": one.name, "value": one.value, "unseen": list(one.unseen)} for one in audit.scalars],
        "largest": _number(audit.largest),
        "call_s": _number(audit.call_s),
        "bfloat16": {"error": _number(audit.half_error), "passes": audit.half_passes},
    }


def _compiled(report: Report) -> dict[str, Any] | None:
    """Only where the candidate builds extensions."""
    found = report.compiled
    if found is None:
        return None
    return {
        "seconds": round(found.seconds, 3),
        "cached": found.cached,
        "compiler": found.compiler or None,
        "errors": found.errors,
        "extensions": [
            {
                "name": one.name,
                "functions": list(one.functions),
                "flags": list(one.cflags),
                "line": one.line,
                "sha256": one.digest,
                "bytes": one.size,
                "seconds": round(one.seconds, 3),
                "cached": one.cached,
            }
            for one in found.extensions
        ],
    }


def _correctness(report: Report) -> dict[str, Any] | None:
    found = report.correctness
    if found is None:
        return None
    return {
        **_tally(found),
        "left_out": found.left_out,
        "double_precision": found.precise,
        "kinds": [{"inputs": looks, **_tally(one)} for looks, one in found.kinds.items()],
    }


def _census(report: Report) -> list[dict[str, Any]]:
    """The library's operations that computed, and how often, for each kind of inputs that was looked at. What a
    candidate's process tells of itself."""
    return [
        {"inputs": looks, "operations": {name: one.count for name, one in sorted(census.computing.items())}}
        for looks, census in (report.own_work.census if report.own_work else {}).items()
    ]


def _gradients(report: Report) -> dict[str, Any] | None:
    """Only where the task asks for them. What is timed is the forward call all the same."""
    found = report.gradients
    if found is None:
        return None
    return {
        "cells": found.cells,
        "compared": found.compared,
        "of": found.names,
        "error": _number(found.error),
        "native_error": _number(found.native_error),
        "share_of_allowed": _number(found.worst),
    }


def _tally(found: Tally) -> dict[str, Any]:
    return {
        "cells": found.cells,
        "passed": found.passed,
        "error": _number(found.error),
        "native_error": _number(found.native_error),
        "share_of_allowed": _number(found.worst),
    }


def _timing(report: Report) -> dict[str, Any] | None:
    found = report.timing
    if found is None:
        return None
    return {
        "speedup": _number(found.found.ratio),
        "interval_95": [_number(found.found.low), _number(found.found.high)],
        "smallest_effect": _number(found.smallest_effect),
        "baseline_against_itself_95": [_number(found.same.low), _number(found.same.high)],
        "baseline": found.baseline,
        "baselines": [{"name": name, "seconds": seconds} for name, seconds in found.baselines],
        "baseline_note": found.baseline_note or None,
        "roofline": _roofline(found),
        "baseline_s": found.baseline_s,
        "candidate_s": found.candidate_s,
        "by_outer_clock_s": found.wall_s,
        "asking_s": found.once_s,
        "clocks_checked": found.clocks_checked,
        "speedup_by_slower_clock": _number(found.gain_outside),
        "overhead_dominated": found.overhead_dominated,
        "blocks": found.blocks,
        "calls": found.calls,
        "outputs_checked": found.checked,
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _roofline(found: Timing) -> dict[str, Any] | None:
    known = found.roofline
    if known is None:
        return None
    return {
        "share": _number(known.floor.share(found.candidate_s)),
        "limited_by": known.floor.limited_by,
        "seconds": _number(known.floor.seconds),
        "bytes": known.bytes_moved,
        "operations": known.operations,
        "one_thread": {
            "bytes_per_second": [[size, _number(speed)] for size, speed in known.machine.copied],
            "stored_bytes_per_second": _number(known.machine.stored),
            "operations_per_second": _number(known.machine.operations),
        },
    }
