"""What is kept of output: never more than the limit, always the true total, head and tail as they were."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sandboxes.inside.output import HeadTail


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(0, 400))
def test_the_limit_holds_for_any_writes(writes, limit):
    kept = HeadTail(limit)
    for data in writes:
        kept.add(data)
    whole = b"".join(writes)
    value = kept.value()
    assert kept.total == len(whole)
    assert len(value) <= limit
    assert kept.truncated == (len(whole) > limit)
    if not kept.truncated:
        assert value == whole
    assert value[: limit // 2] == whole[: limit // 2]


@given(st.integers(100, 1000), st.integers(1001, 5000), st.integers(1, 64))
def test_the_line_between_head_and_tail_counts_what_is_missing(limit, total, step):
    whole = bytes(i % 251 for i in range(total))
    kept = HeadTail(limit)
    for start in range(0, total, step):
        kept.add(whole[start : start + step])
    found = re.search(rb" *\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n", kept.value())
    assert found
    head, tail = kept.value()[: found.start()], kept.value()[found.end() :]
    assert len(head) + int(found[1]) + len(tail) == total
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert tail


def test_a_limit_without_room_for_the_line_keeps_the_head():
    kept = HeadTail(20)
    kept.add(b"0123456789" * 10)
    assert kept.value() == b"0123456789"
