"""A change set packed for a database row comes back as it was."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.contract import FileChange
from workers.changes import pack, unpack

PATHS = st.binary(min_size=1, max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
CHANGES = st.builds(
    FileChange,
    kind=st.sampled_from(["file", "symlink", "deleted"]),
    executable=st.booleans(),
    content=st.binary(max_size=200),
)


@given(st.dictionaries(PATHS, CHANGES, max_size=8))
def test_what_was_packed_comes_back(changes):
    assert unpack(pack(changes)) == changes


@given(st.dictionaries(PATHS, CHANGES, max_size=8))
def test_the_order_of_the_paths_does_not_show(changes):
    assert pack(dict(reversed(changes.items()))) == pack(changes)


def test_a_row_cut_short_is_an_error_and_not_an_empty_change():
    packed = pack({"a.py": FileChange(kind="file", executable=False, content=b"x" * 1000)})
    with pytest.raises(zlib.error):
        unpack(packed[:-8])
