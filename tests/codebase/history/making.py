"""Commits and logs made by hand for the tests of history."""

from collections.abc import Sequence

from codebase.history import Commit, Touch

YEAR = 365 * 86_400


def commit(
    sha: str, *paths: str | Touch, parents: str = "", subject: str = "Change", author: str = "Ada", when: int = 0,
    email: str = "ada@example.invalid", files: int | None = None,
) -> Commit:  # fmt: skip
    touches = tuple(path if isinstance(path, Touch) else Touch(path, 1, 0) for path in paths)
    many = len(touches) if files is None else files
    return Commit(sha, tuple(parents.split()), when, author, email, subject, touches, many)


def renamed(old: str, new: str) -> Touch:
    return Touch(new, 0, 0, old)


def written(commits: Sequence[Commit]) -> bytes:
    """A log as git prints it: the first record of a commit begins with a line end, a rename has two names."""
    out = bytearray()
    for one in commits:
        head = (f"@{one.sha}", " ".join(one.parents), str(one.when), one.author, one.email, one.subject)
        out += b"".join(field.encode() + b"\0" for field in head)
        for number, touch in enumerate(one.touches):
            counts = "\t".join("-" if count is None else str(count) for count in (touch.added, touch.removed))
            names = f"\0{touch.old_path}\0{touch.path}" if touch.old_path is not None else touch.path
            text = f"{counts}\t{names}\0".encode("utf-8", "surrogateescape")
            out += (b"" if number else b"\n") + text
    return bytes(out)
