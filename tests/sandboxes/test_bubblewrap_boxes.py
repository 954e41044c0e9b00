"""What only bubblewrap boxes promise, or only they can be asked."""

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandboxes import Bind, BoxLost, SandboxSpec, SandboxUnavailable
from tests.sandboxes.conftest import bubblewrap, new_name


def test_files_of_the_host_are_out_of_reach(bubble, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("secret-7c1e")
    home = Path.home()
    box = bubble()
    for path in (canary, home / ".bashrc", "/etc/shadow", "/etc/passwd", "/var/log", tmp_path / "state", __file__):
        result = box.run(["cat", str(path)], timeout=5)
        assert b"secret" not in result.stdout
        assert str(path) == "/etc/passwd" or result.exit_code != 0
    passwd = box.run(["cat", "/etc/passwd"], timeout=5).stdout
    assert len(passwd.splitlines()) == 2


def test_on_the_host_too_a_box_is_not_root(bubble):
    box = bubble()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(box.run, ["sleep", "1.25"], timeout=10)
        found = []
        while not found and not running.done():
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if (entry / "cmdline").read_bytes() == b"sleep\x001.25\x00":
                        found.append(entry.stat().st_uid)
                except OSError:
                    continue
        running.result()
    assert found
    assert 0 not in found


def test_a_killed_box_is_lost_and_says_so(bubble, tmp_path):
    box = bubble()
    [record] = [p.read_text() for p in (tmp_path / "state" / "boxes").glob("*.json")]
    pid = json.loads(record)["runner"]["pid"]
    thread = threading.Timer(0.5, os.kill, (pid, 9))
    thread.start()
    began = time.monotonic()
    with pytest.raises(BoxLost, match="Make a new one"):
        box.run(["sleep", "30"], timeout=60)
    assert time.monotonic() - began < 5
    for use in (lambda: box.run(["true"], timeout=1), lambda: box.read("x"), box.get_changes):
        with pytest.raises(BoxLost):
            use()
    thread.join()


def test_a_box_outlives_the_thread_that_made_it(tmp_path):
    backend = bubblewrap(tmp_path)
    made = []
    thread = threading.Thread(target=lambda: made.append(backend.create(SandboxSpec(), name=new_name())))
    thread.start()
    thread.join()
    with made[0] as box:
        assert box.run(["sh", "-c", "sleep .3; echo ok"], timeout=5).stdout == b"ok\n"


def test_read_only_paths_show_where_they_are_asked_for(tmp_path):
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "f").write_text("seen")
    (shown / "tool").write_text("#!/bin/sh\necho tool ran\n")
    (shown / "tool").chmod(0o755)
    backend = bubblewrap(tmp_path / "state", read_only=[Bind(str(shown), "/opt/shown")], path=["/opt/shown"])
    with backend.create(SandboxSpec(), name=new_name()) as box:
        assert box.read("/opt/shown/f") == b"seen"
        assert box.run(["tool"], timeout=5).stdout == b"tool ran\n"
        assert box.run(["touch", "/opt/shown/f"], timeout=5).exit_code != 0


@pytest.mark.parametrize("target", ["/work/x", "/tmp", "/home/sandbox/.venv", "/proc", "relative", "/a/../etc", "/"])
def test_read_only_paths_cannot_cover_the_boxs_own(target):
    with pytest.raises(ValueError, match="target"):
        Bind("/x", target)


def test_an_image_is_refused(tmp_path):
    with pytest.raises(SandboxUnavailable, match="image"):
        bubblewrap(tmp_path).create(SandboxSpec(image="debian"), name=new_name())


def test_the_hosts_python_is_the_boxs(bubble):
    result = bubble().run(["python3", "-c", "import sys; print(sys.version_info[:3], sys.base_prefix)"], timeout=20)
    assert result.stdout.decode() == f"{tuple(sys.version_info[:3])} {sys.base_prefix}\n"
