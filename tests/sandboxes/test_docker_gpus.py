"""Which box has which GPU, on a real engine without one: the boxes are real, and only the device is not asked for."""

import contextlib
import itertools
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes import DockerBackend, SandboxError, SandboxSpec, SandboxUnavailable
from sandboxes.on_docker.container import BOX, DEADLINE, GPUS, OWNER, TOGETHER
from sandboxes.on_docker.gpus import Borrower, Claim, Fate, borrow, choose, fate
from tests.sandboxes.conftest import new_name
from tests.sandboxes.docker_engine import docker as any_docker
from tests.sandboxes.docker_engine import owner as owner_of_all


def owner():
    return f"{owner_of_all()}-gpus"


DEVICES = tuple(f"GPU-{owner()}-{n}" for n in range(3))


@pytest.fixture
def worker(monkeypatch):
    """Backends as workers of one installation have them, or one of another. In the end nothing of theirs is left."""
    image = any_docker("runc")._image
    monkeypatch.setattr("sandboxes.on_docker.container._devices", lambda gpus: [])
    monkeypatch.setattr("sandboxes.on_docker.backend.check_means", lambda info, devices: None)
    made = []

    def make(devices, whose=None):
        made.append(DockerBackend(runtime="runc", owner=whose or owner(), image=image, gpus=devices))
        return made[-1]

    yield make
    for backend in made:
        backend.reap(lambda: ())
    assert containers() == []


@pytest.fixture
def stack():
    with contextlib.ExitStack() as opened:
        yield opened


def containers():
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label={OWNER}={owner()}"], stdout=subprocess.PIPE, check=True
    )
    return listed.stdout.split()


def spec(gpus=1, together=None):
    return SandboxSpec(memory_bytes=32 << 20, disk_bytes=4 << 20, processes=16, gpus=gpus, together=together)


def refused(backend, wanted):
    """What is said to who gets no box."""
    with pytest.raises(SandboxUnavailable) as error:
        backend.create(wanted, name=new_name())
    return str(error.value)


def test_boxes_that_are_together_share_and_nobody_else_does(worker, stack):
    backend, other = worker(DEVICES[:2]), worker(DEVICES[:2], f"{owner()}-other")
    first, second = (stack.enter_context(backend.create(spec(together="a"), name=new_name())) for _ in range(2))
    assert first.gpus == second.gpus == DEVICES[:1]
    alone = stack.enter_context(backend.create(spec(), name=new_name()))
    assert alone.gpus == DEVICES[1:2]
    for wanted in (spec(), spec(together="b")):
        assert "other boxes have them. Try again later" in refused(backend, wanted)
    assert "other boxes have them" in refused(other, spec(together="a")), "a word is its owner's"
    assert stack.enter_context(backend.create(spec(gpus=0, together="a"), name=new_name())).gpus == ()
    alone.close()
    with other.create(spec(together="a"), name=new_name()) as theirs:
        assert theirs.gpus == DEVICES[1:2]


def test_two_devices_are_shared_as_one_was(worker, stack):
    backend = worker(DEVICES)
    pair, same = (stack.enter_context(backend.create(spec(2, "a"), name=new_name())) for _ in range(2))
    assert pair.gpus == same.gpus == DEVICES[:2]
    assert "no box with 2 of this engine's 3 GPUs" in refused(backend, spec(2, "b"))
    assert stack.enter_context(backend.create(spec(1, "b"), name=new_name())).gpus == DEVICES[2:]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_device_is_lent_until_the_last_of_its_boxes_ends(worker, stack, order):
    backend = worker(DEVICES[:1])
    boxes = [stack.enter_context(backend.create(spec(together="a"), name=new_name())) for _ in range(3)]
    for number in order:
        assert "other boxes have them" in refused(backend, spec())
        boxes[number].close()
    with backend.create(spec(), name=new_name()) as box:
        assert box.gpus == DEVICES[:1]


def test_who_comes_later_gets_what_the_others_have_not_what_is_free(worker, stack):
    backend = worker(DEVICES[:2])
    with backend.create(spec(), name=new_name()):
        first = stack.enter_context(backend.create(spec(together="a"), name=new_name()))
    first_of_others = stack.enter_context(backend.create(spec(together="b"), name=new_name()))
    later = stack.enter_context(backend.create(spec(together="a"), name=new_name()))
    assert first_of_others.gpus == DEVICES[:1]
    assert later.gpus == first.gpus == DEVICES[1:2]
    first.close()
    with backend.create(spec(together="a"), name=new_name()) as last:
        assert last.gpus == DEVICES[1:2], "though who had it first is gone"


def test_another_number_than_the_others_have_is_refused(worker, stack):
    backend = worker(DEVICES)
    one = stack.enter_context(backend.create(spec(1, "a"), name=new_name()))
    with pytest.raises(SandboxError, match=r"asks for 2 GPUs, and those it is together with \(a\) have 1"):
        backend.create(spec(2, "a"), name=new_name())
    one.close()
    two = stack.enter_context(backend.create(spec(2, "a"), name=new_name()))
    with pytest.raises(SandboxError, match="asks for 1 GPUs"):
        backend.create(spec(1, "a"), name=new_name())
    assert two.gpus == DEVICES[:2]


def at_once(backend, wanted):
    """The devices of boxes asked for at the same moment, or the errors, in their order; then they are closed."""
    start = threading.Barrier(len(wanted))

    def one(asked):
        start.wait()
        try:
            return backend.create(asked, name=new_name())
        except SandboxError as error:
            return error

    with ThreadPoolExecutor(len(wanted)) as pool:
        found = list(pool.map(one, wanted))
    got = [one if isinstance(one, SandboxError) else one.gpus for one in found]
    for box in found:
        if not isinstance(box, SandboxError):
            box.close()
    return got


@pytest.mark.parametrize("round_", range(4))
def test_of_two_groups_that_want_one_device_at_once_one_gets_it_whole(worker, round_):
    got = at_once(worker(DEVICES[:1]), [spec(together=word) for word in "abababa"])
    groups = [set(map(str, got[first::2])) for first in (0, 1)]
    winner, loser = sorted(groups, key=lambda group: str(DEVICES[:1]) not in group)
    assert winner == {str(DEVICES[:1])}, got
    assert len(loser) == 1, got
    assert "other boxes have them" in next(iter(loser))


@pytest.mark.parametrize("round_", range(3))
def test_groups_at_once_each_agree_on_a_device_of_their_own(worker, round_):
    got = at_once(worker(DEVICES), [spec(together=word) for word in "abcabc"])
    assert got[:3] == got[3:]
    assert sorted(got[:3]) == sorted((device,) for device in DEVICES)


@pytest.mark.parametrize("round_", range(3))
def test_of_two_numbers_asked_for_at_once_one_is_refused(worker, round_):
    one, two = at_once(worker(DEVICES), [spec(1, "a"), spec(2, "a")])
    words, got = (str(one), two) if isinstance(one, SandboxError) else (str(two), one)
    assert "those it is together with (a)" in words
    assert got in (DEVICES[:1], DEVICES[:2])


def test_a_box_taken_over_keeps_its_device_until_its_new_host_ends_it(worker, stack):
    name, backend = new_name(), worker(DEVICES[:1])
    first = stack.enter_context(backend.create(spec(together="a"), name=name))
    second = stack.enter_context(worker(DEVICES[:1]).attach(name))
    assert second.gpus == first.gpus == DEVICES[:1]
    first.close()
    assert "other boxes have them" in refused(backend, spec())
    second.close()
    backend.create(spec(), name=new_name()).close()


def half_made(backend, name, together="", *, gone=False):
    """A container as a worker leaves it that dies between making and starting it; `gone`: it is removed at once."""
    engine, borrower = backend._prepare().engine, Borrower(owner(), name, together)

    def make(devices):
        labels = {OWNER: owner(), BOX: name, DEADLINE: "9e9", GPUS: ",".join(devices), TOGETHER: together}
        body = {"Image": backend._image, "Entrypoint": ["/never-runs"], "Cmd": [], "Labels": labels}
        made = engine.make(body, f"forgehand-{owner()}-{name}")
        if gone:
            engine.remove(made)
        return made

    return borrow(engine, DEVICES[:1], 1, borrower, make)


def test_what_dead_workers_leave_is_swept_and_with_it_their_devices_are_free(worker, stack):
    backend, sweeper = worker(DEVICES[:1]), worker(DEVICES[:1])
    lost = [new_name() for _ in range(2)]
    for name in lost:
        stack.enter_context(backend.create(spec(together="a"), name=name))
    dead = new_name()
    assert half_made(backend, dead, "a")[1] == DEVICES[:1]
    assert sweeper.reap(lambda: (*lost, dead)) == []
    assert sorted(sweeper.reap(lambda: lost[:1])) == sorted([lost[1], dead])
    assert "other boxes have them" in refused(sweeper, spec(together="b")), "one of them is kept"
    sweeper.reap(lambda: ())
    assert sweeper.create(spec(together="b"), name=new_name()).close() is None


def test_a_half_made_box_is_in_the_way_of_others_and_not_of_its_own_name(worker, stack, monkeypatch):
    monkeypatch.setattr("sandboxes.on_docker.gpus._PATIENCE_S", 0.5)
    backend, name = worker(DEVICES[:1]), new_name()
    half_made(backend, name)
    assert "other boxes have them" in refused(backend, spec())
    with backend.create(spec(), name=name) as box:
        assert box.gpus == DEVICES[:1]
        with pytest.raises(SandboxError, match="one of that name"):
            backend.create(spec(), name=name)
        assert "other boxes have them" in refused(backend, spec())
    assert containers() == []


def test_a_box_that_does_not_start_gives_its_device_back(worker, stack):
    backend = worker(DEVICES[:1])
    with pytest.raises(SandboxUnavailable, match="docker pull no-such-image:1"):
        backend.create(SandboxSpec(image="no-such-image:1", gpus=1), name=new_name())
    backend.create(spec(), name=new_name()).close()


def test_a_container_that_is_swept_before_it_is_started_is_no_box(worker):
    with pytest.raises(SandboxUnavailable, match="removed while it was made"):
        half_made(worker(DEVICES[:1]), new_name(), gone=True)


# Who has what, worked out of a list: what no engine can be made to show at will.


def claim(number, devices=DEVICES[:1], *, word="", made=None, started=False):
    return Claim(f"{number}", made or number, Borrower("me", f"box{number}", word), tuple(devices), started)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (claim(1), Fate.YIELDS),
        (claim(3), Fate.WAITS),
        (claim(3, made=2), Fate.WAITS),
        (claim(1, made=2), Fate.YIELDS),
        (claim(3, started=True), Fate.YIELDS),
        (claim(1, DEVICES[1:]), Fate.STAYS),
        (claim(1, DEVICES), Fate.YIELDS),
        (claim(1, word="a"), Fate.YIELDS),
    ],
)
def test_who_gives_way(other, expected):
    assert fate(claim(2), [claim(2), other]) is expected
    assert fate(claim(2, started=True), [claim(2, started=True), other]) is Fate.STAYS


def test_boxes_of_a_group_give_way_to_another_choice_of_devices():
    mine = claim(2, word="a")
    assert fate(mine, [mine, claim(1, word="a")]) is Fate.STAYS
    assert fate(mine, [mine, claim(1, DEVICES[1:2], word="a")]) is Fate.YIELDS
    assert fate(mine, [mine, claim(3, DEVICES[:2], word="a")]) is Fate.WAITS


def test_what_is_not_known_yet_is_waited_for():
    me = Borrower("me", "box9", "a")
    assert choose([], DEVICES, 2, me) == DEVICES[:2]
    assert choose([claim(1)], DEVICES[:1], 1, me) is None
    with pytest.raises(SandboxUnavailable, match="other boxes"):
        choose([claim(1, started=True)], DEVICES[:1], 1, me)
    # Of two of its group one will give way, and the other says what the group has; both will, and nobody knows.
    mates = [claim(2, DEVICES[2:], word="a"), claim(1, DEVICES[1:2], word="a")]
    assert choose(mates, DEVICES, 1, me) == DEVICES[1:2]
    assert choose([*mates, claim(3, DEVICES[1:], started=True)], DEVICES, 1, me) is None


BORROWERS = st.lists(
    st.tuples(st.sampled_from(["a", "b", ""]), st.integers(1, 2), st.booleans()), min_size=2, max_size=5
)


@settings(max_examples=300, deadline=None)
@given(BORROWERS, st.lists(st.integers(0, 4), max_size=120), st.randoms(use_true_random=False))
def test_however_the_steps_of_makers_fall_and_whatever_the_clock_says(asked, schedule, clock):
    """As `borrow` goes, a step at a time. The boxes in `has` may start at any moment from then on."""
    there, has, ends = {}, set(), []

    def maker(number, word, count, closes):
        me = Borrower("me", f"box{number}", word)
        for attempt in itertools.count():
            yield
            try:
                wanted = choose(list(there.values()), DEVICES, count, me)
            except SandboxError as error:
                ends.append(error)
                return
            yield
            if wanted is None:
                continue
            mine = Claim(f"{clock.random()}-{number}-{attempt}", clock.randrange(3), me, wanted, False)
            there[number] = mine
            found = Fate.WAITS
            while found is Fate.WAITS:
                yield
                found = fate(mine, list(there.values()))
            if found is Fate.YIELDS:
                yield
                del there[number]
                continue
            has.add(number)
            yield
            there[number] = Claim(mine.container, mine.made, me, wanted, True)
            ends.append(wanted)
            if closes:
                yield
                has.remove(number)
                del there[number]
            return

    makers = [maker(number, *one) for number, one in enumerate(asked)]
    done = object()
    # First as drawn, then in turns, until all have a box or an error.
    for turn, number in enumerate([*schedule, *itertools.islice(itertools.cycle(range(5)), 2_000)]):
        if number < len(makers):
            next(makers[number], done)
        for one, other in itertools.combinations(sorted(has), 2):
            assert not there[one].is_against(there[other]), turn
    assert len(ends) == len(asked), "one of them comes to no end"
