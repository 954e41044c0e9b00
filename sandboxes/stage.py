"""Lets a box without root's rights see directories that only root can reach.

A box must not run as the host's root, not even without capabilities: root owns /proc/sys, and the kernel asks for no
capability there, so that such a box could set kernel.core_pattern and thereby run programs on the host. So a host
process that is root starts bubblewrap as uid 65532. That user cannot reach a Python below, say, /root; a private
mount namespace shows it at a place that it can.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .contract import SandboxUnavailable

_PLACES = ("/mnt", "/media", "/srv", "/opt")
_SCRIPT = """set -e
place=$1; shift; n=0
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev forgehand "$place"
for source; do
  if [ -d "$source" ]; then mkdir "$place/$n"; else : > "$place/$n"; fi
  mount --bind "$source" "$place/$n"; n=$((n+1))
done
echo ready
read -r _ || true
"""


def reachable(path: str) -> bool:
    """True when every user can get to `path` and read it."""
    real = Path(path).resolve()
    for part in (real, *real.parents):
        mode = os.stat(part).st_mode
        need = stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
        if not mode & need:
            return False
    return True


class Stage:
    """A mount namespace with `sources` bound where anyone can reach them. `places`: source to its staged path."""

    def __init__(self, sources: Sequence[str]) -> None:
        place = next(
            place
            for place in _PLACES
            if Path(place).is_dir() and not any(Path(source).resolve().is_relative_to(place) for source in sources)
        )
        self.places: Mapping[str, str] = {source: f"{place}/{n}" for n, source in enumerate(sources)}
        for program in ("unshare", "nsenter", "mount"):
            if not shutil.which(program):
                raise SandboxUnavailable("no box can be made", f"{program} is missing", "Install util-linux")
        command = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", _SCRIPT, "sh", place, *sources]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as helper:
            if not helper.stdout or helper.stdout.readline() != b"ready\n":
                why = helper.stderr.read().decode(errors="replace").strip() if helper.stderr else ""
                raise SandboxUnavailable(
                    "directories only root can reach cannot be shown to a box",
                    why,
                    f"Make these readable for everyone, or run Forgehand as another user: {', '.join(sources)}",
                )
            # The descriptor keeps the namespace after its last process is gone.
            self.fd = os.open(f"/proc/{helper.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)

    def prefix(self, uid: int, gid: int) -> list[str]:
        """What to put before a command to run it in the namespace as another user; `fd` must be inherited."""
        return ["nsenter", f"--mount=/proc/self/fd/{self.fd}", f"--setuid={uid}", f"--setgid={gid}", "--"]
