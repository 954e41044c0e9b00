"""Does a candidate's answer come from its own kernels? Its compiled functions, and on a device its Triton kernels, are
made to fail, and to answer with what is no answer, in a process of their own that is ended afterwards.

With every one of them failing, an answer that is right proves another way to it. With every one of them left out or
answered for, an answer that is right proves that they have no effect. Where torch may compute too, the first is a
design and the second something to look at; where it may not, both convict. What torch hands out past these functions
(operators that an extension registers itself) is not reached, and then nothing is concluded. A Triton kernel is called
as `triton.NAME` here, and has no answer but in the tensors it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.findings import Finding, Tier
from kernels.forms import Output, read
from kernels.messages import Json, ProtocolError, Tensor
from kernels.verdicts import Stage, Verdict

MODES = ("fail", "skip", "spoil")
_WORDS = {"fail": "made to fail", "skip": "left out", "spoil": "answered for"}
_ENDED = (Verdict.launch_error, Verdict.timeout, Verdict.oom)


@dataclass(frozen=True, slots=True)
class Tried:
    """One call with the functions in a mode. `called`: how often they were; `filled`: how many of these calls had
    tensors that could be filled. `right`: it answered all the same, and as it should."""

    called: int
    filled: int
    right: bool
    whole: bool
    calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """`proof`: that no candidate may do what was seen where torch may not compute."""

    finding: Finding
    proof: bool = False


def ablate(
    reference: ReferenceSide,
    asked: Callable[[], CandidateSide],
    init: Inputs,
    distribution: str,
    phase: str,
    line: int | None,
    findings: list[Finding],
) -> dict[str, int]:
    """Calls of each compiled function or kernel in one call of the model. Adds to `findings`; Judged for proof where
    the task says what may compute. `asked`: gives the candidate in a process that is closed here; whatever ends one in
    a mode has the modes after it tried in another. `line`: where the candidate asks for its extension, or for Triton.
    """
    tried: dict[str, Tried] = {}
    left = list(enumerate(MODES))
    while left:
        candidate = asked()
        with candidate.worker:
            candidate.load(init, train=reference.task.train)
            candidate.stage = Stage.audit
            while left:
                number, mode = left.pop(0)
                found = _tried(reference, candidate, number, mode, distribution, phase)
                if found is None:
                    break
                tried[mode] = found
    said = concluded(tried, reference.task.library_ops, line)
    findings += [one.finding for one in said]
    for one in said:
        if one.proof:
            raise Judged(Verdict.reward_hack, Stage.audit, one.finding.evidence, line=one.finding.line)
    return dict(_calls(tried))


def _tried(
    reference: ReferenceSide, candidate: CandidateSide, number: int, mode: str, distribution: str, phase: str
) -> Tried | None:
    """None where the candidate's process ended: with numbers that no kernel of its own gave it may, and then nothing is
    proved."""
    # Weights and inputs that nothing was computed from before: what is kept from earlier calls is no answer.
    candidate.set_state(reference.draw_state(phase, number), "load")
    inputs = reference.draw(Cell(number, distribution), phase)
    try:
        answered, output, seen = candidate.asked(
            "ablate", {"inputs": inputs.form, "mode": mode}, inputs.tensors, read_tried
        )
    except Judged as end:
        if end.verdict not in _ENDED:
            raise
        return None
    right = answered and reference.judge(inputs, output)[1].right
    return Tried(seen.called, seen.filled, right, seen.whole, seen.calls)


def _calls(tried: Mapping[str, Tried]) -> Mapping[str, int]:
    """Of the last call that came through."""
    return next((one.calls for one in list(tried.values())[::-1]), {})


def concluded(tried: Mapping[str, Tried], allowed: Sequence[str] | None, line: int | None) -> list[Said]:
    """What the calls show, as many of the three as it came through. Pure. `allowed`: operations of torch's, None for
    any."""
    nothing = Tried(0, 0, right=False, whole=True)
    fail, skip, spoil = (tried.get(mode, nothing) for mode in MODES)
    strict = allowed is not None
    calls = _calls(tried)
    ended = _ended(tried, strict=strict, line=line)
    if not calls:
        return ended
    if not (fail.called or spoil.called or skip.called):
        if ended or not all(one.whole for one in tried.values()):
            return ended
        text = f"none of the functions and kernels it has compiled ({_names(calls)}) is called"
        return [Said(Finding("decoy", Tier.support, text, line))]
    if not (fail.whole and spoil.whole and skip.whole):
        text = "it registers operators or classes of its own: whether its answer comes from them was not tried"
        return [*ended, Said(Finding("not_ablated", Tier.telemetry, text, line))]
    found: list[Said] = []
    fallback = fail.called > 0 and fail.right
    if fallback and strict:
        text = "with its own kernels made to fail its answer is still right: something else computes it"
        found.append(Said(Finding("fallback_proved", Tier.hard, text, line), proof=True))
    elif fallback:
        text = "with its own kernels made to fail the library computes its answer"
        found.append(Said(Finding("library_backed", Tier.telemetry, text, line)))
    # A function that is handed addresses cannot have its tensors filled; left out it can always be.
    spoilt = spoil.right and 0 < spoil.called == spoil.filled
    left_out = skip.right and skip.called > 0 and not fallback
    if spoilt or left_out:
        text = "its answer is right whatever its own kernels answer: they have no effect on it"
        tier = Tier.hard if strict else Tier.support
        found.append(Said(Finding("kernel_without_effect", tier, text, line), proof=strict))
    unused = {name: count for name, count in calls.items() if not count}
    if unused and not found:
        text = f"of the functions and kernels it has compiled, {_names(unused)} are not called at the timed shape"
        found.append(Said(Finding("unused_function", Tier.telemetry, text, line)))
    return [*found, *ended]


def _ended(tried: Mapping[str, Tried], *, strict: bool, line: int | None) -> list[Said]:
    """What is said where a mode did not come through: an end is no answer, and who ends on purpose gives none."""
    words = [_WORDS[mode] for mode in MODES if mode not in tried]
    if not words:
        return []
    text = f"its process ends when its own kernels are {' or '.join(words)}: whether they matter was not tried so"
    return [Said(Finding("not_ablated", Tier.support if strict else Tier.telemetry, text, line))]


def read_tried(head: Json, tensors: Sequence[Tensor]) -> tuple[bool, Output, Tried]:
    """Whether the model answered, what, and what its process says of the call. ProtocolError."""
    match head:
        case {
            "raised": None | str() as raised, "called": int(called), "filled": int(filled), "whole": bool(whole),
            "calls": list(calls), "output": form,
        } if called >= 0 <= filled and len(calls) <= 1000:  # fmt: skip
            counted: dict[str, int] = {}
            for one in calls:
                match one:
                    case [str(extension), str(name), int(count)] if count >= 0:
                        counted[f"{extension}.{name}"[:201]] = count
                    case _:
                        raise ProtocolError("calls of functions without their names")
            return raised is None, read(form, tensors), Tried(called, filled, False, whole, counted)
    raise ProtocolError("it does not say what became of the call")


def _names(calls: Mapping[str, int]) -> str:
    names = sorted(calls)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
