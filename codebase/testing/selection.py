"""What a selection of tests is made of: a test file, why it was chosen, and what in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "changed", "calls", "names", "imports", "mentions", "reaches", "named after", "shares words", "changes with"
]
EXERCISES: frozenset[Kind] = frozenset({"changed", "calls", "names", "imports", "named after"})
"""Reasons that say a test runs the code; the others only make it likely, or say that it could."""
_LIKELY = 0.15
"""On flask and requests nine of ten tests that went in with a change are among these, of five on average."""


@dataclass(frozen=True, slots=True)
class Reason:
    """`path`: the changed file it speaks for. `detail`: a symbol, names, or numbers; `line` of the test, 0: none."""

    kind: Kind
    path: str
    detail: str
    line: int = 0

    def __str__(self) -> str:
        match self.kind:
            case "changed":
                return "is changed itself"
            case "calls":
                return f"calls {self.detail} of {self.path}"
            case "names":
                return f"names {self.detail} of {self.path}"
            case "mentions":
                return f"mentions {self.detail}, as {self.path} has it"
            case "imports":
                return f"imports {self.path}"
            case "reaches":
                return f"imports {self.path} through {self.detail}"
            case "named after":
                return f"is named after {self.path}"
            case "shares words":
                return f"has the change's words: {self.detail}"
            case "changes with":
                return f"changed with {self.path} {self.detail}"


@dataclass(frozen=True, slots=True)
class Selected:
    """A test file: `score`, comparable within a selection, `reasons`, the strongest first, and the `tests` in it that
    call or name what was changed, as `Class.method`; none where the whole file is meant."""

    path: str
    score: float
    reasons: tuple[Reason, ...]
    tests: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the change itself touches it."""
        return any(reason.kind == "changed" for reason in self.reasons)

    @property
    def exercises(self) -> bool:
        return any(reason.kind in EXERCISES for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Selection:
    """`tests`, the likeliest first; `left_out`: how many more had a reason. `exercising`: for each changed file of code
    that is still there the tests that exercise it, its likeliest first, or else those that import it through others."""

    tests: tuple[Selected, ...]
    exercising: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: int = 0

    @property
    def unexercised(self) -> tuple[str, ...]:
        """The changed files of code that no test reaches by anything that can be read."""
        return tuple(path for path, tests in self.exercising.items() if not tests)

    @property
    def likely(self) -> tuple[Selected, ...]:
        """Those worth running first: the changed ones, and of the others those that come near the best of them."""
        others = [one.score for one in self.tests if not one.changed]
        least = _LIKELY * max(others, default=0.0)
        return tuple(one for one in self.tests if one.changed or one.score >= least)
