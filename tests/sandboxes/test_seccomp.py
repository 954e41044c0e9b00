"""The filter, by running it: a small interpreter of classic BPF stands in for the kernel, on both architectures."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.contract import SandboxUnavailable
from sandboxes.seccomp import ALLOW, MACHINES, REFUSE, assemble, program

EPERM, ENOSYS = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS


def decide(filter_: bytes, audit: int, number: int, *arguments: int) -> int:
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("<HBBI", filter_, at) for at in range(0, len(filter_), 8)]
    at = accumulator = 0
    while True:
        opcode, true, false, k = code[at]
        at += 1
        if opcode == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif opcode == 0x06:
            return k
        else:
            holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[opcode]
            at += true if holds else false


@pytest.fixture(params=sorted(MACHINES))
def machine(request):
    return request.param


def ask(machine, number, *arguments):
    return decide(program(machine), MACHINES[machine].audit, number, *arguments)


@pytest.mark.parametrize(
    ("x86", "arm"),
    [(0, 63), (1, 64), (257, 56), (59, 221), (231, 94), (9, 222), (61, 260), (157, 167), (41, 198), (318, 278)],
    ids=["read", "write", "openat", "execve", "exit_group", "mmap", "wait4", "prctl", "socket", "getrandom"],
)
def test_what_programs_need_passes(machine, x86, arm):
    assert ask(machine, x86 if machine == "x86_64" else arm) == ALLOW


@pytest.mark.parametrize(
    ("x86", "arm"),
    [
        (101, 117),
        (165, 40),
        (272, 97),
        (308, 268),
        (250, 219),
        (321, 280),
        (298, 241),
        (323, 282),
        (425, 425),
        (246, 104),
        (310, 270),
        (438, 438),
        (304, 265),
        (155, 41),
    ],
)
def test_what_leads_out_is_refused(machine, x86, arm):
    assert ask(machine, x86 if machine == "x86_64" else arm) == EPERM


@pytest.mark.parametrize("flag", [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
def test_clone_makes_processes_and_threads_but_no_namespaces(machine, flag):
    clone = MACHINES[machine].clone
    assert ask(machine, clone, 17) == ALLOW
    assert ask(machine, clone, 0x3D0F00) == ALLOW  # pthread_create of glibc
    assert ask(machine, clone, flag | 17) == EPERM
    assert ask(machine, 435) == ENOSYS


@pytest.mark.parametrize(("request_", "verdict"), [(0x5401, ALLOW), (0x5412, EPERM), (0x541C, EPERM), (0x5413, ALLOW)])
def test_typing_into_a_terminal_is_refused(machine, request_, verdict):
    ioctl = MACHINES[machine].ioctl
    assert ask(machine, ioctl, 0, request_) == verdict
    assert ask(machine, ioctl, 0, request_ | 1 << 40) == verdict  # the kernel looks at 32 bits too


def test_another_architectures_calls_are_refused(machine):
    other = next(found for name, found in MACHINES.items() if name != machine)
    assert decide(program(machine), other.audit, 0) == EPERM
    assert decide(program(machine), 0x40000003, 0) == EPERM  # i386
    assert ask(machine, 0x40000000) == ENOSYS  # x32


@given(st.sampled_from(sorted(MACHINES)), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_gets_a_verdict(machine, number, arguments):
    assert ask(machine, number, *arguments) in (ALLOW, EPERM, ENOSYS)


def test_jumps_too_far_or_backwards_are_no_program():
    far = [(0x15, 0, "end", None), *[(0x06, ALLOW, None, None)] * 256, "end", (0x06, ALLOW, None, None)]
    with pytest.raises(ValueError, match="cannot jump"):
        assemble(far)
    with pytest.raises(ValueError, match="cannot jump"):
        assemble(["back", (0x06, ALLOW, None, None), (0x15, 0, "back", None)])


def test_an_architecture_without_a_table_is_an_error():
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        program("riscv64")
