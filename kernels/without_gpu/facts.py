"""What was found out about a candidate that needs a GPU, without one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernels.findings import Finding, Tier
from kernels.messages import Json, ProtocolError
from kernels.without_gpu.needs import Kind

_MOST = 200


@dataclass(frozen=True, slots=True)
class CompiledKernel:
    """One kernel as a compiler left it for `target`, such as sm_90. `spilled`: bytes of registers that went to memory,
    stored and loaded. `shared`: bytes known when it is compiled; more may be asked for at a launch."""

    name: str
    target: str
    registers: int
    spilled: int
    shared: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    """A Triton kernel that was launched under the interpreter. `grid`: of its first launch."""

    name: str
    line: int | None
    launches: int
    grid: tuple[int, ...]


@dataclass(slots=True)
class WithoutGpu:
    """`checked`, `not_checked`: sentences for people."""

    kind: Kind
    kernels: list[CompiledKernel] = field(default_factory=list)
    launched: list[Launched] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind.value,
            "kernels": [
                {
                    "name": one.name, "line": one.line, "target": one.target, "registers": one.registers,
                    "spilled_bytes": one.spilled, "shared_bytes": one.shared,
                }
                for one in self.kernels
            ],
            "launched": [
                {"name": one.name, "line": one.line, "launches": one.launches, "grid": list(one.grid)}
                for one in self.launched
            ],
            "checked": self.checked,
            "not_checked": self.not_checked,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Launches:
    """What an interpreting worker says of its candidate's kernels."""

    launched: tuple[Launched, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def of_launches(told: Json) -> Launches:
    """ProtocolError for what our loader would not say."""
    launched = []
    for one in _list(told, "launched"):
        match one:
            case {"kernel": str(name), "line": int(line), "launches": int(count), "grid": list(grid)} if all(
                type(size) is int for size in grid
            ):
                launched.append(Launched(name[:200], line, count, tuple(grid[:3])))
            case _:
                raise ProtocolError("a launch without its facts")
    found = []
    for one in _list(told, "reads"):
        match one:
            case {"kernel": str(), "text": str(text), "line": int() | None as where}:
                found.append(Finding("reads_out_of_bounds", Tier.support, text[:500], where))
            case _:
                raise ProtocolError("a read without its facts")
    for one in _list(told, "idle"):
        match one:
            case [str(name), int(line)]:
                text = f"the kernel {name[:200]} is never launched and no launched kernel calls it"
                found.append(Finding("kernel_never_launched", Tier.support, text, line))
            case _:
                raise ProtocolError("a kernel without its facts")
    notes = [one[:500] for one in _list(told, "notes") if isinstance(one, str)]
    return Launches(tuple(launched), tuple(found), tuple(notes))


def _list(told: Json, name: str) -> list[object]:
    found = told.get(name)
    if not isinstance(found, list) or len(found) > _MOST:
        raise ProtocolError("an interpreter's facts are none")
    return found
