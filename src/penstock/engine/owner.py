"""Who holds a lease: a name that is never used twice and that tells, on the same machine, whether its process still lives."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class _Name(NamedTuple):
    boot: str  # of the kernel: pids mean nothing after a reboot
    pid_namespace: str  # or in another container
    pid: str
    started: str  # in clock ticks since boot: a pid may be given to another process
    random: str


def new_owner() -> str:
    """The name of this process as an owner, at most 120 characters. Each call gives another one."""
    pid = str(os.getpid())
    return ":".join(_Name(_boot_id(), _pid_namespace(), pid, _started_at(pid) or "", secrets.token_hex(8)))


def host_name() -> str:
    return socket.gethostname()


def is_dead(owner: str) -> bool:
    """Whether the owner is proven dead. False whenever there is a doubt: another machine, another container, no /proc."""
    parts = owner.split(":")
    if len(parts) != len(_Name._fields):
        return False
    name = _Name(*parts)
    if not name.boot or name.boot != _boot_id() or name.pid_namespace != _pid_namespace() or not name.started:
        return False
    started = _started_at(name.pid)
    return started != name.started if started is not None else not _is_there(int(name.pid))


def ran_since_boot(owner: str) -> bool:
    """Whether the owner ran on this machine since it was started last: what it wrote to a file is there to the last byte."""
    boot = _boot_id()
    return bool(boot) and owner.split(":", maxsplit=1)[0] == boot


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _started_at(pid: str) -> str | None:
    """Start time of a process, "" of one that is over; None if /proc does not show it (hidepid, or it is gone)."""
    try:
        # The command's name, in parentheses, may itself hold spaces and parentheses.
        fields = (_PROC / pid / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in "ZX" else fields[19]


def _is_there(pid: int) -> bool:
    """Whether a process of whichever user has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
