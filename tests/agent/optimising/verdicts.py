"""Verdicts as a verification gives them, read off the candidate: `# faster 2.0`, `# incorrect`, `# compile_error`."""

from __future__ import annotations

from agent.optimising import Feedback

REACHED = {"parse_error": 0, "compile_error": 2, "launch_error": 4, "incorrect": 5, "infra_error": 0, "invalid_task": 0}


def feedback(verdict: str, speedup: float = 1.0) -> Feedback:
    if verdict in REACHED:
        return Feedback(
            verdict=verdict, stage="correct", right=False, faster=False, reached=REACHED[verdict], reward=0.0,
            about_candidate=verdict not in ("infra_error", "invalid_task"), lines=(f"why it is {verdict}",),
        )  # fmt: skip
    return Feedback(
        verdict=verdict, stage="time", right=True, faster=verdict == "faster", about_candidate=True, reached=7,
        reward=0.3 + speedup, lines=("right in 24 cells",), speedup=speedup, low=speedup * 0.98, high=speedup * 1.02,
    )  # fmt: skip


class Verifier:
    """Keeps what it was asked. From its `failing_from`-th question on it says `faults` times that the machine failed.
    At its `killed_at`-th the process is gone, once."""

    def __init__(self, faults: int = 0) -> None:
        self.asked: list[str] = []
        self.faults = faults
        self.failing_from = 1
        self.killed_at = 0

    def __call__(self, source: str) -> Feedback:
        self.asked.append(source)
        if len(self.asked) == self.killed_at:
            self.killed_at = 0
            raise SystemExit("killed")
        if self.faults and len(self.asked) >= self.failing_from:
            self.faults -= 1
            return feedback("infra_error")
        verdict, *speedup = source.partition("# ")[2].split()
        return feedback(verdict, *map(float, speedup))
