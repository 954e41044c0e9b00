"""Websocket frames: what is sent can be read by a strict reader, what arrives may be cut anywhere or be hostile."""

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.on_kubernetes.framing import MESSAGE_LIMIT, Decoder, FramingError, Message, Op, encode


def frame(op, data, *, final=True, first=0):
    """A server's frame: not masked."""
    size = len(data)
    head = bytes([(0x80 if final else 0) | first | op])
    if size < 126:
        head += bytes([size])
    elif size < 1 << 16:
        head += struct.pack(">BH", 126, size)
    else:
        head += struct.pack(">BQ", 127, size)
    return head + data


def unmasked(data):
    """What a server reads of one of our frames (RFC 6455, section 5.3): its type and payload."""
    assert data[0] & 0x70 == 0
    assert data[1] & 0x80
    size, start = data[1] & 0x7F, 2
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(data[2:10], "big"), 10
    key, payload = data[start : start + 4], data[start + 4 :]
    assert len(payload) == size
    return data[0] & 0x0F, bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65535, 65536, 70001])
def test_a_server_reads_what_was_sent(size):
    data = os.urandom(size)
    assert unmasked(encode(Op.BINARY, b"\0", memoryview(data))) == (Op.BINARY, b"\0" + data)


messages = st.lists(st.tuples(st.sampled_from([Op.TEXT, Op.BINARY]), st.binary(max_size=300)), max_size=8)


@given(messages, st.lists(st.integers(1, 50), min_size=1, max_size=50), st.integers(1, 64))
def test_messages_arrive_however_they_are_cut(sent, cuts, piece):
    stream = b""
    for op, data in sent:
        parts = [data[start : start + piece] for start in range(0, len(data), piece)] or [b""]
        for index, part in enumerate(parts):
            stream += frame(Op.MORE if index else op, part, final=index == len(parts) - 1)
            stream += frame(Op.PING, b"between")
    decoder, found = Decoder(), []
    while stream:
        size = cuts[len(stream) % len(cuts)]
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert [(one.op, one.data) for one in found if one.op is not Op.PING] == sent


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"\xc2\0", "reserved bits"),
        (b"\x82\x80abcd", "mask"),
        (b"\x83\0", "type 3"),
        (b"\x8f\0", "type 15"),
        (b"\x82\x7f" + (MESSAGE_LIMIT + 1).to_bytes(8, "big"), "bytes"),
        (b"\x82\x7f" + b"\xff" * 8, "bytes"),
        (frame(Op.MORE, b"x"), "out of order"),
        (frame(Op.BINARY, b"x", final=False) + frame(Op.BINARY, b"y"), "out of order"),
        (frame(Op.PING, b"x", final=False), "control frame"),
        (frame(Op.CLOSE, b"x" * 126), "control frame"),
        (frame(Op.BINARY, b"HTTP", first=0x40), "reserved bits"),
    ],
)
def test_what_is_no_server_is_refused(stream, words):
    with pytest.raises(FramingError, match=words):
        Decoder().feed(stream)


def test_a_message_of_endless_pieces_is_refused():
    decoder = Decoder()
    decoder.feed(frame(Op.BINARY, bytes(1 << 20), final=False))
    piece = frame(Op.MORE, bytes(1 << 20), final=False)
    with pytest.raises(FramingError, match="beyond the limit"):
        list(map(decoder.feed, [piece] * 20))


def test_a_message_says_its_channel():
    assert Message(Op.BINARY, b"\x03{}").channel == 3
    assert Message(Op.BINARY, b"").channel == -1
