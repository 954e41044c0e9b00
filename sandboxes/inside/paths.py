"""Which paths may cross the wall of a box, and where a symlink in a tree leads. Pure, shared by host and runner."""

from __future__ import annotations

import os
from collections.abc import Mapping

MAX_PATH = 4095
MAX_COMPONENT = 255
_MAX_HOPS = 40
# HFS+ ignores these code points when it compares names, so that ".g\u200cit" opens ".git" there; git's own
# verify_path refuses the same set (git: utf8.c, is_hfs_dotgit).
_IGNORABLE = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def is_git_name(component: str) -> bool:
    """True for every spelling under which some filesystem would open `.git`."""
    return component.translate(_IGNORABLE).split(":", 1)[0].rstrip(" .").lower() in (".git", "git~1")


def refusal(path: str) -> str | None:
    """Why `path` must not cross the wall, or None when it may.

    Allowed: relative, normalised POSIX paths of nonempty components, none of them `.`, `..` or a spelling of `.git`.
    """
    if not path:
        return "the path is empty"
    if "\0" in path:
        return "the path holds a NUL"
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        return "the path cannot be encoded"
    if len(encoded) > MAX_PATH:
        return f"the path is longer than {MAX_PATH} bytes"
    if path.startswith("/"):
        return "the path is absolute"
    for component in path.split("/"):
        if component in ("", ".", ".."):
            return f"the path has the component {component!r}"
        if len(os.fsencode(component)) > MAX_COMPONENT:
            return f"a component of the path is longer than {MAX_COMPONENT} bytes"
        if is_git_name(component):
            return "the path goes through a .git directory"
    return None


def link_leaves(path: str, links: Mapping[str, str]) -> bool:
    """True when following the symlink `path` leaves the tree whose symlinks are `links` (path to target).

    Follows other symlinks of the tree on the way, as the kernel would: a lexical check alone is fooled by
    `a/b -> ../..` together with `c -> a/b/../..`. A loop leads nowhere and does not leave.
    """
    hops = 0
    done: list[str] = path.split("/")[:-1]
    todo = links[path].split("/")[::-1]
    if links[path].startswith("/"):
        return True
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                return True
            done.pop()
            continue
        done.append(part)
        target = links.get("/".join(done))
        if target is not None:
            hops += 1
            if hops > _MAX_HOPS:
                return False
            if target.startswith("/"):
                return True
            done.pop()
            todo.extend(target.split("/")[::-1])
    return False
