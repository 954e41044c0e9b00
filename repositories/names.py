"""Names are data: pure judgement of branches, revisions, refspecs, addresses and tree paths before git sees them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from repositories.errors import NameRefused, PathRefused

_SHA = re.compile(r"[0-9a-f]{40}\Z|[0-9a-f]{64}\Z")
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_REVISION_SUFFIX = re.compile(r"((?:[~^][0-9]{0,6}|\^\{(?:commit|tag)?\})*)\Z")
_MAX_NAME = 250


def is_sha(text: str) -> bool:
    """Whether `text` is a full object name (SHA-1 or SHA-256, lower case hexadecimal)."""
    return _SHA.match(text) is not None


def is_refname(name: str) -> bool:
    """Whether `name` is well formed by ``git check-ref-format --allow-onelevel`` and cannot be read as an option."""
    if not name or len(name) > _MAX_NAME or name == "@" or name.startswith("-"):
        return False
    if _REF_FORBIDDEN.search(name) or ".." in name or "@{" in name or name.endswith(".") or not name.isprintable():
        return False
    return all(part and not part.startswith(".") and not part.endswith(".lock") for part in name.split("/"))


def check_branch(name: str) -> str:
    """`name` as ``refs/heads/NAME``. Raises NameRefused; ``HEAD`` and full object names are no branch names for us."""
    if not is_refname(name) or name == "HEAD" or is_sha(name) or name.startswith("refs/"):
        raise NameRefused(f"Not a branch name: {name[:80]!r}", "git-check-ref-format forbids it", "Choose another name")
    return f"refs/heads/{name}"


def check_revision(rev: str) -> str:
    """`rev` unchanged when it is an object name, a ref, or one of these with ``~N`` and ``^N`` behind it.

    Ranges, ``:path`` forms, ``@{...}`` and searches (``:/text``) are refused: they name no single commit of the mirror.
    Raises NameRefused.
    """
    suffix = _REVISION_SUFFIX.search(rev[: _MAX_NAME + 1])
    stem = rev[: -len(suffix.group(1))] if suffix and suffix.group(1) else rev
    if is_refname(stem) and len(rev) <= _MAX_NAME:
        return rev
    raise NameRefused(
        f"Not a revision: {rev[:80]!r}", "it is neither a commit, a branch nor a tag", "Give one of these"
    )


def check_refspec(spec: str) -> str:
    """A refspec for fetching, made complete: a commit stays, ``refs/x`` becomes ``+refs/x:refs/x``, a branch likewise.

    One ``*`` on both sides is allowed. Raises NameRefused.
    """
    source, colon, target = spec.removeprefix("+").partition(":")
    if source.startswith("-"):
        raise NameRefused(f"Not a refspec: {spec[:80]!r}", "it begins like an option", "Give a branch or refs/...")
    if is_sha(source) and not colon:
        return source
    if not colon:
        source = source if source.startswith("refs/") else f"refs/heads/{source}"
        target = source
    same_stars = source.count("*") == target.count("*") <= 1
    plain = [side.replace("*", "x", 1) for side in (source, target)]
    if same_stars and (is_sha(source) or is_refname(plain[0])) and is_refname(plain[1]) and target.startswith("refs/"):
        return f"+{source}:{target}"
    raise NameRefused(f"Not a refspec: {spec[:80]!r}", "sides must be well-formed refs", "Give a branch or refs/...")


def check_address(url: str) -> str:
    """The transport of a remote address: ``http``, ``https`` or ``file`` (an absolute path). Raises NameRefused.

    Any other transport (``ext::`` runs commands, ssh would ask for keys) and any address with a name or password in it
    is refused, without repeating it.
    """
    refusal = NameRefused("Remote address refused", "it must be https://, http:// or an absolute path", "Correct it")
    if any(ord(character) < 0x21 or ord(character) == 0x7F for character in url.replace(" ", "")):
        raise refusal
    if url.startswith("/"):
        return "file"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "::" in url or " " in url:
        raise refusal
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NameRefused("Remote address refused", "it carries credentials or parameters", "Give the token apart")
    return parts.scheme


# Code points HFS+ ignores when it compares names (git's utf8.c, next_hfs_char): ".g\u200cit" is ".git" there.
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_NTFS_SHORT = re.compile(r"(git~[1-9][0-9]*|gi[0-9a-f]{4}~[1-9])\Z")


def is_git_private(component: str) -> bool:
    """Whether one path component is, or is on HFS+ or NTFS taken for, ``.git``.

    Covers case, trailing dots and spaces, alternate streams (``.git::$INDEX_ALLOCATION``), 8.3 names (``git~1``),
    backslashes and ignorable Unicode: git's verify_dotfile, is_hfs_dotgit and is_ntfs_dotgit.
    """
    folded = _HFS_IGNORED.sub("", unicodedata.normalize("NFC", component)).casefold()
    pieces = re.split(r"[\\/]", folded)
    for piece in pieces:
        stem = piece.split(":", 1)[0].rstrip(". ")
        if stem == ".git" or _NTFS_SHORT.match(stem):
            return True
    return False


def path_fault(path: str) -> str | None:
    """Why `path` may not stand in a tree (relative POSIX, surrogateescape for non-UTF-8), or None. Pure."""
    if not path:
        return "the path is empty"
    if path.startswith("/"):
        return "the path is absolute"
    if "\0" in path:
        return "the path contains a NUL"
    if len(path.encode("utf-8", "surrogateescape")) > 4000:
        return "the path is longer than 4000 bytes"
    for component in path.split("/"):
        if component in ("", ".", ".."):
            return f"the path has a {component or 'nothing'!r} component"
        if len(component.encode("utf-8", "surrogateescape")) > 255:
            return "a component is longer than 255 bytes"
        if is_git_private(component):
            return "a component is git's own (.git or a name some file system takes for it)"
    return None


def check_path(path: str) -> str:
    """`path` unchanged when it may stand in a tree. Raises PathRefused with the reason."""
    try:
        fault = path_fault(path)
    except UnicodeEncodeError:
        fault = "the path holds characters that no file name can hold"
    if fault:
        raise PathRefused(f"Path refused: {path[:120]!r}", fault, "Leave it out of the change")
    return path


def check_identity(text: str, field: str) -> str:
    """`text` unchanged when it may stand as name or address of an author in a commit. Raises NameRefused."""
    if not text.strip(" .,:;<>\"'\\") or re.search(r"[\x00-\x1f\x7f<>]", text) or len(text) > 200:
        raise NameRefused(
            f"Author {field} refused", "empty, too long, or with characters git cannot store", "Correct it"
        )
    return text


def parents(path: str) -> list[str]:
    """The folders above `path`, outermost first: ``a/b/c`` gives ``a`` and ``a/b``."""
    return [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]


def collision_key(path: str) -> str:
    """What a case-insensitive, normalising file system compares: two paths of one key are one file there."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
