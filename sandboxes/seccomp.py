"""The system call filter of a box: a list of refusals as a classic BPF program. Pure.

The filter is one layer among several (namespaces, no capabilities, no_new_privs): it takes away system calls that no
build or test needs and that have carried most escapes through the kernel. Sources: seccomp(2), the tables
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux, linux/filter.h.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .contract import SandboxUnavailable

ALLOW = 0x7FFF0000
REFUSE = 0x00050000
"""SECCOMP_RET_ERRNO, with the error number in its low 16 bits."""
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT_0, _ARGUMENT_1, _ARGUMENT_2 = (
    0,
    4,
    16,
    24,
    32,
)  # offsets in struct seccomp_data, little-endian
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020000 | 0x00000080
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME of linux/sched.h."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_DEVICE, _NO_DEVICE = 0x2000, 0x8000
"""Of the kinds in a file's mode, S_IFCHR and S_IFBLK alone have the first of these bits without the second."""

# name: (x86_64, aarch64); None where the architecture has no such call
_REFUSED: Mapping[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "lookup_dcookie": (212, 18),
    "fanotify_init": (300, 262),
    "vhangup": (153, 58),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "nfsservctl": (180, 42),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What differs between architectures: the audit number (linux/audit.h) and system call numbers."""

    audit: int
    clone: int
    ioctl: int
    mknod: int | None
    mknodat: int
    column: int

    def syslog(self) -> int | None:
        return _REFUSED["syslog"][self.column]

    def refused(self) -> list[int]:
        return [number for row in _REFUSED.values() if (number := row[self.column]) is not None]


_CLONE3 = 435
MACHINES = {
    "x86_64": Machine(0xC000003E, 56, 16, 133, 259, 0),
    "aarch64": Machine(0xC00000B7, 220, 29, None, 33, 1),
}

Instruction = tuple[int, int, str | None, str | None]
"""(code, operand, label to jump to when true, and when false); None falls through to the next instruction."""


def assemble(lines: Sequence[Instruction | str]) -> bytes:
    """Instructions and labels (plain strings) as an array of struct sock_filter. ValueError for a bad jump."""
    places: dict[str, int] = {}
    code: list[Instruction] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(code)
        else:
            code.append(line)
    out = []
    for index, (opcode, operand, true, false) in enumerate(code):
        jumps = []
        for label in (true, false):
            distance = 0 if label is None else places[label] - index - 1
            if not 0 <= distance <= 255:
                raise ValueError(f"instruction {index} cannot jump to {label}: {distance} away, 0 to 255 are possible")
            jumps.append(distance)
        out.append(struct.pack("<HBBI", opcode, *jumps, operand))
    return b"".join(out)


def rules(machine: Machine, *, own_kernel: bool = False) -> list[Instruction | str]:
    """The filter for an architecture. Calls of any other architecture are refused.

    `own_kernel`: for gVisor, whose log is the box's own, and which lets anybody make devices.
    """
    refused = [number for number in machine.refused() if not own_kernel or number != machine.syslog()]
    special: list[Instruction | str] = []
    if own_kernel:
        special = [(_EQUAL, machine.mknodat, "mknodat", None)]
        if machine.mknod is not None:
            special.append((_EQUAL, machine.mknod, "mknod", None))
    return [
        (_LOAD, _ARCHITECTURE, None, None),
        (_EQUAL, machine.audit, None, "refuse"),
        (_LOAD, _NUMBER, None, None),
        (_AT_LEAST, _X32, "missing", None),
        # clone3 keeps its flags in memory, where a filter cannot look: the C library falls back to clone.
        (_EQUAL, _CLONE3, "missing", None),
        *special,
        *((_EQUAL, number, "refuse", None) for number in refused),
        (_EQUAL, machine.clone, "clone", None),
        (_EQUAL, machine.ioctl, "ioctl", None),
        (_RETURN, ALLOW, None, None),
        "clone",
        (_LOAD, _ARGUMENT_0, None, None),
        (_ANY_BIT, _NEW_NAMESPACES, "refuse", "allow"),
        "ioctl",
        (_LOAD, _ARGUMENT_1, None, None),
        (_EQUAL, _TIOCSTI, "refuse", None),
        (_EQUAL, _TIOCLINUX, "refuse", "allow"),
        "mknodat",
        (_LOAD, _ARGUMENT_2, None, None),
        (_ANY_BIT, _DEVICE, "device", "allow"),
        "mknod",
        (_LOAD, _ARGUMENT_1, None, None),
        (_ANY_BIT, _DEVICE, "device", "allow"),
        "device",
        (_ANY_BIT, _NO_DEVICE, "allow", "refuse"),
        "allow",
        (_RETURN, ALLOW, None, None),
        "missing",
        (_RETURN, REFUSE | errno.ENOSYS, None, None),
        "refuse",
        (_RETURN, REFUSE | errno.EPERM, None, None),
    ]


def program(machine: str = platform.machine(), *, own_kernel: bool = False) -> bytes:
    """The filter as bubblewrap's --seccomp and prctl(2) take it.

    SandboxUnavailable on an architecture without a table.
    """
    if machine not in MACHINES:
        raise SandboxUnavailable(
            "no box can be made",
            f"there is no system call filter for {machine}",
            f"Use one of {', '.join(sorted(MACHINES))}, or the docker or kubernetes backend",
        )
    return assemble(rules(MACHINES[machine], own_kernel=own_kernel))
