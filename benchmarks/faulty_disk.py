"""A disk that fails from a chosen moment on: system calls of this process answer with an error.

A seccomp filter of the kernel refuses the calls, so that SQLite, Python and everything else meet
the fault where a real one would come from. It cannot be taken back; it ends with the process.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from typing import Final

_NUMBERS: Final = {
    "x86_64": {"fsync": 74, "fdatasync": 75, "pwrite64": 18, "seccomp": 317},
    "aarch64": {"fsync": 82, "fdatasync": 83, "pwrite64": 68, "seccomp": 277},
}
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_NO_NEW_PRIVILEGES: Final = 38
_SET_FILTER, _ALL_THREADS = 1, 1
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06

SYNCS: Final = ("fsync", "fdatasync")
"""What makes written bytes durable."""


def is_possible() -> bool:
    """Whether this machine can refuse system calls to a process."""
    return sys.platform.startswith("linux") and platform.machine() in _NUMBERS


def fail_from_now_on(calls: Iterable[str] = SYNCS, error: int = errno.EIO) -> None:
    """Let these system calls fail with `error` in all threads of this process, for good."""
    numbers = _NUMBERS[platform.machine()]
    refused = [numbers[call] for call in calls]
    program = [_step(_LOAD, 4), _step(_JUMP_IF_EQUAL, _ARCHITECTURES[platform.machine()], 1, 0)]
    program += [_step(_RETURN, _ALLOW), _step(_LOAD, 0)]
    for place, number in enumerate(refused):
        program.append(_step(_JUMP_IF_EQUAL, number, len(refused) - place, 0))
    program += [_step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE | error)]
    _install(b"".join(program), len(program), numbers["seccomp"])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _install(steps: bytes, count: int, seccomp: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(steps, len(steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", count, ctypes.addressof(held)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(
        seccomp, _SET_FILTER, _ALL_THREADS, program
    ):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
