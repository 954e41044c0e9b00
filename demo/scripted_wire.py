"""OpenAI's chat completion wire format, as the scripted model writes it.

Pure: a turn in, JSON-ready bodies out. Fields follow OpenAI's API reference for chat completions and streaming
(https://platform.openai.com/docs/api-reference/chat); error bodies follow its error code guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
_CHARS_PER_TOKEN = 4
_CHUNK_CHARS = 120


def tokens(text: str) -> int:
    """An estimate, never a count: one token for every started four characters, the rule of thumb OpenAI publishes."""
    return -(-len(text) // _CHARS_PER_TOKEN)


def usage(messages: Sequence[Mapping[str, Any]], reply: Json) -> Json:
    """Usage figures from the length of what was sent and what is answered (see `tokens`)."""
    prompt = sum(tokens(message_text(message)) for message in messages)
    completion = tokens(message_text(reply))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def message_text(message: Mapping[str, Any]) -> str:
    """The readable text of one message: its content, and the tool calls it makes."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    calls = message.get("tool_calls") or []
    return str(content) + "".join(f"{call['function']['name']} {call['function']['arguments']}" for call in calls)


def assistant(say: str | None, calls: Sequence[tuple[str, str]], seed: str) -> Json:
    """An assistant message; `calls` are (tool, arguments as text). Call ids are derived from `seed`, so that the same
    place in a conversation always gives the same ids."""
    message: Json = {"role": "assistant", "content": say}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{seed}_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(calls)
        ]
    return message


def arguments(values: Mapping[str, Any]) -> str:
    """A call's arguments as a model would write them."""
    return json.dumps(values, ensure_ascii=False)


def completion(message: Json, figures: Json, model: str, identity: str) -> Json:
    """The body of a non-streaming answer."""
    return {
        "id": identity,
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(message), "logprobs": None}],
        "usage": figures,
    }


def chunks(message: Json, figures: Json, model: str, identity: str) -> Iterator[Json]:
    """The answer as `chat.completion.chunk` objects; the last one carries the usage."""

    def chunk(delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": 0,
            "model": model,
            "choices": [choice],
        }

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(message["content"] or ""):
        yield chunk({"content": piece})
    for index, call in enumerate(message.get("tool_calls", [])):
        head = {"name": call["function"]["name"], "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": head}]})
        for piece in _pieces(call["function"]["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(message))
    yield {**chunk({}), "choices": [], "usage": figures}


def error(message: str, kind: str, code: str | None) -> Json:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def event(data: Json) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def _finish(message: Json) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _CHUNK_CHARS):
        yield text[start : start + _CHUNK_CHARS]
