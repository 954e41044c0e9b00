"""An answer that comes a little at a time, and never whole, has not come in time."""

import struct
import time
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from kernels.bench import start_candidate
from kernels.hosting import Ended, Place
from kernels.messages import MAGIC, Kind

pytestmark = pytest.mark.xdist_group("kernels")


class Talkative:
    """A line on which there is always something. A real one has more within each short wait only on a quick machine."""

    def __init__(self) -> None:
        begun = struct.pack(">4sB3s16sIQ", MAGIC, Kind.answer, bytes(3), bytes(16), 2, 1 << 20)
        self.said: Iterator[bytes] = chain([begun], repeat(b"\0"))
        self.until = time.monotonic() + 5

    def send(self, data: bytes, timeout: float) -> None: ...

    def receive(self, timeout: float) -> bytes:
        assert time.monotonic() < self.until, "it is listened to long after it is late"
        time.sleep(min(0.005, timeout))  # a byte now and then
        return next(self.said)


def test_a_program_that_drips_is_late(place: Place) -> None:
    with start_candidate(place) as worker:
        worker._line = Talkative()  # type: ignore[assignment]  # the half of a line that is asked
        with pytest.raises(Ended) as told:
            worker.ask("probe", {}, timeout=0.3)
        assert told.value.why == "timeout"
