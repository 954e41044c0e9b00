"""What a probe's report means: everything that holds, with one thing at a time that does not."""

import copy
import json

import pytest

from sandboxes import SandboxSpec, SandboxUnavailable
from sandboxes.contract import LimitUnenforceable
from sandboxes.layout import WRITABLE
from sandboxes.on_kubernetes import Place
from sandboxes.on_kubernetes.backend import KubernetesBackend, doomed, read_spec
from sandboxes.on_kubernetes.entering import check_answer, settings
from sandboxes.on_kubernetes.nature import Nature, commands_environment
from sandboxes.on_kubernetes.pod import Identity, Runner, make_pod
from sandboxes.on_kubernetes.pods import Troubled
from sandboxes.on_kubernetes.proof import Findings, judge, read_report
from sandboxes.on_kubernetes.proving import targets
from sandboxes.on_kubernetes.runner_maps import Content

MIB = 1 << 20
STATUS = "Name:\tpython3\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
STATUS += "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
VERSION_1 = {
    "memory.max": None,
    "memory.stat": None,
    "memory.events": None,
    "memory.swap.max": None,
    "cpu.max": None,
    "memory/memory.limit_in_bytes": f"{200 * MIB}\n",
    "memory/memory.stat": "total_rss 1\n",
    "memory/memory.oom_control": "oom_kill_disable 0\noom_kill 0\n",
    "memory/memory.memsw.limit_in_bytes": None,
    "cpu/cpu.cfs_quota_us": "50000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
}
VERSION_2 = {
    **dict.fromkeys(VERSION_1),
    "memory.max": f"{200 * MIB}\n",
    "memory.stat": "anon 1\n",
    "memory.events": "oom_kill 0\n",
    "memory.swap.max": "0\n",
    "cpu.max": "50000 100000\n",
}
SWAP = "Filename Type Size Used Priority\n"
REPORT = {
    "reached": [],
    "uid": 2_000_000,
    "sizes": dict.fromkeys(WRITABLE, 8 * MIB),
    "status": STATUS,
    "swap": SWAP,
    "cgroup": VERSION_1,
    "root": "EROFS",
    "token": False,
    "forks": "EAGAIN",
}


def judged(*, own_kernel=False, **changes):
    report = {**copy.deepcopy(REPORT), **changes}
    return judge(report, disk_bytes=8 * MIB, memory_bytes=200 * MIB, cpus=0.5, own_kernel=own_kernel)


def test_where_all_holds_the_memory_group_is_found():
    assert judged() == Findings("/sys/fs/cgroup/memory")
    assert judged(cgroup=VERSION_2) == Findings("/sys/fs/cgroup")


def test_a_kernel_of_its_own_may_show_neither_groups_nor_filter():
    nothing = dict.fromkeys(VERSION_1)
    bare = STATUS.replace("Seccomp:\t2", "Seccomp:\t0").replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")
    assert judged(own_kernel=True, cgroup=nothing, status=bare) == Findings(None)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"reached": ["10.0.0.1:443"]}, "network"),
        ({"sizes": {"/work": 12 << 30}}, "disk_bytes"),
        ({"sizes": {"/work": 0}}, "disk_bytes"),
        ({"forks": "endless"}, "processes"),
        ({"cgroup": dict.fromkeys(VERSION_1)}, "memory_bytes"),
        ({"cgroup": {**VERSION_1, "memory/memory.limit_in_bytes": "9223372036854771712"}}, "memory_bytes"),
        ({"cgroup": {**VERSION_2, "memory.max": "max"}}, "memory_bytes"),
        ({"swap": SWAP + "/swap file 1 0 -2\n"}, "memory_bytes"),
        ({"swap": SWAP + "/swap file 1 0 -2\n", "cgroup": {**VERSION_2, "memory.swap.max": "max"}}, "memory_bytes"),
        ({"cgroup": {**VERSION_1, "cpu/cpu.cfs_quota_us": "-1"}}, "cpus"),
        ({"cgroup": {**VERSION_2, "cpu.max": "max 100000"}}, "cpus"),
        ({"cgroup": {**VERSION_2, "cpu.max": "200000 100000"}}, "cpus"),
    ],
)
def test_a_limit_that_is_not_imposed_is_an_error(changes, limit):
    with pytest.raises(LimitUnenforceable) as caught:
        judged(**changes)
    assert caught.value.limit == limit
    assert caught.value.todo or limit == "memory_bytes"


def test_swap_that_a_group_may_not_use_is_fine():
    swapping = SWAP + "/swap file 1 0 -2\n"
    assert judged(swap=swapping, cgroup=VERSION_2)
    assert judged(swap=swapping, cgroup={**VERSION_1, "memory/memory.memsw.limit_in_bytes": str(200 * MIB)})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uid": 0}, "programs are root"),
        ({"status": STATUS.replace("CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb")}, "capabilities are left"),
        ({"status": STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")}, "gain privileges"),
        ({"status": STATUS.replace("Seccomp:\t2", "Seccomp:\t0")}, "no seccomp filter"),
        ({"status": None}, "capabilities are left"),
        ({"root": "writable"}, "image can be written to"),
        ({"token": True}, "token is mounted"),
    ],
)
def test_a_pod_that_is_not_what_was_asked_for_is_refused(changes, words):
    with pytest.raises(SandboxUnavailable, match=words):
        judged(**changes)


@pytest.mark.parametrize("data", [b"", b"Traceback", b"[]", b"\xff"])
def test_what_is_no_report_is_refused(data):
    with pytest.raises(SandboxUnavailable, match="the probe says"):
        read_report(data)


def standing(ip, host):
    return {"status": {"podIP": ip, "podIPs": [{"ip": ip}], "hostIP": host}}


def test_everything_a_box_must_not_reach_is_tried():
    tried = targets(standing("10.1.0.2", "192.0.2.1"), standing("10.1.1.3", "192.0.2.2"), "https://api.example:6443")
    assert tried[:4] == ["10.1.0.2 48620", "192.0.2.2 10250", "192.0.2.1 10250", "api.example 6443"]
    assert {"169.254.169.254 80", "1.1.1.1 443"} <= set(tried)
    there = targets(standing("10.1.0.2", "192.0.2.1"), standing("10.1.1.3", "192.0.2.1"), "https://127.0.0.1:6443")
    assert not any(one.startswith("127.") for one in there)


ANSWER = {"uid": 7, "pid": 1, "filesystems": dict.fromkeys(WRITABLE, 4096)}


def test_a_runner_that_is_what_was_started_is_believed():
    check_answer(ANSWER, SandboxSpec(disk_bytes=4096), 7)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"uid": 0}, Troubled),
        ({"uid": None}, Troubled),
        ({"pid": 12}, Troubled),
        ({"filesystems": {}}, Troubled),
        ({"filesystems": None}, Troubled),
        ({"filesystems": dict.fromkeys(WRITABLE, "4096")}, Troubled),
        ({"filesystems": dict.fromkeys(WRITABLE, 12 << 30)}, LimitUnenforceable),
    ],
)
def test_another_runner_is_not(changes, error):
    with pytest.raises(error):
        check_answer({**ANSWER, **changes}, SandboxSpec(disk_bytes=4096), 7)


def test_what_a_host_says_first():
    spec = SandboxSpec(processes=10, memory_bytes=5, network=("a:1",))
    said = settings(spec, Findings("/group"), Nature("x86_64", {"A": "b"}), 9.0)
    assert said["memory"] == {"cgroup": "/group", "limit": 5, "filesystems": list(WRITABLE)}
    assert said["rlimits"]["nproc"] == 90
    assert said["env"]["A"] == "b"
    assert "fsize" not in said["rlimits"]
    assert "3128" in said["env"]["HTTP_PROXY"]
    assert said["filter"]
    quiet = settings(SandboxSpec(disk_bytes=5), Findings(None), Nature("aarch64", {}, leaky=True), -1)
    assert quiet["rlimits"]["fsize"] == 5 + MIB
    assert quiet["memory"]["meminfo"] == "/proc/meminfo"
    assert "HTTP_PROXY" not in quiet["env"]
    assert quiet["lifetime_s"] > 0
    assert quiet["filter"] != said["filter"]


def test_an_architecture_without_a_filter_is_refused():
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        settings(SandboxSpec(), Findings(None), Nature("riscv64", {}), 1)


def test_the_image_sets_what_it_likes_but_who_the_box_is():
    env = commands_environment({"PATH": "/go/bin", "HOME": "/root", "USER": "root", "LANG": "de"})
    assert (env["PATH"], env["LANG"]) == ("/home/sandbox/.local/bin:/go/bin", "de")
    assert (env["HOME"], env["USER"]) == ("/home/sandbox", "sandbox")


def test_the_runners_map_is_named_by_what_it_holds_and_cannot_change():
    one = Content("runner", {"a": b"1", "b": b"2"})
    others = [{"a": b"1"}, {"a": b"12", "b": b""}, {"a": b"1", "c": b"2"}, {"a": b"2", "b": b"1"}]
    assert len({one.name, *(Content("runner", other).name for other in others)}) == 5
    assert one.name == Content("runner", {"b": b"2", "a": b"1"}).name
    made = one.manifest("n")
    assert made["metadata"]["name"] == one.name
    assert made["immutable"] is True
    assert made["binaryData"] == {"a": "MQ==", "b": "Mg=="}


def pod(name="a", deadline=100.0, **metadata):
    made = make_pod(
        SandboxSpec(network=("a.b:1",), cpus=0.5),
        Place(),
        Identity(name, "me", b"t" * 32, 1 << 20, deadline, {}),
        image="i",
        command=["c"],
        runner=Runner("r"),
    )
    made["metadata"].update(metadata)
    return made


@pytest.mark.parametrize(
    ("found", "kept", "doom"),
    [
        (pod(), {"a"}, False),
        (pod(), set(), True),
        (pod(deadline=40.0), {"a"}, True),
        (pod(deletionTimestamp="2026"), set(), False),
        (pod(annotations={}), set(), False),
        (pod(annotations={"forgehand.dev/box": "a", "forgehand.dev/deadline": "soon"}), {"a"}, False),
    ],
)
def test_which_pods_a_sweep_removes(found, kept, doom):
    assert doomed(found, kept, 50.0) is doom


def test_a_pod_tells_the_spec_it_was_made_from():
    text = pod()["metadata"]["annotations"]["forgehand.dev/spec"]
    assert read_spec(text) == SandboxSpec(network=("a.b:1",), cpus=0.5)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cpus": -1}', '{"other": 1}', json.dumps({"network": ["x"]})])
def test_a_spec_that_somebody_changed_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        read_spec(text)


def test_nothing_is_asked_of_a_cluster_before_it_is_needed(tmp_path):
    backend = KubernetesBackend(Place(kubeconfig=tmp_path / "none"), owner="a")
    with pytest.raises(SandboxUnavailable, match="no image is named"):
        backend.create(SandboxSpec(), name="b")


@pytest.mark.parametrize("owner", ["", "-a", "a-", "a b", "a" * 41, "a.b"])
def test_an_owner_that_could_be_no_label_is_refused(owner):
    with pytest.raises(ValueError, match="owner"):
        KubernetesBackend(Place(), owner=owner)
