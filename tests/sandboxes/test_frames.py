"""The wire format: what goes in comes out, however the stream is cut, and anything else is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.inside.frames import HEADER_LIMIT, MAGIC, PAYLOAD_LIMIT, Decoder, Frame, ProtocolError, encode

scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20)
headers = st.dictionaries(st.text(max_size=10), scalars | st.lists(scalars, max_size=4), max_size=5)
frames = st.lists(st.tuples(headers, st.binary(max_size=300)), max_size=5)


def prefix(head: int, body: int, magic: bytes = MAGIC) -> bytes:
    return struct.pack(">4sII", magic, head, body)


@given(frames, st.data())
def test_frames_survive_any_cut(messages, data):
    stream = b"".join(encode(header, payload) for header, payload in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = Decoder()
    got = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += decoder.feed(stream[start:end])
    assert got == [Frame(header, payload) for header, payload in messages]
    assert decoder.pending == 0


@given(headers, st.binary(max_size=50))
def test_frames_survive_one_byte_at_a_time(header, payload):
    decoder = Decoder()
    stream = encode(header, payload)
    got = [frame for byte in stream[:-1] for frame in decoder.feed(bytes([byte]))]
    assert got == []
    assert decoder.pending == len(stream) - 1
    assert decoder.feed(stream[-1:]) == [Frame(header, payload)]


@given(st.binary(min_size=1, max_size=200).filter(lambda data: not MAGIC.startswith(data[:4])))
def test_garbage_is_refused_and_stays_refused(garbage):
    decoder = Decoder()
    with pytest.raises(ProtocolError, match="not a frame"):
        decoder.feed(garbage)
    with pytest.raises(ProtocolError, match="not a frame"):
        decoder.feed(encode({"id": 1}))
    assert decoder.pending == 0


@given(frames.filter(bool), st.data())
def test_a_flipped_byte_yields_other_frames_or_an_error_but_never_a_crash(messages, data):
    stream = bytearray(b"".join(encode(header, payload) for header, payload in messages))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    decoder = Decoder()
    try:
        for frame in decoder.feed(bytes(stream)):
            assert isinstance(frame.header, dict)
    except ProtocolError:
        assert decoder.pending == 0


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"HTTP/1.1 400", "not a frame"),
        (b"F\0", "not a frame"),
        (prefix(2, 0, b"FHB2") + b"{}", "not a frame"),
        (prefix(HEADER_LIMIT + 1, 0), "announced header of 1048577 bytes"),
        (prefix(2, PAYLOAD_LIMIT + 1), "announced payload of 4194305 bytes"),
        (prefix(0xFFFFFFFF, 0xFFFFFFFF), "announced header"),
        (prefix(0, 0), "not JSON"),
        (prefix(3, 0) + b"{a}", "not JSON"),
        (prefix(2, 0) + b"\xff\xfe", "not JSON"),
        (prefix(2, 0) + b"[]", "a JSON list"),
        (prefix(4, 0) + b"null", "a JSON NoneType"),
        (prefix(200_000, 0) + b"[" * 200_000, "not JSON"),
    ],
)
def test_refusals(stream, message):
    with pytest.raises(ProtocolError, match=message):
        Decoder().feed(stream)


def test_a_good_frame_before_a_bad_one_is_not_acted_on():
    with pytest.raises(ProtocolError, match="not a frame"):
        Decoder().feed(encode({"id": 1}) + b"nonsense")


def test_the_largest_frame_passes_and_a_larger_one_is_not_sent():
    payload = b"x" * PAYLOAD_LIMIT
    assert Decoder().feed(encode({"id": 1}, payload)) == [Frame({"id": 1}, payload)]
    with pytest.raises(ProtocolError, match="payload of 4194305"):
        encode({}, payload + b"x")
    with pytest.raises(ProtocolError, match="header of"):
        encode({"x": "y" * HEADER_LIMIT})


def test_paths_that_are_not_utf_8_pass():
    path = b"caf\xe9".decode("utf-8", "surrogateescape")
    [frame] = Decoder().feed(encode({"path": path}))
    assert frame.header["path"].encode("utf-8", "surrogateescape") == b"caf\xe9"
