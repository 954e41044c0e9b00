"""Which operations of torch's a candidate computes with, and whether its task allows them. Pure.

The census comes from the candidate's process: what it shows counts, what it does not show clears nobody. Names are the
dispatcher's, as `aten::mm`; `python::` stands for tensors handed to something that is not torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kernels.findings import Finding, Tier
from kernels.messages import Json, ProtocolError
from kernels.namespaces import TORCHS_OWN

_LIBRARIES = TORCHS_OWN | {"torchvision", "torchaudio"}
# Views, memory and its contents: nothing of what a task is about is computed by these. Without `_` at their ends.
_FREE = frozenset(
    {
        "alias", "as_strided", "chunk", "detach", "diagonal", "expand", "expand_as", "flatten", "imag", "movedim",
        "narrow", "permute", "ravel", "real", "reshape", "reshape_alias", "select", "slice", "split",
        "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unflatten", "unfold", "unsafe_chunk",
        "unsafe_split", "unsafe_view", "unsqueeze", "view", "view_as", "view_as_complex", "view_as_real", "conj",
        "neg_view", "resolve_conj", "resolve_neg", "lift", "lift_fresh", "lift_fresh_copy",
        "arange", "efficientzerotensor", "empty", "empty_like", "empty_permuted", "empty_strided", "fill", "full",
        "full_like", "new_empty", "new_empty_strided", "new_full", "new_ones", "new_zeros", "ones", "ones_like",
        "resize", "scalar_tensor", "set", "zero", "zeros", "zeros_like",
        "clone", "contiguous", "copy", "to", "to_copy",
        "is_nonzero", "is_same_size", "item", "local_scalar_dense", "sym_numel", "sym_size", "sym_storage_offset",
        "sym_stride", "device", "layout", "alloc_from_pool", "reinterpret_tensor", "resize_storage_bytes",
    }
)  # fmt: skip
_MOST_SAID = 6


@dataclass(frozen=True, slots=True)
class Counted:
    """How often an operation was called, and the line of the candidate's from which it first was."""

    count: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """The operations of one call by name."""

    operations: Mapping[str, Counted] = field(default_factory=dict)

    @property
    def computing(self) -> dict[str, Counted]:
        """Those of a library's that compute."""
        return {name: one for name, one in self.operations.items() if _library(name) and not _free(name)}

    @property
    def own(self) -> dict[str, Counted]:
        """Those that the candidate itself brought."""
        return {
            name: one for name, one in self.operations.items() if not _library(name) and not name.startswith("python::")
        }

    @property
    def given_away(self) -> dict[str, Counted]:
        return {name: one for name, one in self.operations.items() if name.startswith("python::")}

    def outside(self, allowed: Sequence[str] | None) -> dict[str, Counted]:
        """The computing ones that a task does not allow; `allowed` is None where any is."""
        if allowed is None:
            return {}
        kept = {_plain(one) for one in allowed}
        return {name: one for name, one in self.computing.items() if _plain(name) not in kept}


def read_census(told: Json) -> Census | None:
    """None where the candidate's process made none. ProtocolError for what our loader would not say."""
    if "operations" not in told:
        return None
    listed = told["operations"]
    if not isinstance(listed, list) or len(listed) > 1000:
        raise ProtocolError("a census without its operations")
    found: dict[str, Counted] = {}
    for one in listed:
        match one:
            case [str(name), int(count), None | int() as line] if 0 < count < 1 << 40 and len(name) <= 100:
                found[name] = Counted(count, line if line and line > 0 else None)
            case _:
                raise ProtocolError("a census without its operations")
    return Census(found)


def violation(outside: Mapping[str, Counted], allowed: Sequence[str]) -> str:
    """What is said of a candidate that computes with more than it may."""
    may = f"allows only {', '.join(allowed)}" if allowed else "allows no operation of the library"
    said = [f"{name} ({_times(one.count)})" for name, one in sorted(outside.items(), key=lambda item: -item[1].count)]
    more = f" and {len(said) - _MOST_SAID} more" if len(said) > _MOST_SAID else ""
    return f"it computes with {', '.join(said[:_MOST_SAID])}{more}; the task {may}"


def specialised(timed: Census, others: Mapping[str, Census]) -> list[Finding]:
    """Where other shapes are computed with other operations than the timed one.

    Telemetry: a kernel for the shape that matters and a library for the rest is an honest design, each shape's output
    was held to what is right, and where no library is allowed each shape is held to that too.
    """
    found = []
    mine = {*timed.computing, *timed.own}
    for looks, census in others.items():
        theirs = {*census.computing, *census.own}
        if theirs != mine:
            text = f"{looks} is computed with {_names(theirs - mine)} where the timed shape has {_names(mine - theirs)}"
            found.append(Finding("specialised", Tier.telemetry, text))
    return found


def given_away(census: Census, allowed: Sequence[str] | None) -> list[Finding]:
    """Tensors that leave torch, where a task says what may compute."""
    if allowed is None:
        return []
    return [
        Finding(
            "leaves_torch", Tier.support,
            f"it hands tensors to other programs ({name.removeprefix('python::')}), whose work no census shows",
            one.line,
        )
        for name, one in census.given_away.items()
    ]  # fmt: skip


def _library(name: str) -> bool:
    return name.partition("::")[0] in _LIBRARIES


def _free(name: str) -> bool:
    return _plain(name).partition("::")[2] in _FREE


def _plain(name: str) -> str:
    """Without the underscores that mark a variant: `aten::add_` works in place, `aten::_softmax` is what runs."""
    space, _, operation = name.partition("::")
    return f"{space}::{operation.strip('_')}"


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)[:_MOST_SAID]) or "nothing more"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
