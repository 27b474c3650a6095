"""For a process under test: from SIGUSR1 on, the kernel itself answers each of its fsyncs with EIO, as if its disk failed."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from pathlib import Path

TELLS = "disk-is-broken"  # the file, in the current folder, that tells when it has happened

# Machine → (its number for audits, seccomp, fsync, fdatasync).
_NUMBERS = {"x86_64": (0xC000003E, 317, 74, 75), "aarch64": (0xC00000B7, 277, 82, 83)}
_PR_SET_NO_NEW_PRIVS, _SET_MODE_FILTER, _ALL_THREADS = 38, 1, 1
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | errno.EIO


def _break_the_disk(*_: object) -> None:
    machine, seccomp, fsync, fdatasync = _NUMBERS[os.uname().machine]
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, 4),
            (_JUMP_IF_EQUAL, 0, 3, machine),
            (_LOAD, 0, 0, 0),
            (_JUMP_IF_EQUAL, 2, 0, fsync),
            (_JUMP_IF_EQUAL, 1, 0, fdatasync),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _FAIL),
        )
    )
    kept = ctypes.create_string_buffer(program)
    filtering = ctypes.create_string_buffer(struct.pack("HL", len(program) // 8, ctypes.addressof(kept)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, filtering) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    Path(TELLS).touch()


IS_LOADED = False  # a worker that loads this module says so
signal.signal(signal.SIGUSR1, _break_the_disk)
