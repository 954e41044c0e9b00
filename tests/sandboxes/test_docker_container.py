"""The container a box is asked for, what the engine's words mean, and the stream it speaks: values in, values out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes import LimitUnenforceable, SandboxSpec, SandboxUnavailable
from sandboxes.on_docker.container import (
    UIDS,
    Identity,
    Python,
    Runtime,
    check_owner,
    container_name,
    describe,
    described,
    make_container,
    rlimits,
)
from sandboxes.on_docker.faults import Refused, Trouble, cannot_make, classify, ending, missing_means, start_trouble
from sandboxes.on_docker.gpus import check_means
from sandboxes.on_docker.stream import STDERR, STDOUT, Frames

GIB = 1 << 30
SPEC = SandboxSpec(cpus=1.5, memory_bytes=2 * GIB, disk_bytes=GIB, processes=100, network=("a.example:443",))
ME = Identity("t-1", "me", b"\x01" * 32, UIDS[5], 1_000_000.0, Python.OWN, {"task": "7"})


def made(spec=SPEC, identity=ME, runtime="runc"):
    return make_container(
        spec, identity, Runtime.named(runtime), image="i", command=["python3", "-c", "x"], volume="forgehand-runner-1"
    )


def test_nothing_is_given_that_is_not_needed():
    host = made()["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], [])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Privileged"], host["IpcMode"], host["AutoRemove"]) == (False, "private", False)
    assert host["LogConfig"] == {"Type": "none"}
    assert host["DeviceRequests"] == []
    assert "Binds" not in host
    assert [mount["Type"] for mount in host["Mounts"]] == ["volume"]
    assert host["Mounts"][0]["ReadOnly"] is True


def test_limits_become_those_of_the_container():
    host = made()["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 3 * GIB + (128 << 20)
    assert host["PidsLimit"] == 260
    assert host["CpuQuota"] / host["CpuPeriod"] == 1.5
    assert host["ShmSize"] == GIB
    for path in ("/work", "/home/sandbox", "/tmp"):
        options = host["Tmpfs"][path].split(",")
        assert {"nosuid", "nodev", f"size={GIB}", f"uid={ME.uid}", "nr_inodes=262144"} <= set(options)
    assert rlimits(SPEC) == {"core": 0, "nproc": 180}


@pytest.mark.parametrize(("cpus", "quota"), [(0.001, 1000), (0.5, 50_000), (64, 6_400_000)])
def test_cpus(cpus, quota):
    assert made(SandboxSpec(cpus=cpus))["HostConfig"]["CpuQuota"] == quota


def test_who_runs_in_it():
    assert made()["User"] == f"{ME.uid}:65532"
    own = made(runtime="runsc")
    assert own["User"] == "0:65532"
    assert own["HostConfig"]["CapAdd"] == ["SETUID", "SETGID", "SETPCAP"]
    assert own["HostConfig"]["Memory"] > made()["HostConfig"]["Memory"]


def test_labels_tell_a_box_from_others_and_hold_what_another_host_needs():
    labels = made()["Labels"]
    assert labels["forgehand.dev/box"] == "t-1"
    assert labels["forgehand.dev/owner"] == "me"
    assert labels["forgehand.dev/deadline"] == "1000000"
    assert labels["forgehand.dev/token"] == "01" * 32
    assert labels["forgehand.dev/label-task"] == "7"
    assert described(labels["forgehand.dev/spec"]) == SPEC
    assert described(describe(SandboxSpec())) == SandboxSpec()


def test_the_token_is_nowhere_but_in_its_label():
    body = made()
    labels = body.pop("Labels")
    assert ME.token.hex() not in repr(body)
    assert sum(ME.token.hex() in value for value in labels.values()) == 1


def test_gpus_are_named():
    identity = Identity("t", "me", b"", UIDS[0], 0, Python.OWN, {}, ("GPU-1", "GPU-2"))
    body = made(SandboxSpec(gpus=2, together="a1"), identity)
    [request] = body["HostConfig"]["DeviceRequests"]
    assert request == {"Driver": "nvidia", "DeviceIDs": ["GPU-1", "GPU-2"], "Capabilities": [["gpu"]]}
    assert body["Labels"]["forgehand.dev/gpus"] == "GPU-1,GPU-2"
    assert body["Labels"]["forgehand.dev/together"] == "a1"
    assert not {"forgehand.dev/gpus", "forgehand.dev/together"} & made()["Labels"].keys()


@pytest.mark.parametrize("owner", ["", "-a", "a b", "a/b", "x" * 41, "a.b"])
def test_an_owner_is_part_of_a_name(owner):
    assert container_name("me", "t.1") == "forgehand-me-t.1"
    with pytest.raises(ValueError, match="owner"):
        check_owner(owner)


@pytest.mark.parametrize(
    ("status", "words", "trouble"),
    [
        (404, "No such image: debian:99", Trouble.NO_IMAGE),
        (404, "No such container: forgehand-a", Trouble.GONE),
        (409, 'Conflict. The container name "/a" is already in use by container "5"', Trouble.NAME_TAKEN),
        (409, "removal of container 5 is already in progress", Trouble.NAME_TAKEN),
        (409, "Container 5 is not running", Trouble.GONE),
        (500, "something", Trouble.REFUSED),
        (400, "something", Trouble.REFUSED),
    ],
)
def test_answers_of_the_engine(status, words, trouble):
    assert classify(status, words) is trouble


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ('exec: "python3": executable file not found in $PATH: unknown', Trouble.NO_PROGRAM),
        ('error finding executable "python3" in PATH: no such file or directory', Trouble.NO_PROGRAM),
        ("failed to create shim task: no space left on device", Trouble.REFUSED),
        ("no such file or directory", Trouble.REFUSED),
    ],
)
def test_why_a_container_does_not_start(words, trouble):
    assert start_trouble(words, "python3") is trouble


def test_what_is_said_to_who_wanted_a_box():
    assert "docker pull debian:99" in str(cannot_make(Refused(Trouble.NO_IMAGE, ""), "debian:99"))
    assert "does not answer" in str(cannot_make(Refused(Trouble.UNREACHABLE, "refused"), ""))
    assert "no space left" in str(cannot_make(Refused(Trouble.REFUSED, "no space left"), ""))


INFO = {
    "Runtimes": {"runc": {}, "runsc": {}},
    "SecurityOptions": ["name=seccomp,profile=default"],
    **dict.fromkeys(("MemoryLimit", "SwapLimit", "PidsLimit", "CpuCfsQuota"), True),
}


@pytest.mark.parametrize(
    ("lacks", "limit"),
    [
        ("MemoryLimit", "memory_bytes"),
        ("SwapLimit", "memory_bytes"),
        ("PidsLimit", "processes"),
        ("CpuCfsQuota", "cpus"),
    ],
)
def test_an_engine_that_cannot_impose_a_limit_is_refused(lacks, limit):
    assert missing_means(INFO, "runc") is None
    error = missing_means({**INFO, lacks: False}, "runc")
    assert isinstance(error, LimitUnenforceable)
    assert error.limit == limit


def test_an_engine_without_the_runtime_or_a_filter_is_refused():
    error = missing_means(INFO, "kata")
    assert isinstance(error, SandboxUnavailable)
    assert "daemon.json" in str(error)
    assert "seccomp" in str(missing_means({**INFO, "SecurityOptions": []}, "runc"))


@pytest.mark.parametrize(
    ("state", "own_kernel", "words"),
    [
        (None, False, "removed"),
        ({"Running": False, "OOMKilled": True, "ExitCode": 137}, False, "want of memory"),
        ({"Running": False, "OOMKilled": False, "ExitCode": 137}, False, "from outside"),
        ({"Running": False, "OOMKilled": False, "ExitCode": 0}, False, "lifetime"),
        ({"Running": False, "OOMKilled": False, "ExitCode": 2}, True, "too many processes"),
        ({"Running": False, "OOMKilled": False, "ExitCode": 2}, False, "status 2: last words"),
        ({"Running": True, "OOMKilled": True}, False, "last words"),
    ],
)
def test_every_end_has_its_explanation(state, own_kernel, words):
    assert words in ending(state, "last words", own_kernel=own_kernel)


parts = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=40)), max_size=8)


@given(parts, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_a_raw_stream_is_taken_apart_however_it_is_cut(sent, cuts):
    raw = b"".join(struct.pack(">BxxxI", stream, len(data)) + data for stream, data in sent)
    frames, got = Frames(), {STDOUT: b"", STDERR: b""}
    start, turn = 0, 0
    while start < len(raw):
        size = cuts[turn % len(cuts)]
        for stream, data in frames.feed(raw[start : start + size]):
            got[stream] += data
        start, turn = start + size, turn + 1
    for wanted in (STDOUT, STDERR):
        assert got[wanted] == b"".join(data for stream, data in sent if stream == wanted)


@pytest.mark.parametrize("raw", [b"HTTP/1.1 500", b"\x03\0\0\0\0\0\0\x01x", b"\x01\0\x01\0\0\0\0\x01x"])
def test_another_stream_is_an_error(raw):
    with pytest.raises(ValueError, match="no frame"):
        Frames().feed(raw)


@pytest.mark.parametrize(
    ("runtimes", "devices", "words"), [(["runc"], ["0"], "no NVIDIA"), (["runc", "nvidia"], [], "may be lent")]
)
def test_gpus_that_cannot_be_lent_are_refused(runtimes, devices, words):
    with pytest.raises(LimitUnenforceable, match=words) as refused:
        check_means({"Runtimes": {runtime: {} for runtime in runtimes}}, devices)
    assert refused.value.limit == "gpus"
    check_means({"Runtimes": {"nvidia": {}}}, ["0"])
