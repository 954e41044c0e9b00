"""What a model call costs, and how large a conversation a model takes: configured, or from LiteLLM's own map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any

from agent import provider

_MILLION = Decimal(1_000_000)
_CHARS_PER_TOKEN = 3.5
_MARGIN = 1.10
DEFAULT_CONTEXT_TOKENS = 128_000
"""Assumed for a model LiteLLM does not know and whose `context_tokens` is not configured."""


class PriceUnknown(Exception):
    """A money limit cannot be enforced for a model nobody has given a price."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the price of model {model!r} is unknown, so the money limit cannot be enforced: configure the model's "
            "price (US dollars for a million input and output tokens; 0 for a model of your own), or take the money "
            "limit away"
        )
        self.model = model


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input_per_million: Decimal
    output_per_million: Decimal

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """US dollars for a call."""
        prompt, completion = self.input_per_million * prompt_tokens, self.output_per_million * completion_tokens
        return (prompt + completion) / _MILLION


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as LiteLLM names it (`anthropic/claude-sonnet-4-5`), with what reaching it takes.

    `{window}` in `name` stands for the asking window (`repair`, `repair#2`, `summary`), for gateways that route by
    purpose. `price` and `context_tokens` override LiteLLM's map. The key is shown nowhere.
    """

    name: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    price: Price | None = None
    context_tokens: int | None = None
    max_output_tokens: int = 8192

    def named(self, window: str) -> str:
        """The model's name for a window."""
        return self.name.replace("{window}", window)


def conversation_chars(messages: Sequence[Mapping[str, Any]]) -> int:
    """About how many characters a conversation has, with what surrounds each message."""
    chars = 0
    for message in messages:
        calls = message.get("tool_calls", ())
        chars += len(message["content"] or "") + sum(len(call["function"]["arguments"]) + 40 for call in calls) + 20
    return chars


def estimate_tokens(chars: int) -> int:
    """An upper estimate of the tokens of so many characters: 3.5 characters a token, and a tenth more."""
    return ceil(chars / _CHARS_PER_TOKEN * _MARGIN)


def call_cost(
    spec: ModelSpec, model: str, prompt_tokens: int, completion_tokens: int, usage: Any = None
) -> Decimal | None:
    """US dollars for a call, None where the price is unknown. `usage` is the provider's own, with cached tokens."""
    if spec.price is not None:
        return spec.price.cost(prompt_tokens, completion_tokens)
    return provider.mapped_cost(model, prompt_tokens, completion_tokens, usage)


def context_tokens(spec: ModelSpec, model: str) -> int:
    """How many tokens a conversation may have."""
    return spec.context_tokens or provider.mapped_context(model) or DEFAULT_CONTEXT_TOKENS
