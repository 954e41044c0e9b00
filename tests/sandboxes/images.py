"""Images for the container backends' tests, made from Debian's packages because nothing can be pulled.

`python3 -m tests.sandboxes.images` makes them all (as root); root file systems are kept in ~/.cache/forgehand/images,
named by what they are made of. Standard library only, and the `docker` program: `tools/engines` runs it.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "forgehand" / "images"
_ARCHIVE = "http://deb.debian.org/debian"
_APPLETS = "sh cat echo env false head kill ls mkdir mkfifo mv printf rm seq setsid sha256sum sleep stat touch true wc"


@dataclass(frozen=True)
class Image:
    """`recipe`: the commands that fill the directory ROOT, with the archive's address for ARCHIVE."""

    name: str
    recipe: tuple[str, ...]

    @property
    def tag(self) -> str:
        return f"{self.name}:{hashlib.sha256(repr(self.recipe).encode()).hexdigest()[:12]}"


PYTHON = Image(
    "forgehand-test-python",
    (
        "debootstrap --variant=minbase --include=python3 bookworm ROOT ARCHIVE",
        "rm -rf ROOT/var/cache ROOT/var/lib/apt ROOT/usr/share/doc ROOT/usr/share/man ROOT/usr/share/locale",
    ),
)
"""A small Debian with Python 3.11."""
SHELL = Image(
    "forgehand-test-shell",
    (
        "apt-get download busybox-static && dpkg -x busybox-static_*.deb unpacked",
        "mkdir -p ROOT/bin ROOT/tmp && cp unpacked/bin/busybox ROOT/bin/busybox",
        f"for applet in {_APPLETS}; do ln -s busybox ROOT/bin/$applet; done",
    ),
)
"""One static busybox: no Python, no C library, no /etc."""
IMAGES = (PYTHON, SHELL)
_TOO_OLD = r"""#!/bin/sh
case $* in
*version_info*) exit 86 ;;
*uname*) echo "[\"$(uname -m)\", {}, true]" ;;
*sigwait*) exec sleep 600 ;;
*) exit 1 ;;
esac"""
OLD = Image(
    "forgehand-test-old",
    (*SHELL.recipe, f"printf '%s\\n' '{_TOO_OLD}' > ROOT/bin/python3 && chmod 755 ROOT/bin/python3"),
)
"""Its python3 does what one too old for the runner does with what it is given."""
FOREIGN = Image(
    "forgehand-test-foreign",
    (*SHELL.recipe, r"printf '\363\000' | dd of=ROOT/bin/busybox bs=1 seek=18 conv=notrunc"),
)
"""Its programs are RISC-V's, says their header (elf(5), e_machine)."""
EMPTY = Image("forgehand-test-empty", ("mkdir -p ROOT/bin && touch ROOT/bin/none",))
"""Not even a shell."""


def make(image: Image) -> str:
    """The image's name in the local engine, after making it if it is not there. CalledProcessError."""
    present = subprocess.run(["docker", "image", "inspect", image.tag], capture_output=True, check=False)
    if present.returncode != 0:
        with root_of(image) as root:
            subprocess.run(["docker", "import", str(root), image.tag], check=True, stdout=subprocess.DEVNULL)
    return image.tag


@contextlib.contextmanager
def root_of(image: Image) -> Iterator[Path]:
    """The image's root file system as a tar, made if it is not there; one process at a time. RuntimeError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone(CACHE / f"{image.name}.lock"):
        root = CACHE / f"{image.tag.replace(':', '-')}.tar"
        if not root.exists():
            _build(image, root)
        yield root


def _build(image: Image, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="forgehand-image-", dir=CACHE) as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        for line in image.recipe:
            command = line.replace("ROOT", str(root)).replace("ARCHIVE", _archive())
            done = subprocess.run(["sh", "-ec", command], cwd=scratch, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(
                    f"{image.name} cannot be made: {command}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
                )
        half = Path(scratch) / "root.tar"
        with tarfile.open(half, "w") as archive:
            archive.add(root, ".")
        shutil.move(half, target)


def _archive() -> str:
    """Where this machine gets its Debian packages."""
    for source in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        if found := re.search(r"^URIs: (\S+)", source.read_text(), re.MULTILINE):
            return found[1]
    return _ARCHIVE


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Test processes run side by side: one makes, the others wait."""
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


if __name__ == "__main__":
    for wanted in IMAGES:
        print(f"image {make(wanted)}")
