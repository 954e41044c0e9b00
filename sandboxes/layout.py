"""What a box looks like from inside, wherever it is: its writable folders, and what its commands find in their
environment."""

from __future__ import annotations

from collections.abc import Mapping

from .contract import WORKSPACE

HOME = "/home/sandbox"  # a path inside the box, as all paths here
SHARED = ("/tmp", "/dev/shm")  # noqa: S108 - the box's own
WRITABLE = (WORKSPACE, HOME, *SHARED)
"""The only places a program in the box can write to: each a tmpfs of its own."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def environment(image: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a command, before what the caller adds. Pure.

    `image`: what the image sets for its programs, which only the box's own user, home and folders stand above.
    """
    # What a set-up installs for its user lies in the home: the image itself cannot be written.
    path = f"{HOME}/.local/bin:{image.get('PATH') or PATH}"
    user = {"USER": "sandbox", "LOGNAME": "sandbox", "HOME": HOME, "SHELL": "/bin/sh", "TMPDIR": SHARED[0]}
    return {**_LOCALE, **image, **user, "PATH": path}
