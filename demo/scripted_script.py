"""The file a scripted model plays: its schema, its checks, and which entry answers which request.

Pure: text in, a checked `Script` out. A mistake names the file's line and the turn it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

TransportFault = Literal["rate_limit", "overloaded", "timeout", "cut_stream", "context_exceeded"]
MessageFault = Literal["malformed_arguments", "unknown_tool"]
TRANSPORT_FAULTS: frozenset[str] = frozenset({"rate_limit", "overloaded", "timeout", "cut_stream", "context_exceeded"})

_VARIABLE = re.compile(r"\{\{\s*match\.([A-Za-z_]\w*)\s*\}\}")
_WINDOW = re.compile(r"[a-z][a-z_]*(#([2-9]|[1-9]\d+))?\Z")
_EXPECT_FLAGS = re.MULTILINE | re.DOTALL


class ScriptError(Exception):
    """The file cannot be played; the text says where and what to write instead."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Call(_Strict):
    """One tool call of a turn."""

    tool: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)


class Turn(_Strict):
    """One entry of the script.

    `expect` is a Python regular expression searched (MULTILINE, DOTALL) in the newest message: everything the
    conversation gained since the model last spoke. `say` and the strings of `args` may hold `{{ match.NAME }}`.
    """

    expect: str | None = None
    say: str | None = None
    call: tuple[Call, ...] = ()
    fault: Literal[TransportFault, MessageFault] | None = None
    delay_s: float = Field(default=0.0, ge=0.0, le=600.0)

    @field_validator("expect")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value, _EXPECT_FLAGS)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.say is None and not self.call and self.fault is None:
            raise ValueError("a turn needs `say`, `call` or `fault`")
        groups = set(re.compile(self.expect, _EXPECT_FLAGS).groupindex) if self.expect else set()
        unknown = sorted(_variables([self.say, *(call.args for call in self.call)]) - groups)
        if unknown:
            raise ValueError(
                f"{{{{ match.{unknown[0]} }}}} needs a group (?P<{unknown[0]}>...) in this turn's `expect`"
            )
        return self

    @property
    def answers(self) -> bool:
        """Whether the turn holds a reply of its own (and is not only a transport fault before the next entry)."""
        return self.say is not None or bool(self.call) or self.fault not in TRANSPORT_FAULTS


class Price(_Strict):
    """US dollars for a million tokens."""

    input_per_million: Decimal = Field(ge=0)
    output_per_million: Decimal = Field(ge=0)


class Script(_Strict):
    """A whole file: either one flat list of turns, or one list for each window.

    The keys of `phases` are window names: `implement`, and `repair#2` for the second window of a phase.
    """

    turns: tuple[Turn, ...] = ()
    phases: dict[str, tuple[Turn, ...]] = Field(default_factory=dict)
    price: Price | None = None

    @field_validator("phases")
    @classmethod
    def _window_names(cls, value: dict[str, tuple[Turn, ...]]) -> dict[str, tuple[Turn, ...]]:
        for name in value:
            if not _WINDOW.match(name):
                raise ValueError(f"{name!r} is not a window: write PHASE, or PHASE#N with N from 2 on")
        return value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if bool(self.turns) == bool(self.phases):
            raise ValueError("write either `turns:` or `phases:`, with at least one turn")
        return self


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a conversation: the transport faults played there first (in order), then the reply."""

    faults: tuple[tuple[TransportFault, Turn], ...]
    reply: Turn | None
    number: int
    """One-based number of the slot's first entry in its list, as a person counts them."""

    def play(self, already: int) -> tuple[TransportFault | None, Turn | None, int]:
        """What answers the request after `already` faults were played here: (fault, reply, entry number).

        A fault comes with the reply it interrupts (a cut stream needs something to cut).
        """
        if already < len(self.faults):
            return self.faults[already][0], self.reply, self.number + already
        own_entry = self.reply is not None and self.reply.fault not in TRANSPORT_FAULTS
        return None, self.reply, self.number + len(self.faults) - (0 if own_entry else 1)


def slots(turns: Sequence[Turn]) -> tuple[Slot, ...]:
    """Groups entries by conversation position: a transport fault takes no position, since no message comes of it.

    A transport fault that also says or calls something is played first, then its own reply.
    """
    result: list[Slot] = []
    waiting: list[tuple[TransportFault, Turn]] = []
    first = 1
    for number, turn in enumerate(turns, start=1):
        fault = _transport(turn)
        if fault is not None:
            waiting.append((fault, turn))
        if turn.answers:
            result.append(Slot(tuple(waiting), turn, first))
            waiting, first = [], number + 1
    if waiting:
        result.append(Slot(tuple(waiting), None, first))
    return tuple(result)


def _transport(turn: Turn) -> TransportFault | None:
    match turn.fault:
        case None | "malformed_arguments" | "unknown_tool":
            return None
        case fault:
            return fault


def load(path: Path) -> Script:
    """Reads and checks the script at `path`; raises `ScriptError` naming line and turn."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: cannot be read ({error}); give the path of a YAML file in UTF-8") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "script") -> Script:
    """Checks the YAML `text`; `name` stands for it in error messages. Raises `ScriptError`."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"{name}: not YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise ScriptError(f"{name}: the file must be a mapping with `turns:` or `phases:`")
    try:
        return Script.model_validate(data)
    except ValidationError as error:
        lines = [f"{name}:{_line(node, item['loc'])}: {_place(item['loc'])}{item['msg']}" for item in error.errors()]
        raise ScriptError("\n".join(lines)) from None


def search(pattern: str, text: str) -> re.Match[str] | None:
    """Searches an `expect` pattern the way the server does."""
    return re.search(pattern, text, _EXPECT_FLAGS)


def fill(value: Any, groups: Mapping[str, str | None]) -> Any:
    """Puts the expect match's named groups where `{{ match.NAME }}` stands, anywhere inside `value`."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: groups[found[1]] or "", value)
    if isinstance(value, Mapping):
        return {key: fill(item, groups) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, groups) for item in value]
    return value


def _variables(value: Any) -> set[str]:
    if isinstance(value, str):
        return set(_VARIABLE.findall(value))
    if isinstance(value, Mapping):
        return _variables(list(value.values()))
    if isinstance(value, list):
        return {name for item in value for name in _variables(item)}
    return set()


def _line(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """The one-based line of the deepest YAML node on the way to a validation error."""
    line = 1
    for part in location:
        if node is None:
            break
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if found:
                line = found[0][0].start_mark.line + 1
            node = found[0][1] if found else None
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            node = None
    return line


def _place(location: Sequence[str | int]) -> str:
    words: list[str] = []
    for before, part in zip(("", *location), location, strict=False):
        if isinstance(part, int):
            words.append(f"{'call' if before == 'call' else 'turn'} {part + 1}")
        elif part not in ("turns", "phases", "call"):
            words.append(str(part))
    return ", ".join(words) + ": " if words else ""
