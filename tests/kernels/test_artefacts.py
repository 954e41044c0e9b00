"""What was compiled is kept by key, whole or not at all, within bounds."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.artefacts import Artefacts

KEY = hashlib.sha256(b"key").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


def test_what_was_written_is_read_by_its_key_alone(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path / "deep" / "folder")
    assert kept.read(KEY) is None
    kept.write(KEY, b"made")
    assert kept.read(KEY) == b"made"
    assert kept.read(OTHER) is None
    assert (tmp_path / "deep" / "folder").stat().st_mode & 0o077 == 0
    kept.write(KEY, b"made again")
    assert kept.read(KEY) == b"made again"
    assert [one.name for one in kept.folder.iterdir()] == [KEY], "nothing half-made stays"


@given(st.binary(max_size=200), st.data())
def test_a_file_that_is_damaged_anywhere_is_no_artefact(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, choose: st.DataObject
) -> None:
    kept = Artefacts(tmp_path_factory.mktemp("kept"))
    kept.write(KEY, data)
    whole = (kept.folder / KEY).read_bytes()
    at = choose.draw(st.integers(0, len(whole) - 1))
    cut = choose.draw(st.booleans())
    (kept.folder / KEY).write_bytes(whole[:at] if cut else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert kept.read(KEY) is None
    kept.write(KEY, data)
    assert kept.read(KEY) == data


def test_the_least_used_go_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path, most_bytes=3 * 132)
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(4)]
    for number, key in enumerate(keys[:3]):
        kept.write(key, bytes(100))
        os.utime(tmp_path / key, (time.time() - 100 + number,) * 2)
    assert kept.read(keys[0]) is not None, "and is the newest now"
    kept.write(keys[3], bytes(100))
    assert [kept.read(key) is not None for key in keys] == [True, False, True, True]


def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path, most_age_s=1000)
    kept.write(KEY, b"old")
    os.utime(tmp_path / KEY, (time.time() - 2000,) * 2)
    kept.write(OTHER, b"new")
    assert [kept.read(KEY), kept.read(OTHER)] == [None, b"new"]


def test_a_disk_that_takes_nothing_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = Artefacts(tmp_path / "file" / "folder")
    kept.write(KEY, b"made")
    assert kept.read(KEY) is None


@pytest.mark.parametrize("key", ["../x", "", "a/b", ".", "\u00e4"])
def test_a_key_is_no_path(tmp_path: Path, key: str) -> None:
    kept = Artefacts(tmp_path)
    with pytest.raises(ValueError, match="no key"):
        kept.write(key, b"")
    with pytest.raises(ValueError, match="no key"):
        kept.read(key)
