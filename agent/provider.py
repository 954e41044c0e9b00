"""LiteLLM, and the only module that touches it: one streamed request, its failures in our words, its price map.

LiteLLM is imported on first use, since that takes seconds and 180 MB. It retries nothing, keeps no callbacks, sends no
telemetry and reads its price map from its own package.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

Json = dict[str, Any]
_DETAIL_CHARS = 2000
_SCRIPT_MISMATCH = re.compile(r'"code": ?"script_mismatch"')
_NOT_CONNECTED = re.compile(r"Connection (error|refused)|\[Errno \d+\]")


class Fault(StrEnum):
    """Why a request failed."""

    rate_limit = "rate_limit"
    overloaded = "overloaded"
    timeout = "timeout"
    connection = "connection"
    cut_stream = "cut_stream"
    context_window = "context_window"
    content_policy = "content_policy"
    refused = "refused"
    script_mismatch = "script_mismatch"


RETRYABLE = frozenset({Fault.rate_limit, Fault.overloaded, Fault.timeout, Fault.connection, Fault.cut_stream})


class RequestFailed(Exception):
    """One request failed. `retry_after_s` is what the provider asked for; `detail` never holds the key."""

    def __init__(self, fault: Fault, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault, self.detail, self.retry_after_s = fault, detail, retry_after_s


@dataclass(slots=True)
class Assembly:
    """What of a streamed answer has arrived."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, Json] = field(default_factory=dict)
    finish_reason: str | None = None
    usage: Any = None

    def add(self, chunk: Any) -> None:
        """Takes one `chat.completion.chunk` in."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        if not chunk.choices:
            return
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        if choice.delta.content:
            self.text.append(choice.delta.content)
        for part in choice.delta.tool_calls or []:
            call = self.calls.setdefault(part.index, {"id": "", "name": "", "arguments": []})
            call["id"] = part.id or call["id"]
            if part.function is not None:
                call["name"] = call["name"] or part.function.name or ""
                call["arguments"].append(part.function.arguments or "")

    @property
    def chars(self) -> int:
        """Length of everything that arrived."""
        return sum(map(len, self.text)) + sum(len(piece) for call in self.calls.values() for piece in call["arguments"])


def stream(request: Json, timeout_s: float, into: Assembly, stop: threading.Event) -> None:
    """Sends one request and adds what comes to `into` until it ends, fails (`RequestFailed`) or `stop` is set.

    `request` holds LiteLLM's arguments (`model`, `messages`, `tools`, `max_tokens`, `api_base`, `api_key`).
    `timeout_s` bounds the wait for each next byte. A stream that ends without a finish reason was cut.
    """
    litellm = _litellm()
    secret = request.get("api_key")
    answer = None
    try:
        answer = litellm.completion(
            **request,
            stream=True,
            stream_options={"include_usage": True},
            num_retries=0,
            max_retries=0,
            timeout=timeout_s,
            # LiteLLM 1.106 imports the `mcp` package for every call with tools unless told that none is an MCP tool.
            _skip_mcp_handler=True,
        )
        for chunk in answer:
            into.add(chunk)
            if stop.is_set():
                return
            if answer.sent_stream_usage:
                # All is there; going on would have LiteLLM rebuild, price and log it a second time. What follows the
                # last event is read, so that the connection can be used again.
                deque(getattr(answer.completion_stream, "response_iterator", ()), maxlen=0)
                break
    except Exception as error:
        raise _failure(error, secret) from None
    finally:
        _close(answer)
    # LiteLLM makes a finish reason up for a stream that just ends; its own record says whether one came.
    if into.finish_reason is None or getattr(answer, "received_finish_reason", None) is None:
        raise RequestFailed(Fault.cut_stream, "the stream ended without a finish reason")


def embeddings(request: Json, texts: Sequence[str], timeout_s: float) -> list[list[float]]:
    """A vector for each text, in order. `request`: LiteLLM's `model`, `api_base`, `api_key`. Raises RequestFailed."""
    try:
        # Empty texts are refused by OpenAI's API.
        answer = _litellm().embedding(
            **request, input=[text or " " for text in texts], timeout=timeout_s, encoding_format="float", num_retries=0
        )
        return [list(row["embedding"]) for row in sorted(answer.data, key=lambda row: int(row["index"]))]
    except Exception as error:
        raise _failure(error, request.get("api_key")) from None


def _close(answer: Any) -> None:
    """Gives the connection of a stream back, read to its end or not.

    Left to the garbage collector, LiteLLM's line iterator may be closed while the same thread holds the lock of the
    connection pool it needs for that, and every later call in the process waits forever.
    """
    inner = getattr(answer, "completion_stream", None)
    for part in (inner, getattr(inner, "streaming_response", None), getattr(inner, "response_iterator", None)):
        close = getattr(part, "close", None)
        if close is not None:
            close()


def mapped_cost(model: str, prompt_tokens: int, completion_tokens: int, usage: Any) -> Decimal | None:
    """US dollars by LiteLLM's price map; None for a model it has no price for."""
    litellm = _litellm()
    try:
        costs = litellm.cost_per_token(
            model=model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, usage_object=usage
        )
    except Exception:  # LiteLLM raises bare Exception for a model it does not know
        return None
    return sum((Decimal(str(cost)) for cost in costs), Decimal(0))


@cache
def mapped_context(model: str) -> int | None:
    """The most input tokens by LiteLLM's map; None for a model it does not know."""
    try:
        size = _litellm().get_model_info(model).get("max_input_tokens")
    except Exception:  # LiteLLM raises bare Exception for a model it does not know
        return None
    return int(size) if size else None


def missing_keys(model: str) -> tuple[str, ...]:
    """The environment variables that would have to hold the model's key and do not; empty when it has one.

    Also empty for a provider LiteLLM does not know: only a call can tell then.
    """
    return tuple(_litellm().validate_environment(model).get("missing_keys", ()))


def warm_up() -> None:
    """Imports LiteLLM ahead of the first call: it takes seconds."""
    _litellm()


@cache
def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it fetches a price list at import
    # LiteLLM's own HTTP handler for OpenAI-compatible servers. OpenAI's SDK opens a connection for each call and walks
    # every message through its type definitions: 30 to 50 ms a call in windows of 100 to 200 steps.
    os.environ.setdefault("EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER", "True")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.callbacks = []
    litellm.success_callback = []
    litellm.failure_callback = []
    litellm.disable_streaming_logging = True  # it would send every chunk through a pool of logging threads
    litellm.disable_aiohttp_transport = True
    return litellm


def _failure(error: Exception, secret: str | None) -> RequestFailed:
    """An exception of LiteLLM's as a `RequestFailed` (see docs.litellm.ai/docs/exception_mapping)."""
    litellm = _litellm()
    detail = str(error).removeprefix("litellm.")[:_DETAIL_CHARS]
    if secret:
        detail = detail.replace(secret, "[key]")
    status = getattr(error, "status_code", None)
    if getattr(error, "code", None) == "script_mismatch" or _SCRIPT_MISMATCH.search(detail):
        fault = Fault.script_mismatch
    elif isinstance(error, litellm.ContextWindowExceededError):
        fault = Fault.context_window
    elif isinstance(error, litellm.ContentPolicyViolationError):
        fault = Fault.content_policy
    elif isinstance(error, litellm.RateLimitError):
        fault = Fault.rate_limit
    elif isinstance(error, litellm.Timeout):
        fault = Fault.timeout
    elif isinstance(error, litellm.exceptions.MidStreamFallbackError):
        fault = Fault.cut_stream
    elif isinstance(error, litellm.APIConnectionError) or _NOT_CONNECTED.search(detail):
        fault = Fault.connection
    elif isinstance(status, int) and status >= 500:
        fault = Fault.overloaded
    else:
        fault = Fault.refused
    return RequestFailed(fault, detail, _retry_after(error))


def _retry_after(error: Exception) -> float | None:
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
