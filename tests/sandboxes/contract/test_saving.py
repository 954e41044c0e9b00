"""What one box's set-up made comes into another box and counts as part of its tree."""

import io
import tarfile

import pytest

from sandboxes import Box, ChangesTooLarge, SandboxError
from tests.sandboxes.conftest import MakeBox

SET_UP = """
mkdir -p node_modules/a/bin "$HOME/.cache/tool" && echo lib > node_modules/a/index.js &&
printf '#!/bin/sh\\necho ran' > node_modules/a/bin/run && chmod +x node_modules/a/bin/run &&
ln -s a/bin/run node_modules/link && echo new > tracked && rm gone &&
head -c 9000000 /dev/zero > "$HOME/.cache/tool/big" && printf 'x%.0s' 1 2 3 > "$HOME/.cache/tool/small"
"""


def tree() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {"tracked": b"old", "gone": b"x", "kept": b"k"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def set_up(box: Box) -> io.BytesIO:
    box.put_tree(tree())
    ran = box.run(["sh", "-c", SET_UP], timeout=60)
    assert ran.exit_code == 0, ran.stderr
    saved = io.BytesIO()
    box.save(saved)
    saved.seek(0)
    return saved


def test_it_is_all_there_and_is_no_change(make_box: MakeBox) -> None:
    first = make_box()
    saved = set_up(first)
    first.close()
    second = make_box()
    second.put_tree(tree())
    second.restore(saved)
    assert dict(second.get_changes()) == {}
    look = 'node_modules/link && cat tracked && ls && wc -c < "$HOME/.cache/tool/big" && cat "$HOME/.cache/tool/small"'
    ran = second.run(["sh", "-c", look], timeout=60)
    assert ran.stdout.split() == [b"ran", b"new", b"kept", b"node_modules", b"tracked", b"9000000", b"xxx"], ran


def test_what_is_changed_afterwards_is_a_change(make_box: MakeBox) -> None:
    box = make_box()
    saved = set_up(box)
    box.put_tree(tree())
    box.restore(saved)
    box.run(["sh", "-c", "echo other > node_modules/a/index.js; echo back > gone; rm node_modules/link"], timeout=60)
    changes = box.get_changes()
    assert {path: change.kind for path, change in changes.items()} == {
        "node_modules/a/index.js": "file",
        "gone": "file",
        "node_modules/link": "deleted",
    }


def test_too_much_is_refused_and_the_box_goes_on(make_box: MakeBox) -> None:
    box = make_box()
    box.put_tree(tree())
    box.run(["sh", "-c", "head -c 3000000 /dev/zero > big"], timeout=60)
    with pytest.raises(ChangesTooLarge):
        box.save(io.BytesIO(), max_bytes=1_000_000)
    assert box.run(["true"], timeout=60).exit_code == 0


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"x" + data, lambda data: data[:40] + data])
def test_a_damaged_file_is_refused_and_the_box_goes_on(damage: object, make_box: MakeBox) -> None:
    box = make_box()
    saved = set_up(box).getvalue()
    assert callable(damage)
    with pytest.raises(SandboxError):
        box.restore(io.BytesIO(damage(saved)))
    assert box.run(["true"], timeout=60).exit_code == 0
