import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.messages import MAGIC, MOST_HEAD, Decoder, Kind, Message, ProtocolError, Tensor, encode, expect
from kernels.tensors import TensorSpec

NONCE = bytes(range(16))
LIMIT = 1 << 20


def whole(message: Message) -> bytes:
    return b"".join(bytes(part) for part in encode(message))


def a_message(**head: Any) -> Message:
    tensors = [Tensor(TensorSpec("float32", (2, 3)), bytes(range(24))), Tensor(TensorSpec("int8", (0,)), b"")]
    return Message(Kind.answer, NONCE, head, tensors)


@given(st.lists(st.integers(1, 40), max_size=40), st.dictionaries(st.text(), st.integers() | st.text(), max_size=3))
def test_what_is_sent_arrives_however_it_is_cut(cuts: list[int], head: dict[str, Any]) -> None:
    head.pop("tensors", None)
    message = a_message(**head)
    data = whole(message) * 2
    decoder = Decoder(LIMIT)
    found: list[Message] = []
    for cut in cuts:
        found += decoder.feed(data[:cut])
        data = data[cut:]
    found += decoder.feed(data)
    decoder.finish()
    assert found == [message, message]


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for_and_never_a_message(noise: bytes) -> None:
    decoder = Decoder(LIMIT)
    try:
        assert decoder.feed(noise) == []
    except ProtocolError:
        with pytest.raises(ProtocolError, match="earlier"):
            decoder.feed(whole(a_message()))


@given(st.integers(0, 35), st.integers(1, 255))
@settings(max_examples=300)
def test_a_bit_changed_in_the_header_is_never_another_tensor(place: int, change: int) -> None:
    message = a_message(step=1)
    data = bytearray(whole(message))
    data[place] ^= change
    try:
        found = Decoder(LIMIT).feed(data)
    except ProtocolError:
        return
    for one in found:
        assert one.tensors == message.tensors
        assert (one.kind, one.nonce) != (message.kind, message.nonce)


def framed(
    head: bytes, tensors: bytes = b"", *, kind: int = 3, length: int | None = None, magic: bytes = MAGIC
) -> bytes:
    size = len(tensors) if length is None else length
    return struct.pack(">4sB3s16sIQ", magic, kind, b"\0\0\0", NONCE, len(head), size) + head + tensors


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (framed(b"{}", magic=b"XXXX"), "begin"),
        (b"PASS", "begin"),
        (framed(b"{}", kind=9), "no such kind"),
        (framed(b"{}"), "which tensors"),
        (framed(b"[]"), "no JSON object"),
        (framed(b"{"), "no JSON"),
        (framed(b'{"tensors": [], "x": NaN}'), "no JSON"),
        (framed(b"\xff\xfe"), "no JSON"),
        (framed(b"[" * 60_000), "no JSON"),
        (framed(b'{"tensors": [["float32", [2]]]}', bytes(4)), "another length"),
        (framed(b'{"tensors": [["float32", [-2]]]}', bytes(8)), "no shape"),
        (framed(b'{"tensors": [["float32", [true]]]}', bytes(4)), "no shape"),
        (framed(b'{"tensors": [["float32", 2]]}', bytes(8)), "dtype and shape"),
        (framed(b'{"tensors": [["pickle", [2]]]}', bytes(8)), "no dtype"),
        (framed(b'{"tensors": {}}'), "which tensors"),
        (framed(b'{"tensors": [' + b",".join([b'["int8", [0]]'] * 1025) + b"]}"), "which tensors"),
        (framed(b"{}", length=LIMIT + 1), "were asked for"),
        (struct.pack(">4sB3s16sIQ", MAGIC, 3, b"\0\0\0", NONCE, MOST_HEAD + 1, 0), "at most"),
        (struct.pack(">4sB3s16sIQ", MAGIC, 3, b"\0\0\1", NONCE, 2, 0), "begin"),
    ],
)
def test_what_is_no_message(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        Decoder(LIMIT).feed(data)
    assert "PASS" not in str(caught.value)


def test_a_stream_that_ends_within_a_message() -> None:
    decoder = Decoder(LIMIT)
    assert decoder.feed(whole(a_message())[:-1]) == []
    with pytest.raises(ProtocolError, match="ended within"):
        decoder.finish()


def test_only_the_answer_to_what_was_asked_counts() -> None:
    message = a_message()
    assert expect(message, NONCE, Kind.answer, Kind.trouble) is message
    with pytest.raises(ProtocolError, match="not asked"):
        expect(message, bytes(16), Kind.answer)
    with pytest.raises(ProtocolError, match="answer came where hello was due"):
        expect(message, NONCE, Kind.hello)


def test_what_could_not_be_read_is_not_sent() -> None:
    for message in (
        Message(Kind.request, b"short"),
        Message(Kind.request, NONCE, {"x": "y" * MOST_HEAD}),
        Message(Kind.request, NONCE, {"x": float("nan")}),
        Message(Kind.request, NONCE, {}, [Tensor(TensorSpec("int8", (0,)), b"")] * 1025),
    ):
        with pytest.raises(ValueError, match=r"a nonce has 16|bytes describe|1025 tensors|JSON compliant"):
            whole(message)
    with pytest.raises(ValueError, match="needs 4 bytes"):
        Tensor(TensorSpec("float32", (1,)), b"\0")


def test_the_head_travels_as_ascii() -> None:
    data = whole(Message(Kind.trouble, NONCE, {"what": "\u00e4\ud800"}))
    head = json.loads(data[36:].decode("ascii"))
    assert head == {"what": "\u00e4\ud800", "tensors": []}
