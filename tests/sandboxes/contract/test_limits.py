"""Limits on every backend with walls, where a test can say more than a check does."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandboxes import BoxLost
from sandboxes.contract import LIMITS

MIB = 1 << 20


def py(box, code, *, timeout=30.0):
    return box.run(["python3", "-c", code], timeout=timeout)


def test_every_limit_has_a_means(walled_backend):
    assert set(walled_backend.enforcement()) == set(LIMITS)


def test_memory_is_bounded_and_reported(walled):
    box = walled(memory_bytes=128 * MIB)
    result = py(box, "x = []\nfor _ in range(100): x.append(bytearray(b'x') * (10 << 20))")
    assert result.oom
    assert (result.exit_code, result.timed_out) == (-9, False)
    assert py(box, "x = bytearray(b'x') * (60 << 20); print('fits')").stdout == b"fits\n"
    assert not box.run(["false"], timeout=20).oom


def test_the_largest_command_pays_for_the_memory(walled):
    box = walled(memory_bytes=128 * MIB)
    with ThreadPoolExecutor(1) as pool:
        small = pool.submit(box.run, ["sh", "-c", "sleep 3; echo fine"], timeout=20)
        time.sleep(0.3)
        assert py(box, "x = bytearray(b'x') * (400 << 20)").oom
        assert small.result().stdout == b"fine\n"


def test_files_are_disk_not_memory_and_disk_is_bounded(walled):
    box = walled(memory_bytes=64 * MIB, disk_bytes=200 * MIB)
    result = box.run(["head", "-c", "150M", "/dev/zero"], timeout=20, output_limit=10)
    assert result.exit_code == 0
    assert box.run(["sh", "-c", "head -c 150M /dev/zero > /work/f"], timeout=20).exit_code == 0
    full = box.run(["sh", "-c", "head -c 150M /dev/zero > /work/g"], timeout=20)
    assert full.exit_code == 1
    assert b"No space left" in full.stderr
    assert not full.oom
    with pytest.raises(Exception, match="No space left"):
        box.write("h", b"x" * (60 * MIB))
    assert box.run(["rm", "/work/f", "/work/g"], timeout=20).exit_code == 0
    box.write("h", b"x")


def test_the_process_limit_counts_what_is_there(walled):
    box = walled(processes=50)
    code = """
import os, time
made = 0
try:
    for _ in range(400):
        if os.fork() == 0:
            time.sleep(10); os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
    assert 40 <= int(py(box, code).stdout) <= 210


def test_a_box_past_its_lifetime_stays_lost(ground):
    allowed = ground.short_life(1.0)
    with ground.new(lifetime_s=allowed) as box:
        with pytest.raises(BoxLost):
            box.run(["sleep", str(allowed + 20)], timeout=allowed + 60)
        with pytest.raises(BoxLost):
            box.read("x")


def test_a_command_that_kills_all_it_can_costs_nobody_else(walled):
    """No check: where nothing is isolated it would end the operator's session."""
    box = walled()
    box.run(["sh", "-c", "kill -KILL 1; kill -STOP 1; kill -KILL -1"], timeout=30)
    assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"
