"""Model calls through LiteLLM over real HTTP: faults, repetition, fallbacks, money, cancellation, secrets."""

import contextlib
import gc
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from agent import BudgetExhausted, CallPolicy, ModelClient, ModelSpec, Price, PriceUnknown
from agent.journal import Reply
from agent.model import Cancelled, ContextExceeded, ModelRejected, ModelUnavailable
from demo.scripted_model import ScriptedModel
from tests.agent.bench import MemoryLedger, Stop, call, script

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "task"}]
TOOLS = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object", "properties": {}}}}]
PRICE = Price(Decimal(1), Decimal(2))


class Caller:
    def __init__(self, *specs: ModelSpec, roles: dict[str, Any] | None = None, **policy: Any) -> None:
        self.waits: list[float] = []
        self.ledger = MemoryLedger()
        self.client = ModelClient(
            specs,
            roles,
            policy=CallPolicy(**{"read_s": 5.0, "first_delay_s": 0.5, **policy}),
            sleep=self.waits.append,
            jitter=lambda: 1.0,
        )

    def ask(self, window: str = "plan", key: str = "1/plan#1/1", stop: Stop | None = None) -> Reply:
        return self.client.complete(
            MESSAGES,
            TOOLS,
            role=window,
            window=window,
            key=key,
            ledger=self.ledger,
            cancelled=stop or Stop(),
        )


@contextmanager
def scripted(turns: list[dict[str, Any]]) -> Iterator[tuple[ScriptedModel, ModelSpec]]:
    model = script(plan=turns)
    with model.serve() as server:
        yield model, ModelSpec("openai/{window}", server.base_url, server.api_key, PRICE, max_output_tokens=1000)


def outcomes(model: ScriptedModel) -> list[str | None]:
    return [exchange.fault for exchange in model.exchanges]


def test_a_reply_with_text_calls_usage_and_cost() -> None:
    turn = call({"tool": "run", "args": {"command": "ls é"}}, {"tool": "run", "args": {}}, say="looking " * 40)
    with scripted([turn]) as (model, spec):
        caller = Caller(spec)
        reply = caller.ask()
    assert reply.text == "looking " * 40
    assert [(made.name, made.arguments) for made in reply.calls] == [("run", '{"command": "ls é"}'), ("run", "{}")]
    assert len({made.id for made in reply.calls}) == 2
    assert reply.finish_reason == "tool_calls"
    assert (reply.model, reply.attempts, reply.fallback_for) == ("openai/plan", (), None)
    assert reply.prompt_tokens == 3
    assert reply.completion_tokens > 80
    assert reply.cost_usd == PRICE.cost(reply.prompt_tokens, reply.completion_tokens)
    assert caller.ledger.settled == {"1/plan#1/1": (reply.cost_usd, reply.tokens)}
    assert outcomes(model) == [None]


RECOVERED = [
    ("rate_limit", [1.0]),
    ("overloaded", [0.5]),
    ("cut_stream", [0.5]),
    ("timeout", [0.5]),
]


@pytest.mark.parametrize(("fault", "waits"), RECOVERED)
def test_a_passing_fault_is_repeated_once_and_by_nobody_else(fault: str, waits: list[float]) -> None:
    with scripted([{"fault": fault}, {"say": "here " * 100}]) as (model, spec):
        caller = Caller(spec, read_s=0.7)
        reply = caller.ask()
    assert reply.text == "here " * 100
    assert [(attempt.model, attempt.fault) for attempt in reply.attempts] == [("openai/plan", fault)]
    assert outcomes(model) == [fault, None]
    assert sum(caller.waits) == pytest.approx(sum(waits))
    assert caller.ledger.keys == ["1/plan#1/1", "1/plan#1/1~1"]
    assert caller.ledger.reserved == {}


def test_only_what_was_worked_on_is_billed() -> None:
    with scripted([{"fault": "rate_limit"}, {"fault": "cut_stream"}, {"say": "x" * 500}]) as (_, spec):
        caller = Caller(spec)
        reply = caller.ask()
    costs = [caller.ledger.settled[key] for key in caller.ledger.keys]
    assert costs[0] == (Decimal(0), 0)
    assert costs[1][0] > 0
    assert reply.failed_tokens == costs[1][1]
    assert reply.cost_usd == costs[1][0] + costs[2][0]


def test_waits_grow_and_are_bounded() -> None:
    with scripted([{"fault": "overloaded"}] * 4 + [{"say": "at last"}]) as (_, spec):
        caller = Caller(spec, first_delay_s=1.0, longest_wait_s=3.0)
        caller.ask()
    assert sum(caller.waits) == pytest.approx(1 + 2 + 3 + 3)


def test_too_long_a_wait_asked_for_goes_to_the_fallback() -> None:
    with (
        scripted([{"fault": "rate_limit"}, {"say": "never"}]) as (_, spec),
        scripted([{"say": "instead"}]) as (_, other),
    ):
        caller = Caller(spec, ModelSpec("openai/{window}", other.api_base, other.api_key, PRICE), longest_wait_s=0.2)
        reply = caller.ask()
    assert reply.text == "instead"
    assert caller.waits == []


def test_a_fallback_answers_and_is_named() -> None:
    silent, answering = [{"fault": "overloaded"}] * 3 + [{"say": "no"}], [{"say": "yes"}]
    with scripted(silent) as (first, spec), scripted(answering) as (second, other):
        reply_from = ModelSpec("openai/plan", other.api_base, other.api_key, PRICE)
        caller = Caller(spec, reply_from, attempts=3)
        reply = caller.ask()
    assert reply.text == "yes"
    assert reply.fallback_for == "openai/plan"
    assert [attempt.fault for attempt in reply.attempts] == ["overloaded"] * 3
    assert (len(first.exchanges), len(second.exchanges)) == (3, 1)
    assert caller.ledger.keys == ["1/plan#1/1", "1/plan#1/1~1", "1/plan#1/1~2", "1/plan#1/1~3"]


def test_when_nobody_answers_everything_tried_is_said() -> None:
    with scripted([{"fault": "overloaded"}] * 2 + [{"fault": "rate_limit"}] * 2 + [{"say": "no"}]) as (_, spec):
        caller = Caller(spec, attempts=4)
        with pytest.raises(ModelUnavailable, match=r"overloaded.*overloaded.*rate_limit.*Rate limit reached"):
            caller.ask()


def test_a_connection_that_cannot_be_made_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        spec = ModelSpec("openai/plan", f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "key", PRICE)
        caller = Caller(spec, attempts=2)
        with pytest.raises(ModelUnavailable, match="connection"):
            caller.ask()
    assert len(caller.ledger.keys) == 2


def test_too_long_a_conversation_is_told_apart() -> None:
    with scripted([{"fault": "context_exceeded"}, {"say": "x"}]) as (model, spec), pytest.raises(ContextExceeded):
        Caller(spec).ask()
    assert outcomes(model) == ["context_exceeded"]


def test_a_script_mismatch_is_final_although_there_is_a_fallback() -> None:
    with (
        scripted([{"expect": "zebra", "say": "x"}]) as (model, spec),
        scripted([{"say": "y"}]) as (second, other),
        pytest.raises(ModelRejected, match=r"script_mismatch.*zebra.*task"),
    ):
        Caller(spec, other).ask()
    assert len(model.exchanges) == 1
    assert second.exchanges == []


def test_a_wrong_key_is_final_and_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-planted-canary-0123456789"
    with scripted([{"say": "x"}]) as (_, spec):
        wrong = ModelSpec(spec.name, spec.api_base, key, PRICE)
        caller = Caller(wrong)
        with pytest.raises(ModelRejected, match="refused") as caught:
            caller.ask()
    assert len(caller.ledger.keys) == 1
    shown = "".join(traceback.format_exception(caught.value)) + repr(wrong) + repr(caller.client) + caplog.text
    assert key not in shown


def test_a_stream_that_just_ends_was_cut() -> None:
    """Some proxies close a stream properly without its end: no finish reason means the answer is not whole."""
    body = b'data: {"id":"x","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":'
    body += b'{"role":"assistant","content":"half"},"finish_reason":null}]}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with raw_server(head % len(body) + body) as url:
        caller = Caller(ModelSpec("openai/m", url, "key", PRICE), attempts=1)
        with pytest.raises(ModelUnavailable, match="cut_stream"):
            caller.ask()


def test_a_stream_that_drips_forever_is_ended() -> None:
    with scripted([{"say": "x", "delay_s": 30}]) as (_, spec):
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="longer than 1 s"):
            Caller(spec, attempts=1, read_s=60, total_s=0.6).ask()
        assert time.monotonic() - began < 10


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Answers every connection with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 20)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_being_cancelled_leaves_a_silent_provider_at_once() -> None:
    stop = Stop()
    with scripted([{"fault": "timeout"}, {"say": "x"}]) as (_, spec):
        threading.Timer(0.3, stop.event.set).start()
        caller = Caller(spec, read_s=60)
        began = time.monotonic()
        with pytest.raises(Cancelled):
            caller.ask(stop=stop)
        assert time.monotonic() - began < 5
    assert caller.ledger.reserved == {}
    assert caller.ledger.settled["1/plan#1/1"][1] > 0


def test_a_wait_between_attempts_can_be_cancelled() -> None:
    stop = Stop()
    with scripted([{"fault": "overloaded"}, {"say": "x"}]) as (model, spec):
        client = ModelClient([spec], policy=CallPolicy(first_delay_s=30), sleep=lambda _: stop.event.set())
        with pytest.raises(Cancelled):
            client.complete(MESSAGES, TOOLS, role="plan", window="plan", key="k", ledger=MemoryLedger(), cancelled=stop)
    assert len(model.exchanges) == 1


def test_an_unknown_price_is_an_error_under_a_money_limit() -> None:
    with scripted([{"say": "x"}]) as (model, spec):
        unpriced = ModelSpec(spec.name, spec.api_base, spec.api_key)
        caller = Caller(unpriced)
        with pytest.raises(PriceUnknown, match=r"openai/plan.*configure the model's price"):
            caller.ask()
        with pytest.raises(PriceUnknown):
            caller.client.check_prices("plan", "plan")
        assert model.exchanges == []
        free = ModelClient([unpriced], money_limited=False)
        reply = free.complete(
            MESSAGES, TOOLS, role="plan", window="plan", key="k", ledger=MemoryLedger(), cancelled=Stop()
        )
    assert reply.cost_usd is None
    assert reply.tokens > 0


def test_known_models_need_no_price() -> None:
    client = ModelClient([ModelSpec("openai/gpt-4o")])
    client.check_prices("plan", "plan")
    assert client.context_tokens("plan", "plan") == 128_000
    small = ModelClient([ModelSpec("openai/gpt-4o"), ModelSpec("openai/gpt-4o", context_tokens=9000)])
    assert small.context_tokens("plan", "plan") == 9000
    assert ModelClient([ModelSpec("openai/unheard-of")]).context_tokens("plan", "plan") == 128_000


def test_a_budget_that_is_used_up_stops_before_the_call() -> None:
    with scripted([{"say": "x"}]) as (model, spec):
        caller = Caller(spec)
        caller.ledger.usd = Decimal("0.000001")
        with pytest.raises(BudgetExhausted):
            caller.ask()
    assert model.exchanges == []


def test_a_role_has_models_of_its_own() -> None:
    with scripted([{"say": "for all"}]) as (_, spec), scripted([{"say": "for plans"}]) as (_, other):
        caller = Caller(spec, roles={"plan": [other]})
        assert caller.ask("plan").text == "for plans"
        assert caller.client.specs("research") == (spec,)


def test_calls_share_a_connection() -> None:
    model = script(plan=[{"say": "x" * 500}])
    with model.serve() as server:
        caller = Caller(ModelSpec("openai/{window}", server.base_url, server.api_key, PRICE))
        for step in range(5):
            caller.ask(key=f"1/plan#1/{step}")
        assert server.connections == 1


def test_calls_that_break_off_do_not_block_others() -> None:
    """Streams left to the garbage collector once locked the connection pool for good; so it collects often here."""
    thresholds = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    turns: list[dict[str, Any]] = [{"fault": "cut_stream"}, {"fault": "timeout"}, {"say": "x" * 500}]
    try:
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: broken_off(turns), range(8)))
    finally:
        gc.set_threshold(*thresholds)
    assert replies == ["x" * 500] * 8


def broken_off(turns: list[dict[str, Any]]) -> str:
    """The reply to a conversation one of whose requests is cancelled, one cut and one never answered."""
    stop = Stop()
    with scripted(turns) as (_, spec):
        caller = Caller(spec, read_s=0.3, total_s=20)
        threading.Timer(0.05, stop.event.set).start()
        with contextlib.suppress(Cancelled):
            caller.ask(stop=stop)
        return caller.ask().text


def test_a_client_needs_a_model() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        ModelClient([])


def test_no_call_leaves_a_thread_behind() -> None:
    before = threading.active_count()
    with scripted([{"say": "x"}]) as (_, spec):
        Caller(spec).ask()
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
