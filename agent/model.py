"""One model call as the agent sees it: reserved, repeated within bounds, handed to a fallback, settled, recorded.

This is the only retry loop: LiteLLM and the SDKs below it are told to repeat nothing.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.contract import Ledger
from agent.journal import Attempt, Reply, ToolCall
from agent.prices import ModelSpec, PriceUnknown, call_cost, context_tokens, conversation_chars, estimate_tokens
from agent.provider import RETRYABLE, Assembly, Fault, Json, RequestFailed, stream

_POLL_S = 0.25


class Cancelled(Exception):
    """The window was told to stop."""


class ContextExceeded(Exception):
    """The provider refused the conversation as too long."""


class ModelUnavailable(Exception):
    """No model answered within the attempts allowed."""


class ModelRejected(Exception):
    """The request can never succeed as it is: credentials, model name, policy, or a script that says otherwise."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How hard one model is tried. Times in seconds; `read_s` bounds the wait for each next byte, `total_s` a whole
    request. A provider that asks for a longer wait than `longest_wait_s` counts as not answering."""

    attempts: int = 5
    first_delay_s: float = 1.0
    longest_wait_s: float = 60.0
    read_s: float = 120.0
    total_s: float = 600.0


@dataclass(frozen=True, slots=True)
class _Billed:
    tokens: int = 0
    usd: Decimal | None = Decimal(0)


class ModelClient:
    """Calls models. `default` is the model and its fallbacks in order; `roles` gives a phase (or `summary`) its own.

    `money_limited`: a budget in money is to be enforced, so a model without a known price is an error (`PriceUnknown`).
    `sleep` (seconds) and `jitter` (0 to 1) are there to be replaced in tests.
    """

    def __init__(
        self,
        default: Sequence[ModelSpec],
        roles: Mapping[str, Sequence[ModelSpec]] | None = None,
        *,
        money_limited: bool = True,
        policy: CallPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if not default:
            raise ValueError("at least one model is needed")
        self._default, self._roles = tuple(default), {role: tuple(specs) for role, specs in (roles or {}).items()}
        self._money_limited, self._policy = money_limited, policy or CallPolicy()
        self._sleep, self._jitter = sleep, jitter

    def specs(self, role: str) -> tuple[ModelSpec, ...]:
        """The models of a role, best first."""
        return self._roles.get(role) or self._default

    def context_tokens(self, role: str, window: str) -> int:
        """The smallest conversation limit among a role's models, so that a fallback can take over at any time."""
        return min(context_tokens(spec, spec.named(window)) for spec in self.specs(role))

    def check_prices(self, role: str, window: str) -> None:
        """Raises `PriceUnknown` for the first model of a role that could not be held to a money limit."""
        for spec in self.specs(role):
            if call_cost(spec, spec.named(window), 1, 1) is None:
                raise PriceUnknown(spec.named(window))

    def complete(
        self,
        messages: Sequence[Json],
        tools: Sequence[Json],
        *,
        role: str,
        window: str,
        key: str,
        ledger: Ledger,
        cancelled: Callable[[], bool],
    ) -> Reply:
        """The next reply of a conversation (OpenAI's message and tool format).

        `window` is the window's name as `{window}` in a model's name takes it. `key` is the step's in the ledger: the
        first request reserves under it, the n-th repetition under `"{key}~{n}"`. Raises `Cancelled`, `ContextExceeded`,
        `ModelUnavailable`, `ModelRejected`, `PriceUnknown`, and what the ledger raises.
        """
        began = time.monotonic()
        chars = conversation_chars(messages) + len(json.dumps(tools))
        attempts: list[Attempt] = []
        failed = _Billed()
        specs = self.specs(role)
        for spec in specs:
            model = spec.named(window)
            for tried in range(self._policy.attempts):
                if cancelled():
                    raise Cancelled
                request_key = key if not attempts else f"{key}~{len(attempts)}"
                self._reserve(ledger, request_key, spec, model, chars)
                into = Assembly()
                request: Json = {"model": model, "messages": list(messages), "max_tokens": spec.max_output_tokens}
                request |= {"api_base": spec.api_base, "api_key": spec.api_key}
                if tools:
                    request["tools"] = list(tools)
                try:
                    self._send(request, into, cancelled)
                except (RequestFailed, Cancelled) as error:
                    billed = _billed_for_failure(error, spec, model, chars, into)
                    ledger.settle(request_key, billed.usd or Decimal(0), billed.tokens)
                    if isinstance(error, Cancelled):
                        raise
                    failed = _Billed(failed.tokens + billed.tokens, _add(failed.usd, billed.usd))
                    attempts.append(Attempt(model=model, fault=error.fault, detail=error.detail))
                    wait = self._wait(error, tried)
                    if wait is None:
                        break
                    self._pause(wait, cancelled)
                    continue
                billed = _billed(spec, model, chars, into)
                ledger.settle(request_key, billed.usd or Decimal(0), billed.tokens)
                prompt, completion = _tokens(chars, into)
                return Reply(
                    text="".join(into.text),
                    calls=_calls(into, key),
                    finish_reason=into.finish_reason or "",
                    model=model,
                    attempts=tuple(attempts),
                    fallback_for=None if spec is specs[0] else specs[0].named(window),
                    prompt_tokens=prompt,
                    completion_tokens=completion,
                    failed_tokens=failed.tokens,
                    cost_usd=_add(failed.usd, billed.usd),
                    seconds=time.monotonic() - began,
                )
        tries = "; ".join(f"{attempt.model}: {attempt.fault}" for attempt in attempts)
        raise ModelUnavailable(f"no model answered ({tries}); the last said: {attempts[-1].detail}")

    def _reserve(self, ledger: Ledger, key: str, spec: ModelSpec, model: str, chars: int) -> None:
        tokens = estimate_tokens(chars)
        usd = call_cost(spec, model, tokens, spec.max_output_tokens)
        if usd is None and self._money_limited:
            raise PriceUnknown(model)
        ledger.reserve(key, usd or Decimal(0), tokens + spec.max_output_tokens)

    def _send(self, request: Json, into: Assembly, cancelled: Callable[[], bool]) -> None:
        """Streams one request in a thread of its own, so that a silent provider cannot keep a cancelled window."""
        failure: list[BaseException] = []
        done, stop = threading.Event(), threading.Event()

        def work() -> None:
            try:
                stream(request, self._policy.read_s, into, stop)
            except BaseException as error:
                failure.append(error)
            finally:
                done.set()

        threading.Thread(target=work, name="model-call", daemon=True).start()
        deadline = time.monotonic() + self._policy.total_s
        while not done.wait(_POLL_S):
            if cancelled():
                stop.set()
                raise Cancelled
            if time.monotonic() > deadline:
                stop.set()
                raise RequestFailed(Fault.timeout, f"the request took longer than {self._policy.total_s:.0f} s")
        if failure:
            raise failure[0]

    def _wait(self, error: RequestFailed, tried: int) -> float | None:
        """Seconds before the same model is asked again; None to go on to the next one. Raises for hopeless faults."""
        if error.fault is Fault.context_window:
            raise ContextExceeded(error.detail) from None
        if error.fault in (Fault.refused, Fault.script_mismatch):
            raise ModelRejected(f"{error.fault}: {error.detail}") from None
        if error.fault not in RETRYABLE or tried + 1 >= self._policy.attempts:
            return None
        backoff = min(self._policy.longest_wait_s, self._policy.first_delay_s * 2**tried)
        wait = max(error.retry_after_s or 0.0, backoff * (0.5 + self._jitter() / 2))
        return wait if wait <= self._policy.longest_wait_s else None

    def _pause(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        while seconds > 0:
            if cancelled():
                raise Cancelled
            piece = min(seconds, _POLL_S)
            self._sleep(piece)
            seconds -= piece


def _tokens(chars: int, into: Assembly) -> tuple[int, int]:
    """Prompt and completion tokens: the provider's own count, else the estimate."""
    if into.usage is not None:
        return int(into.usage.prompt_tokens or 0), int(into.usage.completion_tokens or 0)
    return estimate_tokens(chars), estimate_tokens(into.chars)


def _billed(spec: ModelSpec, model: str, chars: int, into: Assembly) -> _Billed:
    prompt, completion = _tokens(chars, into)
    return _Billed(prompt + completion, call_cost(spec, model, prompt, completion, into.usage))


def _billed_for_failure(error: Exception, spec: ModelSpec, model: str, chars: int, into: Assembly) -> _Billed:
    """A refused request is not billed. One that was being worked on is, by what is known: its prompt and what came."""
    working = isinstance(error, Cancelled) or (
        isinstance(error, RequestFailed) and error.fault in (Fault.cut_stream, Fault.timeout)
    )
    return _billed(spec, model, chars, into) if working else _Billed()


def _add(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _calls(into: Assembly, key: str) -> tuple[ToolCall, ...]:
    """The tool calls in order; ids that are missing or doubled are replaced, as answers refer to them."""
    calls: list[ToolCall] = []
    for place, (_, call) in enumerate(sorted(into.calls.items())):
        identity = call["id"]
        if not identity or any(identity == earlier.id for earlier in calls):
            identity = f"call_{key.rpartition('/')[2]}_{place}"
        calls.append(ToolCall(id=identity, name=call["name"], arguments="".join(call["arguments"])))
    return tuple(calls)
