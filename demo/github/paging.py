"""Lists in pages, with GitHub's Link header. https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from demo.github.errors import Refusal
from demo.github.routing import Call, Reply

T = TypeVar("T")
LARGEST = 100


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    return int(text) if text.isdigit() and int(text) > 0 else default


def page(call: Call, items: Sequence[T], draw: Callable[[T], Any], *, wrap: str | None = None) -> Reply:
    """One page of `items`, as `per_page` and `page` of the query say.

    `wrap` names the list's key in an object that also has `total_count`; without it the answer is the bare list.
    """
    size = min(_whole(call, "per_page", 30), LARGEST)
    number = _whole(call, "page", 1)
    last = max(1, -(-len(items) // size))
    shown = [draw(item) for item in items[(number - 1) * size : number * size]]
    links = []
    if number > 1:
        links += [_link(call, "prev", page=min(number - 1, last)), _link(call, "first", page=1)]
    if number < last:
        links += [_link(call, "next", page=number + 1), _link(call, "last", page=last)]
    headers = {"link": ", ".join(links)} if links else {}
    return Reply(200, shown if wrap is None else {"total_count": len(items), wrap: shown}, headers)


def by_cursor(call: Call, items: Sequence[T], key: Callable[[T], int], draw: Callable[[T], Any]) -> Reply:
    """One page of `items`, newest first, where `cursor` names the key that the page starts after."""
    size = min(_whole(call, "per_page", 30), LARGEST)
    cursor = call.query.get("cursor")
    if cursor is not None:
        _, _, text = cursor.partition("_")
        if not cursor.startswith("v1_") or not text.isdigit():
            raise Refusal(400, "The cursor is not one of ours")
        items = [item for item in items if key(item) < int(text)]
    shown = list(items[:size])
    headers = {}
    if len(items) > size:
        headers["link"] = _link(call, "next", cursor=f"v1_{key(shown[-1])}")
    return Reply(200, [draw(item) for item in shown], headers)


def _link(call: Call, relation: str, **changed: object) -> str:
    query = {**call.query, **{name: str(value) for name, value in changed.items()}}
    return f'<{call.base}{call.path}?{urlencode(query)}>; rel="{relation}"'
