"""Finding a usable hierarchy and imposing limits, on directories that look like the kernel's (version 2 is not on
every test machine); the bubblewrap tests use whichever real one there is."""

import pytest

from sandboxes.cgroups import Group, Hierarchy, Limits, find, limits_of
from sandboxes.contract import LimitUnenforceable, SandboxSpec

LIMITS = Limits(memory=1000, processes=50, cpus=0.5)


def proc(tmp_path, groups, mounts):
    directory = tmp_path / "proc"
    directory.mkdir()
    (directory / "cgroup").write_text(groups)
    (directory / "mountinfo").write_text(mounts)
    return directory


def version_2(tmp_path, *, controllers="cpu memory pids", own="/app.slice/run.scope"):
    point = tmp_path / "cg"
    (point / own.strip("/")).mkdir(parents=True)
    for directory in (point / own.strip("/")).parent, point / own.strip("/"):
        (directory / "cgroup.procs").write_text("")
        (directory / "cgroup.subtree_control").write_text("")
    (point / own.strip("/")).parent.joinpath("cgroup.subtree_control").write_text(controllers + "\n")
    return proc(tmp_path, f"0::{own}\n", f"30 1 0:26 / {point} rw - cgroup2 cgroup2 rw\n"), point


def version_1(tmp_path, controllers=("memory", "pids", "cpu")):
    lines, mounts = [], []
    for number, name in enumerate(controllers):
        (tmp_path / name / "mine").mkdir(parents=True)
        lines.append(f"{number}:{name}:/mine")
        mounts.append(f"3{number} 1 0:2 / {tmp_path / name} rw,relatime shared:1 - cgroup cgroup rw,{name}")
    lines.append("0::/")
    return proc(tmp_path, "\n".join(lines) + "\n", "\n".join(mounts) + "\n")


def test_version_1_is_found_and_limits_are_written(tmp_path):
    hierarchy = find(version_1(tmp_path))
    assert hierarchy.version == 1
    assert hierarchy.means()["cpus"] == "cgroup v1 cpu.cfs_quota_us"
    group = hierarchy.make("box", LIMITS)
    assert (tmp_path / "memory/mine/box/memory.limit_in_bytes").read_text() == "1000"
    assert (tmp_path / "pids/mine/box/pids.max").read_text() == "50"
    assert (tmp_path / "cpu/mine/box/cpu.cfs_quota_us").read_text() == "50000"
    assert (tmp_path / "cpu/mine/box/cpu.cfs_period_us").read_text() == "100000"
    assert group.memory == tmp_path / "memory/mine/box"
    group.add(123)
    assert group.pids() == [123]


def test_version_2_is_found_beside_the_own_group(tmp_path):
    directory, point = version_2(tmp_path)
    hierarchy = find(directory)
    assert hierarchy.version == 2
    group = hierarchy.make("box", LIMITS)
    assert group == Group((point / "app.slice/box",))
    assert (point / "app.slice/box/memory.max").read_text() == "1000"
    assert (point / "app.slice/box/pids.max").read_text() == "50"
    assert (point / "app.slice/box/cpu.max").read_text() == "50000 100000"


@pytest.mark.parametrize("controllers", ["", "memory", "memory pids", "cpu io"])
def test_version_2_without_all_controllers_is_no_enforcement(tmp_path, controllers):
    with pytest.raises(LimitUnenforceable, match="delegated"):
        find(version_2(tmp_path, controllers=controllers)[0])


@pytest.mark.parametrize(("missing", "limit"), [("pids", "processes"), ("cpu", "cpus")])
def test_version_1_without_a_controller_names_the_limit(tmp_path, missing, limit):
    with pytest.raises(LimitUnenforceable) as caught:
        find(version_1(tmp_path, [name for name in ("memory", "pids", "cpu") if name != missing]))
    assert caught.value.limit == limit


def test_a_refused_limit_is_named_and_nothing_is_left(tmp_path):
    parents = {name: tmp_path / name for name in ("memory", "pids", "cpu")}
    for parent in parents.values():
        parent.mkdir()
    parents["pids"].rmdir()
    with pytest.raises(LimitUnenforceable) as caught:
        Hierarchy(1, {"pids": parents["pids"], "memory": parents["memory"]}).make("box", LIMITS)
    assert caught.value.limit == "processes"
    assert list(parents["memory"].iterdir()) == []


def test_a_boxs_memory_holds_its_programs_and_its_files():
    limits = limits_of(SandboxSpec(memory_bytes=100, disk_bytes=10, processes=5, cpus=2), 1, 2)
    assert limits == Limits(memory=111, processes=7, cpus=2)
