"""git's proc-receive hook in every repository of the twin: says yes or no to a push with GitHub's own words.

Started by `git receive-pack`, with what the pusher may do in the environment: TWIN_WORKFLOWS=deny when the token lacks
the workflows permission, TWIN_PROTECTED with the branches that take pull requests only. A refused ref refuses the
whole push. Protocol: githooks(5), proc-receive.
"""

import os
import subprocess
import sys

ZERO = "0" * 40


def read_packet() -> bytes | None:
    head = sys.stdin.buffer.read(4)
    size = int(head or b"0000", 16)
    return None if size == 0 else sys.stdin.buffer.read(size - 4).rstrip(b"\n")


def write_packet(payload: bytes) -> None:
    sys.stdout.buffer.write(b"%04x" % (len(payload) + 4) + payload)


def flush() -> None:
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()


def new_workflow_change(old: str, new: str) -> str | None:
    """The first workflow file that `new` holds and no commit known before holds in that form."""
    if new == ZERO:
        return None
    commits = subprocess.run(
        ["git", "rev-list", new, "--not", "--all"], capture_output=True, check=True, text=True
    ).stdout.split()
    for commit in commits:
        parents = [
            "diff-tree",
            "--root",
            "-r",
            "--name-only",
            "--no-commit-id",
            "-m",
            commit,
            "--",
            ".github/workflows",
        ]
        changed = subprocess.run(["git", *parents], capture_output=True, check=True, text=True).stdout.splitlines()
        if changed:
            return changed[0]
    return None


def verdict(old: str, new: str, ref: str) -> str | None:
    """Why this update is refused, or None."""
    if ref in os.environ.get("TWIN_PROTECTED", "").split("\n"):
        return "protected branch hook declined"
    if os.environ.get("TWIN_WORKFLOWS") == "deny":
        path = new_workflow_change(old, new)
        if path is not None:
            return (
                f"refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
            )
    return None


def main() -> None:
    while read_packet() is not None:
        pass
    write_packet(b"version=1\n")
    flush()
    updates = []
    while (line := read_packet()) is not None:
        old, new, ref = line.decode().split(" ", 2)
        updates.append((old, new, ref))
    reasons = [verdict(*update) for update in updates]
    refused = next((reason for reason in reasons if reason is not None), None)
    for (_, _, ref), reason in zip(updates, reasons, strict=True):
        if refused is None:
            write_packet(f"ok {ref}\n".encode())
            write_packet(b"option fall-through\n")
        else:
            write_packet(f"ng {ref} {reason or refused}\n".encode())
    flush()


if __name__ == "__main__":
    main()
