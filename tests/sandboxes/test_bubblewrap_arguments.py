"""bubblewrap's command line for a box: what must be there, and in which order it must come."""

from dataclasses import replace

import pytest

from sandboxes.bubblewrap import ETC, WRITABLE, Bind, Plan, arguments, environment, usr_links

PLAN = Plan(
    python="/opt/py/bin/python3.11",
    bootstrap="CODE",
    binds=[Bind("/srv/0", "/opt/py")],
    usr_links={"bin": "usr/bin", "lib64": "usr/lib64"},
    etc_shared=["/etc/ld.so.cache"],
    etc_fds={"passwd": 11},
    runner_fd=12,
    status_fd=13,
    memory_group="/cg/box",
    disk_bytes=1000,
    seccomp_fd=14,
)


def follows(words, *sequence):
    return any(words[at : at + len(sequence)] == list(sequence) for at in range(len(words)))


@pytest.mark.parametrize(
    "words",
    [
        ("--unshare-all",),
        ("--unshare-user",),
        ("--disable-userns",),
        ("--die-with-parent",),
        ("--as-pid-1",),
        ("--new-session",),
        ("--clearenv",),
        ("--cap-drop", "ALL"),
        ("--uid", "65532"),
        ("--gid", "65532"),
        ("--ro-bind", "/usr", "/usr"),
        ("--symlink", "usr/bin", "/bin"),
        ("--ro-bind", "/srv/0", "/opt/py"),
        ("--ro-bind-data", "11", "/etc/passwd"),
        ("--ro-bind", "/cg/box", "/run/forgehand/memory"),
        ("--seccomp", "14"),
        ("--json-status-fd", "13"),
        ("--", "/opt/py/bin/python3.11", "-I", "-S", "-c", "CODE", "/run/forgehand/runner.zip"),
    ],
)
def test_every_wall_is_asked_for(words):
    assert follows(arguments(PLAN), *words)


@pytest.mark.parametrize("path", WRITABLE)
def test_every_writable_place_has_a_size(path):
    words = arguments(PLAN)
    at = next(n for n, word in enumerate(words) if word == "--tmpfs" and words[n + 1] == path)
    assert words[at - 4 : at - 2] == ["--size", "1000"]


def test_nothing_of_the_host_is_writable_and_no_other_tmpfs_exists():
    words = arguments(PLAN)
    assert "--bind" not in words
    assert "--dev-bind" not in words
    assert "--share-net" not in words
    assert words.count("--tmpfs") == len(WRITABLE)


def test_the_root_is_closed_after_everything_is_in_its_place():
    words = arguments(PLAN)
    closed = words.index("--remount-ro")
    assert words[closed : closed + 4] == ["--remount-ro", "/dev", "--remount-ro", "/"]
    assert not {"--ro-bind", "--tmpfs", "--dir", "--symlink", "--ro-bind-data"} & set(words[closed:])


def test_etc_is_not_the_hosts():
    assert not follows(arguments(PLAN), "--ro-bind", "/etc", "/etc")
    assert "nonexistent" in ETC["passwd"]
    assert not follows(arguments(replace(PLAN, etc_shared=[])), "--ro-bind", "/etc/ld.so.cache")


def test_parents_of_a_bind_below_usr_are_not_made():
    words = arguments(replace(PLAN, binds=[Bind("/x", "/usr/local/share/x"), Bind("/y", "/a/b/c")]))
    assert not follows(words, "--dir", "/usr/local")
    assert follows(words, "--dir", "/a")
    assert follows(words, "--dir", "/a/b")


def test_a_host_without_control_group_shows_none():
    assert "/run/forgehand/memory" not in arguments(replace(PLAN, memory_group=None))


def test_the_environment_is_small_and_paths_come_first():
    env = environment("/opt/py/bin", ["/opt/tools"])
    assert env["PATH"] == "/opt/tools:/home/sandbox/.local/bin:/opt/py/bin:/usr/local/bin:/usr/bin:/bin"
    assert set(env) == {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL", "TZ"}


def test_only_links_of_a_merged_usr_are_copied():
    assert usr_links({"bin": "usr/bin", "lib": None, "home": "elsewhere"}) == {"bin": "usr/bin"}
