"""Measuring measures what it says: known delays come out as figures, and what fails is never a figure."""

import time

import pytest

from sandboxes import SandboxError, SandboxSpec
from sandboxes.measuring import bench, boxes, together
from tests.sandboxes.conftest import new_name, plain
from tests.sandboxes.faulty import FaultyBackend, FaultyBox

SPEC = SandboxSpec(memory_bytes=256 << 20, disk_bytes=128 << 20, processes=128)


@pytest.fixture
def backend(tmp_path):
    return plain(tmp_path)


class Slow(FaultyBox):
    """50 ms more on the way to each command and each tree: what no measure taken inside sees."""

    def run(self, argv, **options):
        time.sleep(0.05)
        return self.inner.run(argv, **options)

    def get_changes(self, **options):
        time.sleep(0.2)
        return self.inner.get_changes(**options)


class SlowToMake(FaultyBackend):
    def create(self, spec, *, name, labels=None):
        time.sleep(0.2)
        return super().create(spec, name=name)


class FailsAtOnce(FaultyBackend):
    """Every third box cannot be made."""

    asked = 0

    def create(self, spec, *, name, labels=None):
        self.asked += 1
        if self.asked % 3 == 0:
            raise SandboxError("no room", "\x1b[31m")
        return super().create(spec, name=name)


def silent(*_):
    return None


def test_a_delay_outside_is_overhead_and_not_the_programs_own(backend):
    rounds = bench.Rounds(creations=2, commands=10, throughput=1, claims=2, boxes=2)
    figures = bench.measure(FaultyBackend(backend, Slow), SPEC, rounds, None, silent)
    assert 50 < figures.overhead().p50 < 150
    assert figures.program_ms < 30
    assert figures.commands[bench.OURS].n == 10
    assert figures.warm_claims.p50 > 50
    assert figures.no_claims == ""
    assert figures.get < 32e6 / 0.2 / 1e6 * 1.05
    assert figures.isolation == "none"


def test_making_a_box_counts_and_ending_it_does_not(backend):
    class SlowToEnd(FaultyBox):
        def close(self):
            time.sleep(0.5)
            self.inner.close()

    slow = SlowToMake(backend, SlowToEnd)
    assert 0.2 < boxes.first_command(slow, SPEC, "/bin/true") < 0.65


def test_a_command_that_fails_is_no_figure(backend):
    with backend.create(SPEC, name=new_name()) as box:
        assert boxes.must(box, ["true"]) > 0
        with pytest.raises(SandboxError, match="false failed"):
            boxes.must(box, ["false"])
        with pytest.raises(SandboxError, match="own time"):
            boxes.own_time(box, "/nowhere/true")
        assert boxes.idle_program(box) in ("/bin/true", "/usr/bin/true")


def test_changes_that_are_not_what_was_written_are_no_figure(backend):
    class NoChanges(FaultyBox):
        def get_changes(self, **_):
            return {}

    with NoChanges(backend.create(SPEC, name=new_name())) as box, pytest.raises(SandboxError, match="not what was"):
        boxes.throughput(box, 1)


def test_claims_a_pool_does_not_serve_are_no_figure(backend):
    class OnlyOne(FaultyBackend):
        asked = 0

        def create(self, spec, *, name, labels=None):
            self.asked += 1
            if self.asked > 1:
                raise SandboxError("no room")
            return super().create(spec, name=name)

    with pytest.raises(SandboxError, match=r"does not fill|no room"):  # whichever is noticed first
        boxes.warm_claims(OnlyOne(backend), SPEC, "/bin/true", 1, silent)


def test_boxes_at_once_are_there_at_once_and_errors_are_told(backend):
    done = []
    found = together.together(FailsAtOnce(backend), SPEC, "/bin/true", 6, done.append)
    assert (found.boxes, len(found.first_commands), len(found.errors)) == (6, 4, 2)
    assert found.errors[0] == "SandboxError: no room: \x1b[31m"
    assert done == [1, 2, 3, 4]
    assert found.seconds >= max(found.first_commands)
    assert not list(backend.reap(tuple))


def test_a_box_of_this_machine_is_known_by_its_kernel(backend):
    class Elsewhere(FaultyBox):
        isolation = "kubernetes (node default)"

        def run(self, argv, **options):
            if argv[:1] == ["cat"]:
                argv = ["echo", "another machine" if "boot_id" in argv[1] else "5000000"]
            return self.inner.run(argv, **options)

    with backend.create(SPEC, name=new_name()) as box:
        assert together.here(box)
        elsewhere = Elsewhere(box)
        assert not together.here(elsewhere)
        assert together._memory([elsewhere], 0)[0] == 5.0
        assert together._memory([], 0) == (None, "no box was made")


def test_memory_is_what_the_boxes_take(backend):
    before = together.available()
    held = bytearray(b"x") * (300 << 20)
    assert 200 << 20 < before - together.available() < 1 << 30
    del held


def test_turns_are_taken_and_the_first_one_is_not_counted():
    order = []

    def once(who):
        def do():
            order.append(who)
            return float(len(order))

        return do

    found = bench._in_turns({"a": once("a"), "b": once("b")}, 3, "x", silent)
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert found == {"a": [3.0, 6.0, 7.0], "b": [4.0, 5.0, 8.0]}
